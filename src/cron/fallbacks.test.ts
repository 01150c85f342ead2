import { afterAll, beforeAll, expect, test } from "bun:test";
import { mockProvider } from "../agents/testing/chat-gateway.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { type ModelServer, startModelServer } from "../parity/model-server.ts";
import { turnJob } from "./testing.ts";

/** A provider that lets nobody in. */
const refusing = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("{}", { status: 401 }) });

let model: ModelServer;
let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  model = startModelServer();
  const { models, ...config } = mockProvider(model.baseUrl);
  const { mock } = models!.providers!;
  const dead = { ...mock!, baseUrl: `http://127.0.0.1:${refusing.port}/v1` };
  const agents = {
    defaults: { model: { primary: "mock/mock-1", fallbacks: ["mock/think-1"] }, heartbeat: { every: "0m" } },
  };
  gateway = await startTestGateway({
    config: { ...config, agents, models: { ...models, providers: { mock, dead } } } as never,
  });
  client = await gateway.connect();
});
afterAll(async () => {
  await gateway.stop();
  await model.close();
  await refusing.stop(true);
});

async function run(payload: object) {
  const job = turnJob({ payload: { kind: "agentTurn", message: "say hi", ...payload } });
  const { id } = await client.call("cron.add", job);
  const from = client.frames.length;
  await client.call("cron.run", { id });
  const ended = await client.event("cron", (each) => each.jobId === id && each.action === "finished", from);
  return ended.payload;
}

test("a job asks its own fallbacks when its model fails", async () => {
  expect(await run({ model: "dead/mock-1", fallbacks: ["mock/mock-1"] })).toMatchObject({
    status: "ok",
    provider: "mock",
    model: "mock-1",
  });
});

test("without any of its own those of its agent count, behind its own model too", async () => {
  expect(await run({ model: "dead/mock-1" })).toMatchObject({ status: "ok", model: "think-1" });
});

test("an empty list is strict", async () => {
  expect(await run({ model: "dead/mock-1", fallbacks: [] })).toMatchObject({ status: "error" });
});
