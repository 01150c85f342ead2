import { afterEach, expect, test } from "bun:test";
import type { GatewayConfig } from "../../../generated/config.ts";
import { LIMITS } from "../../../generated/limits.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../../gateway/testing.ts";
import type { ChannelPort, OutboundMessage } from "./port.ts";

const KEY = `sk-ant-api03-${"a1B2c3D4".repeat(12)}-AAAAAAAA`;

let gateway: TestGateway;
let client: TestClient;
const sent: OutboundMessage[] = [];
afterEach(() => gateway.stop());

async function start(): Promise<void> {
  sent.length = 0;
  const port: ChannelPort = {
    id: "slack",
    capabilities: { polls: true, actions: new Set(["react"]) },
    targetHint: "<channel>",
    async deliver(message) {
      sent.push(message);
      return {};
    },
  };
  const config = { channels: { slack: { botToken: "xoxb-none" } } } as Partial<GatewayConfig>;
  gateway = await startTestGateway({ config, prepare: (services) => void services.outbound.attach(port) });
  client = await gateway.connect();
}

const act = (params: object, idempotencyKey = "k") =>
  client.request("message.action", {
    channel: "slack",
    action: "react",
    params: { to: "C1", ...params },
    idempotencyKey,
  });

test("126: a credential goes out in no part of an action, however deep it stands", async () => {
  await start();
  const nested = { text: KEY, blocks: [{ value: [KEY] }] };
  expect((await act({ text: KEY, nested, list: [KEY, 1, null, true] })).ok).toBe(true);
  expect(sent).toHaveLength(1);
  expect(JSON.stringify(sent)).not.toContain(KEY);
  expect(sent[0]!.content).toMatchObject({ params: { to: "C1", list: [expect.any(String), 1, null, true] } });
  const stored = await gateway.services.store.read((db) => JSON.stringify(db.query("SELECT * FROM outbox").all()));
  expect(stored).not.toContain(KEY);
});

test("126: an action with more texts than anybody needs, or nested deeper, is refused before they are judged", async () => {
  await start();
  const many = Object.fromEntries(Array.from({ length: LIMITS.outboundTexts }, (_, n) => [`p${n}`, "x"]));
  let deep: unknown = "x";
  for (let level = 0; level < LIMITS.outboundDepth; level++) deep = [deep];
  for (const params of [many, { deep }]) {
    expect((await act(params)).error?.message).toBe("params of an action hold too many texts or nest too deep");
  }
  expect(sent).toEqual([]);
});

test("104: an idempotency key that would fill the disk is refused", async () => {
  await start();
  const idempotencyKey = "k".repeat(LIMITS.outboxKeyChars + 1);
  for (const call of [
    client.request("send", { channel: "slack", to: "C1", message: "x", idempotencyKey }),
    client.request("poll", { channel: "slack", to: "C1", question: "q", options: ["a", "b"], idempotencyKey }),
    act({}, idempotencyKey),
  ]) {
    expect((await call).error?.message).toBe("idempotencyKey is too long");
  }
});
