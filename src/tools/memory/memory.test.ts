import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { link, mkdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { GatewayConfig } from "../../../generated/config.ts";
import { chatEnd, freshKey } from "../../agents/testing/chat-gateway.ts";
import { startToolGateway, type ToolGateway, useTool } from "../../agents/testing/tool-gateway.ts";
import type { TestClient } from "../../gateway/testing.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../../memory/testing.ts";

let server: EmbeddingServer;
let gateway: ToolGateway;
let workspace: string;

const withVectors = (): Partial<GatewayConfig> => ({
  memory: {
    search: {
      provider: "openai-compatible",
      model: "embed-1",
      remote: { baseUrl: `${server.origin}/v1`, apiKey: "embedding-key-123456" },
    },
  },
});

beforeAll(async () => {
  server = startEmbeddingServer();
  gateway = await startToolGateway(withVectors());
  workspace = await prepared(gateway);
});
afterAll(async () => {
  await gateway.stop();
  await server.stop();
});

/** Puts a few notes into the workspace of the main agent. */
async function prepared({ services }: ToolGateway): Promise<string> {
  const folder = services.agents.find("main")!.workspace;
  await mkdir(join(folder, "memory/deep"), { recursive: true });
  await writeFile(join(folder, "MEMORY.md"), "# Memory\n\nThe owner drinks black coffee.\nThe cat is called Mokka.\n");
  await writeFile(join(folder, "memory/router.md"), "# Notes\n\nrouter password hint: blue door\n");
  await writeFile(join(folder, "memory/deep/garage.md"), "The automobile stands in the garage.\n");
  return folder;
}

const use = (name: string, args: object, { on = gateway, ...more }: Using = {}) => useTool(on, name, args, more);
type Using = { on?: ToolGateway; by?: TestClient; sessionKey?: string };

const paths = ({ results }: Record<string, any>): string[] => results.map(({ path }: { path: string }) => path);

describe("memory_search", () => {
  test("finds by words with lines and where they stand, as upstream shows them", async () => {
    const found = await use("memory_search", { query: "black coffee" });
    expect(found).toMatchObject({ provider: "openai-compatible", model: "embed-1", citations: "auto" });
    expect(found.results[0]).toEqual({
      path: "MEMORY.md",
      startLine: 1,
      endLine: 5,
      score: expect.any(Number),
      vectorScore: expect.any(Number),
      textScore: expect.any(Number),
      snippet: "# Memory\n\nThe owner drinks black coffee.\nThe cat is called Mokka.\n\nSource: MEMORY.md#L1-L5",
      source: "memory",
      provenance: { originClass: "agent", sessionKind: "unknown", observedAt: expect.any(Number) },
      corpus: "memory",
      citation: "MEMORY.md#L1-L5",
    });
  });

  test("finds by meaning what shares no word with the question", async () => {
    const found = await use("memory_search", { query: "vehicle", minScore: 0.1 });
    expect(paths(found)[0]).toBe("memory/deep/garage.md");
    expect(found.results[0]).toMatchObject({ textScore: 0 });
    expect(found.results[0].vectorScore).toBeGreaterThan(0.2);
  });

  test("asks for a text once, however often it is searched and whatever else changes", async () => {
    await use("memory_search", { query: "coffee" });
    const before = server.asked.length;
    await use("memory_search", { query: "coffee" });
    expect(server.asked.slice(before).flatMap(({ texts }) => texts)).toEqual(["coffee"]);
    await writeFile(join(workspace, "memory/new.md"), "A submarine was seen.\n");
    expect(paths(await use("memory_search", { query: "submarine" }))).toContain("memory/new.md");
    const texts = server.asked.slice(before + 1).flatMap((each) => each.texts);
    expect(texts.sort()).toEqual(["A submarine was seen.\n", "submarine"]);
    expect(server.asked[0]!.headers.get("authorization")).toBe("Bearer embedding-key-123456");
    // The same bytes under another time are not read into the index again.
    await utimes(join(workspace, "memory/new.md"), 1_000_000, 1_000_000);
    await rm(join(workspace, "memory/new.md"));
    expect(paths(await use("memory_search", { query: "submarine", minScore: 0.99 }))).toEqual([]);
  });

  test("a provider that is named and fails is told, without its key, and nothing is quietly left out", async () => {
    server.fail(500);
    const failed = await use("memory_search", { query: "coffee" });
    server.fail(0);
    expect(failed).toMatchObject({ results: [], disabled: true, unavailable: true });
    expect(failed.error).toContain("HTTP 500");
    expect(JSON.stringify(failed)).not.toContain("embedding-key-123456");
    expect(paths(await use("memory_search", { query: "coffee" }))).toContain("MEMORY.md");
  });

  test("says what there is no memory of, and refuses what is no query", async () => {
    expect(await use("memory_search", { query: "x", corpus: "wiki" })).toMatchObject({
      results: [],
      corpora: [{ corpus: "wiki", outcome: "not-registered" }],
    });
    expect((await use("memory_search", { query: "coffee", corpus: "all" })).corpora[0].outcome).toBe("ok");
    expect(await use("memory_search", { query: "coffee", corpus: "sessions" })).toMatchObject({
      disabled: true,
      error: "Session transcript search is not enabled.",
    });
    expect((await use("memory_search", { query: " " })).error).toContain("query required");
    expect((await use("memory_search", { query: "x", folder: "/" })).error).toContain("Validation failed");
  });

  test("the model is told to look there", () => {
    const [system] = gateway.model.calls.at(-1)!.body.messages! as { content: string }[];
    expect(system!.content).toContain("look with memory_search");
    expect(system!.content).toContain("The cat is called Mokka.");
  });
});

describe("memory_get", () => {
  test("reads lines, and says where to go on", async () => {
    const lines = Array.from({ length: 300 }, (_, at) => `line ${at + 1}`);
    await writeFile(join(workspace, "memory/long.md"), `${lines.join("\n")}\n`);
    expect(await use("memory_get", { path: "memory/router.md", from: 2, lines: 2 })).toEqual({
      ...{ status: "ok", text: "\nrouter password hint: blue door", path: "memory/router.md", from: 2, lines: 2 },
    });
    const open = await use("memory_get", { path: "memory/long.md" });
    expect(open).toMatchObject({ from: 1, lines: 120, truncated: true, nextFrom: 121 });
    const end = await use("memory_get", { path: "memory/long.md", from: 299, lines: 10 });
    expect(end).toEqual({ status: "ok", text: "line 299\nline 300", path: "memory/long.md", from: 299, lines: 2 });
    expect(await use("memory_get", { path: "memory/long.md", from: 900 })).toMatchObject({ text: "", lines: 0 });
    await rm(join(workspace, "memory/long.md"));
  });

  test("62, 63, 64: reads nothing but memory, whatever paths, links and second names say", async () => {
    const secret = join(workspace, "../secret.md");
    await writeFile(secret, "top secret coffee\n");
    await writeFile(join(workspace, "AGENTS-private.md"), "top secret coffee\n");
    await symlink(secret, join(workspace, "memory/link.md"));
    await link(secret, join(workspace, "memory/second.md"));
    await symlink(join(workspace, ".."), join(workspace, "memory/up"));
    const refused = [
      "../secret.md",
      secret,
      "memory/../../secret.md",
      "AGENTS-private.md",
      "/etc/passwd",
      "memory/a.txt",
    ];
    for (const path of [...refused, "memory/.hidden/a.md", "memory/\0.md"]) {
      const { status, code, text } = await use("memory_get", { path });
      expect([path, status, code, text]).toEqual([path, "error", "MEMORY_PATH_NOT_ALLOWED", ""]);
    }
    for (const path of ["memory/link.md", "memory/second.md", "memory/up/secret.md"]) {
      const { status, code, text } = await use("memory_get", { path });
      expect([path, status, code, text]).toEqual([path, "error", "MEMORY_READ_FAILED", ""]);
    }
    expect((await use("memory_get", { path: "memory/none.md" })).status).toBe("not_found");
    const found = await use("memory_search", { query: "top secret", minScore: 0 });
    expect(JSON.stringify(found)).not.toContain("top secret coffee");
    for (const name of ["link.md", "second.md", "up"]) await rm(join(workspace, "memory", name));
  });
});

describe("as configured", () => {
  test("without a key it goes by words alone and says why; provider none is a choice", async () => {
    const plain = await startToolGateway();
    await prepared(plain);
    const found = await use("memory_search", { query: "black coffee" }, { on: plain });
    expect(paths(found)).toEqual(["MEMORY.md"]);
    expect(found.provider).toBe("none");
    expect(found.debug.embeddingBootstrap).toMatchObject({ ok: false, provider: "openai", degradedTo: "keyword-only" });
    await plain.stop();
    const none = await startToolGateway({ memory: { search: { provider: "none" } } });
    const folder = await prepared(none);
    await writeFile(join(folder, "memory/tokyo.md"), "会議は木曜日に東京で行われます。\n");
    const chosen = await use("memory_search", { query: "東京" }, { on: none });
    expect(paths(chosen)).toEqual(["memory/tokyo.md"]);
    expect(chosen.debug.embeddingBootstrap).toBeUndefined();
    await none.stop();
  });

  test("extra paths are memory, too, and marked as what others may have written", async () => {
    const extra = join(workspace, "../team-notes");
    await mkdir(join(extra, "sub"), { recursive: true });
    await writeFile(join(extra, "sub/team.md"), "The deploy window opens on Thursday.\n");
    await writeFile(join(extra, "other.md"), "The deploy window of others.\n");
    const search = { provider: "none", extraPaths: [{ path: extra, pattern: "sub/**/*.md" }] };
    const own = await startToolGateway({ memory: { search } });
    const found = await use("memory_search", { query: "deploy window" }, { on: own });
    expect(found.results).toHaveLength(1);
    expect(found.results[0]).toMatchObject({ provenance: { originClass: "untrusted" } });
    const { path } = found.results[0];
    expect((await use("memory_get", { path }, { on: own })).text).toBe("The deploy window opens on Thursday.");
    const other = path.replace("sub/team.md", "other.md");
    expect((await use("memory_get", { path: other }, { on: own })).code).toBe("MEMORY_PATH_NOT_ALLOWED");
    await own.stop();
  });

  test("120: what was said in sessions is found by its owner, and by nobody who may not see the session", async () => {
    const search = {
      ...withVectors().memory!.search,
      sources: ["memory", "sessions"],
      experimental: { sessionMemory: true },
    };
    const own = await startToolGateway({ memory: { search } } as Partial<GatewayConfig>);
    const { sessionKey } = freshKey();
    await own.client.call("chat.send", { sessionKey, message: "my locker has the number 4711", idempotencyKey: "s1" });
    await chatEnd(own.client, "s1");
    const found = await use("memory_search", { query: "locker number", corpus: "sessions" }, { on: own });
    const hit = found.results.find(({ snippet }: { snippet: string }) => snippet.includes("4711"));
    expect(hit).toMatchObject({ source: "sessions", startLine: 1, provenance: { sessionKind: "interactive" } });
    expect(hit.path).toMatch(/^sessions\/main\/[0-9a-f-]{36}\.jsonl$/);
    expect((await use("memory_get", { path: hit.path }, { on: own })).code).toBe("MEMORY_PATH_NOT_ALLOWED");
    const by = await own.connect({ scopes: ["operator.read", "operator.write"] });
    const hidden = await use("memory_search", { query: "locker number" }, { on: own, by });
    expect(JSON.stringify(hidden)).not.toContain("4711");
    await own.stop();
  });

  test("is not offered where memory is switched off, nor in a sandbox without the workspace", async () => {
    const off = await startToolGateway({ memory: { search: { enabled: false } } });
    expect((await use("memory_search", { query: "x" }, { on: off })).error).toBe("Tool memory_search not found");
    await off.stop();
    const part = await startToolGateway({ plugins: { slots: { memory: "none" } } });
    expect((await use("memory_get", { path: "MEMORY.md" }, { on: part })).error).toBe("Tool memory_get not found");
    await part.stop();
    const boxed = await startToolGateway({
      agents: { defaults: { model: { primary: "mock/mock-1" }, sandbox: { mode: "all", workspaceAccess: "none" } } },
    });
    expect((await use("memory_get", { path: "MEMORY.md" }, { on: boxed })).error).toBe("Tool memory_get not found");
    await boxed.stop();
  });
});
