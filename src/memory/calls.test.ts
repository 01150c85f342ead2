import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startTestGateway, type TestGateway } from "../gateway/testing.ts";
import { type EmbeddingServer, startEmbeddingServer } from "./testing.ts";

let server: EmbeddingServer;
beforeAll(() => {
  server = startEmbeddingServer();
});
afterAll(() => server.stop());

/** A gateway with one note and these settings of memory. */
async function started(search: object, more: object = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({ config: { memory: { search }, ...more } as never });
  const { workspace } = gateway.services.agents.find("main")!;
  await mkdir(join(workspace, "memory"), { recursive: true });
  await writeFile(join(workspace, "memory/garage.md"), "The automobile stands in the yard.\n");
  return gateway;
}

const provider = (api: string, path: string) => ({
  models: {
    discovery: { enabled: false },
    providers: { mine: { baseUrl: `${server.origin}${path}`, apiKey: "provider-key-12345", api, models: [] } },
  },
});

describe("memory.search", () => {
  test("asks Gemini, Ollama and OpenAI-compatible providers in their own forms, and finds by meaning", async () => {
    for (const [api, path, asked] of [
      ["google-generative-ai", "/v1beta", "/v1beta/models/embed-1:batchEmbedContents"],
      ["ollama", "", "/api/embed"],
      ["openai-completions", "/v1", "/v1/embeddings"],
    ] as const) {
      const before = server.asked.length;
      const gateway = await started({ provider: "mine", model: "embed-1" }, provider(api, path));
      const client = await gateway.connect();
      const answer = await client.call("memory.search", { query: "vehicle", minScore: 0.1 });
      expect(answer).toMatchObject({ agentId: "main", provider: "mine", searchMode: "hybrid" });
      expect(answer.results[0]).toMatchObject({ path: "memory/garage.md", source: "memory", textScore: 0 });
      const calls = server.asked.slice(before);
      expect(new Set(calls.map((call) => call.path))).toEqual(new Set([asked]));
      const { headers } = calls[0]!;
      expect(headers.get("authorization") ?? headers.get("x-goog-api-key")).toContain("provider-key-12345");
      await gateway.stop();
    }
  });

  test("the key of a provider does not go to another address that memory names", async () => {
    const remote = { baseUrl: `${server.origin}/elsewhere` };
    const gateway = await started(
      { provider: "mine", model: "embed-1", remote },
      provider("openai-completions", "/v1"),
    );
    const before = server.asked.length;
    await (await gateway.connect()).call("memory.search", { query: "vehicle" });
    const calls = server.asked.slice(before);
    expect(calls.length).toBeGreaterThan(0);
    for (const { path, headers } of calls) {
      expect(path).toBe("/elsewhere/embeddings");
      expect([...headers.values()].join()).not.toContain("provider-key-12345");
    }
    await gateway.stop();
  });

  test("88: an address that hands out credentials of the machine is not asked", async () => {
    const remote = { baseUrl: "http://169.254.169.254/v1" };
    const gateway = await started({ provider: "openai-compatible", model: "m", remote });
    const answer = await (await gateway.connect()).call("memory.search", { query: "vehicle" });
    expect(answer).toMatchObject({ results: [], warning: expect.stringContaining("metadata service") });
    await gateway.stop();
  });

  test("refuses wrong parameters in upstream's words and order", async () => {
    const gateway = await started({ provider: "none" });
    const client = await gateway.connect();
    const refusal = async (params?: object) => (await client.request("memory.search", params)).error;
    const INVALID = "INVALID_REQUEST";
    for (const params of [undefined, {}, { query: " " }, { query: 5, agentId: 5 }]) {
      expect(await refusal(params)).toEqual({ code: INVALID, message: "query must be a non-empty string" });
    }
    expect(await refusal({ query: "x", agentId: 5 })).toEqual({ code: INVALID, message: "agentId must be a string" });
    expect(await refusal({ query: "x", agentId: "no", minScore: null })).toEqual({
      code: INVALID,
      message: "maxResults and minScore must be finite numbers when provided",
    });
    expect(await refusal({ query: "x", agentId: "nope" })).toEqual({ code: INVALID, message: "unknown agentId" });
    await gateway.stop();
  });

  test("nothing is read before the first search, and nothing twice that has not changed", async () => {
    const gateway = await started({ provider: "none" });
    const { repository } = gateway.services.memory;
    expect(await repository.count("main")).toEqual({ files: 0, chunks: 0 });
    await (await gateway.connect()).call("memory.search", { query: "automobile" });
    expect(await repository.count("main")).toEqual({ files: 1, chunks: 1 });
    const [known] = [...(await repository.files("main", "memory")).values()];
    await (await gateway.connect()).call("memory.search", { query: "automobile" });
    expect([...(await repository.files("main", "memory")).values()]).toEqual([known!]);
    await gateway.stop();
  });

  test("what is known of an agent goes with it", async () => {
    const agents = { list: [{ id: "main" }, { id: "work" }] };
    const gateway = await started({ provider: "none" }, { agents });
    const { workspace } = gateway.services.agents.find("work")!;
    await mkdir(workspace, { recursive: true });
    await writeFile(join(workspace, "MEMORY.md"), "The safe has the number 4711.\n");
    const client = await gateway.connect();
    const found = await client.call("memory.search", { query: "safe", agentId: "work" });
    expect(found.results).toHaveLength(1);
    expect((await client.call("memory.search", { query: "safe" })).results).toEqual([]);
    await client.call("agents.delete", { agentId: "work" });
    expect(await gateway.services.memory.repository.count("work")).toEqual({ files: 0, chunks: 0 });
    const { n } = gateway.services.store.db
      .query("SELECT count(*) AS n FROM memory_search WHERE memory_search MATCH 'safe'")
      .get() as { n: number };
    expect(n).toBe(0);
    await gateway.stop();
  });
});

describe("doctor.memory.status", () => {
  test("says who gives vectors, and whether it works once somebody has looked", async () => {
    const remote = { baseUrl: `${server.origin}/v1` };
    const gateway = await started({ provider: "openai-compatible", model: "embed-1", remote });
    const client = await gateway.connect();
    const unchecked = { ok: false, checked: false, error: expect.stringContaining("not checked") };
    const base = { agentId: "main", provider: "openai-compatible" };
    expect(await client.call("doctor.memory.status")).toEqual({ ...base, embedding: unchecked });
    expect(await client.call("doctor.memory.status", { probe: true })).toEqual({ ...base, embedding: { ok: true } });
    const { embedding } = await client.call("doctor.memory.status", { agentId: "" });
    expect(embedding).toMatchObject({ ok: true, checked: true, cached: true });
    expect(embedding.cacheExpiresAtMs).toBeGreaterThan(embedding.checkedAtMs);
    await gateway.stop();
  });

  test("without a key it says what is missing, and without vectors that this was chosen", async () => {
    const keyless = await started({});
    const missing = await (await keyless.connect()).call("doctor.memory.status", { deep: true });
    expect(missing).toEqual({
      agentId: "main",
      embedding: { ok: false, error: expect.stringContaining('No API key found for provider "openai"') },
    });
    await keyless.stop();
    const none = await started({ provider: "none" });
    const chosen = await (await none.connect()).call("doctor.memory.status", { deep: true });
    expect(chosen.embedding).toEqual({ ok: false, error: "No embedding provider available (FTS-only mode)" });
    await none.stop();
  });
});
