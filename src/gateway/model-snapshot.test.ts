import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { MOCK_CONFIG } from "../sessions/testing.ts";
import { MODEL_SNAPSHOT } from "./model-snapshot.ts";
import { type ConnectSpec, startTestGateway, TestDevice, type TestGateway } from "./testing.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ config: MOCK_CONFIG });
});
afterAll(() => gateway.stop());

const page = (modelCatalog?: object, more: ConnectSpec = {}): Promise<any> =>
  gateway.connect({
    client: { id: "openclaw-control-ui", mode: "webchat" },
    identity: new TestDevice(),
    headers: { origin: gateway.url.replace("ws", "http") },
    caps: [MODEL_SNAPSHOT],
    ...(modelCatalog ? { modelCatalog: modelCatalog as Record<string, unknown> } : {}),
    ...more,
  });

describe("models.snapshot", () => {
  test("comes once, without a seq, with what models.list says of the conversation", async () => {
    const client = await page({ sessionKey: "main" });
    expect(client.challenge.capabilities).toEqual([MODEL_SNAPSHOT]);
    const frame = await client.event("models.snapshot", () => true, 0);
    expect(frame.seq).toBeUndefined();
    const catalog = await client.call("models.list", { sessionKey: "main", view: "configured" });
    expect(frame.payload).toEqual({ target: { sessionKey: "main" }, scope: { sessionKey: "main" }, catalog });
    expect(client.events("models.snapshot")).toHaveLength(1);
  });

  test("is the default agent's where no session and no known agent is named", async () => {
    for (const target of [{}, { agentId: "ghost" }]) {
      const { payload } = await (await page(target)).event("models.snapshot", () => true, 0);
      expect(payload).toMatchObject({ target, scope: { agentId: "main" } });
      expect(payload.catalog.defaultModels).toEqual({ automaticUtilityModel: null });
    }
  });

  test("comes to no client that does not know it, and to none but a page", async () => {
    const clients = [
      await page({ sessionKey: "main" }, { caps: [] }),
      await page(),
      await gateway.connect({ caps: [MODEL_SNAPSHOT], modelCatalog: { sessionKey: "main" } }),
    ];
    for (const client of clients) {
      await client.call("models.list");
      expect(client.events("models.snapshot")).toEqual([]);
    }
  });

  test("is refused to whoever may not call models.list", async () => {
    const client = await page({ sessionKey: "main" }, { scopes: ["operator.pairing"] });
    const refusal = await client.answer(`catalog:${client.helloPayload.server.connId}`);
    expect(refusal.error).toMatchObject({ code: "FORBIDDEN", message: "missing scope: operator.read" });
    const lost = await page({ shortId: "nothex" });
    const answer = await lost.answer(`catalog-session:${lost.helloPayload.server.connId}`);
    expect(answer.error.message).toBe("shortId must be 8-32 hexadecimal characters");
  });
});

describe("chat.metadata.changed", () => {
  const setModel = async (client: any, primary: string) => {
    const { hash } = await client.call("config.get");
    const raw = JSON.stringify({ agents: { defaults: { model: { primary } } } });
    await client.call("config.patch", { raw, baseHash: hash });
  };

  test("follows a change of what chat.metadata shows, and no other change", async () => {
    const client = await gateway.connect();
    await setModel(client, "mock/think-1");
    const { payload } = await client.event("chat.metadata.changed", () => true, 0);
    expect(payload).toEqual({});
    const { models } = await client.call("chat.metadata");
    expect(models.find(({ tags }: any) => tags?.includes("default")).id).toBe("think-1");

    const { hash } = await client.call("config.get");
    await client.call("config.patch", { raw: '{ "logging": { "level": "warn" } }', baseHash: hash });
    await setModel(client, "mock/mock-1");
    await client.until(() => client.events("chat.metadata.changed").length === 2);
    await gateway.services.chatMetadata.check();
    expect(client.events("chat.metadata.changed")).toHaveLength(2);
  });
});
