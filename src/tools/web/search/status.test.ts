import { afterAll, beforeAll, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../../../gateway/testing.ts";

const service = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: async (request) => {
    const { query } = (await request.json()) as { query: string };
    if (query === "fail") return new Response("no", { status: 503 });
    return Response.json({ results: [{ title: "T", url: "https://a.example/", content: "c" }] });
  },
});
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  await gateway.stop();
  await service.stop(true);
});

const status = async () => {
  const client = await gateway.connect();
  return client.call("webSearch.status", {});
};

test("the state of search follows the configuration, and a test asks the service itself", async () => {
  const before = await status();
  expect(before.route).toMatchObject({ kind: "unavailable", testable: false });
  expect(before.providers.map(({ id }: Record<string, unknown>) => id)).toEqual([
    "brave",
    "exa",
    "firecrawl",
    "perplexity",
    "searxng",
    "tavily",
  ]);
  const client = await gateway.connect();
  const { hash } = await client.call("config.get", {});
  const webSearch = { apiKey: "tvly-secret", baseUrl: `http://127.0.0.1:${service.port}` };
  const raw = JSON.stringify({ plugins: { entries: { tavily: { config: { webSearch } } } } });
  await client.call("config.patch", { raw, baseHash: hash });
  const after = await status();
  expect(after.route).toEqual({ kind: "managed", provider: "tavily", label: "Tavily Search", testable: true });
  const tavily = after.providers.find(({ id }: Record<string, unknown>) => id === "tavily");
  expect(tavily).toMatchObject({ configured: true, available: true, credentialSource: "config" });
  expect(JSON.stringify([after, await client.call("config.get", {})])).not.toContain("tvly-secret");
  expect(await client.call("webSearch.test", { query: "x" })).toMatchObject({
    provider: "tavily",
    status: "ok",
    results: [{ title: "T", url: "https://a.example/", snippet: "c" }],
    cached: false,
  });
  const failed = await client.call("webSearch.test", { query: "fail", providerId: "tavily" });
  expect(failed).toMatchObject({ status: "error", error: "Tavily Search answered with an error (503)." });
  await expect(client.call("webSearch.test", { query: "x", providerId: "brave" })).rejects.toThrow(
    "Choose an available search provider before testing.",
  );
});
