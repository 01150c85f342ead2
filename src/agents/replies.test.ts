import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChannelPort, OutboundMessage } from "../channels/outbound/port.ts";
import { DeliveryFailure } from "../channels/outbound/port.ts";
import { type ChatGateway, chatEnd, startChatGateway } from "./testing/chat-gateway.ts";

const KEY = "agent:main:slack:channel:c1";
const running: ChatGateway[] = [];
let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "chela-replies-"));
});
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

/** A gateway with a channel whose service takes everything, or fails as told, and a session that the channel talks in. */
async function start({ channels = { slack: { botToken: "xoxb-none" } } as object, fails = false } = {}) {
  const sent: OutboundMessage[] = [];
  const port: ChannelPort = {
    id: "slack",
    capabilities: { polls: false, actions: new Set() },
    targetHint: "<channel>",
    async deliver(message) {
      if (fails) throw new DeliveryFailure("slack is away");
      sent.push(message);
      return { messageId: `m${sent.length}` };
    },
  };
  const gateway = await startChatGateway({
    stateDir,
    config: { channels } as never,
    prepare: (services) => void services.outbound.attach(port),
  });
  running.push(gateway);
  const { inbound } = gateway.services;
  await inbound.place({ channel: "slack", peer: { kind: "channel", id: "C1" }, to: "channel:c1" });
  const rows = () => gateway.services.store.read((db) => db.query("SELECT run_id FROM reply_routes").all());
  const arrived = async (count: number) => {
    while (sent.length < count || (await rows()).length > 0) await Bun.sleep(5);
  };
  return { gateway, client: gateway.client, sent, rows, arrived };
}

test("the answer to sessions.send goes to where the session's last message came from, once for each key", async () => {
  const { client, sent, arrived } = await start();
  const params = { key: KEY, message: "hello", idempotencyKey: "r-1" };
  await client.call("sessions.send", params);
  await chatEnd(client, "r-1");
  await arrived(1);
  await client.call("sessions.send", params);
  expect(sent).toMatchObject([
    { to: "channel:c1", accountId: "default", content: { kind: "message", text: "echo: hello" } },
  ]);
});

test("chat.send sends its answer only with deliver", async () => {
  const { client, sent, arrived } = await start();
  await client.call("chat.send", { sessionKey: KEY, message: "quiet", idempotencyKey: "c-1" });
  await chatEnd(client, "c-1");
  await client.call("chat.send", { sessionKey: KEY, message: "aloud", idempotencyKey: "c-2", deliver: true });
  await arrived(1);
  expect(sent.map(({ content }) => content)).toMatchObject([{ text: "echo: aloud" }]);
});

test("a message that a run takes in shares its answer, which goes out once", async () => {
  const { client, sent, arrived } = await start();
  const params = { sessionKey: KEY, deliver: true };
  await client.call("chat.send", { ...params, message: "SLOW:60 a b c d", idempotencyKey: "s-1" });
  await client.event("chat", ({ runId, state }) => runId === "s-1" && state === "delta", 0);
  await client.call("chat.send", { ...params, message: "and this", idempotencyKey: "s-2", queueMode: "steer" });
  await client.call("agent.wait", { runId: "s-2", timeoutMs: 10_000 });
  await arrived(1);
  const texts = sent.map(({ content }) => (content.kind === "message" ? content.text : ""));
  expect(new Set(texts).size).toBe(texts.length);
});

test("a run that was stopped sends nothing", async () => {
  const { client, sent, rows } = await start();
  await client.call("sessions.send", { key: KEY, message: "SLOW:100 a b c d", idempotencyKey: "s-1" });
  await client.event("chat", ({ runId, state }) => runId === "s-1" && state === "delta", 0);
  await client.call("chat.abort", { sessionKey: KEY, runId: "s-1" });
  await chatEnd(client, "s-1");
  while ((await rows()).length > 0) await Bun.sleep(5);
  expect(sent).toEqual([]);
});

test("agent tells what became of the delivery, and refuses when there is no place for it", async () => {
  const { client, sent } = await start();
  const call = { sessionKey: KEY, message: "report", deliver: true };
  client.send({ type: "req", id: "a-1", method: "agent", params: { ...call, idempotencyKey: "a-1" } });
  const { result } = (await client.answer("a-1", 1)).payload;
  expect(result.deliveryStatus).toEqual({
    requested: true,
    attempted: true,
    status: "sent",
    succeeded: true,
    resultCount: 1,
  });
  expect(sent).toHaveLength(1);
  const nowhere = { ...call, sessionKey: "agent:main:nowhere" };
  const { error } = await client.request("agent", { ...nowhere, idempotencyKey: "a-2" });
  expect(error.message).toStartWith("Channel is required");
  const { error: unknown } = await client.request("agent", { ...nowhere, channel: "nochannel", idempotencyKey: "a-3" });
  expect(unknown.message).toBe("invalid agent params: unknown channel: nochannel");
});

test("an answer that a crash kept from the outbox goes out after the next start, and only then", async () => {
  const first = await start();
  await first.client.call("chat.send", { sessionKey: KEY, message: "before the crash", idempotencyKey: "k-1" });
  await chatEnd(first.client, "k-1");
  while (!(await first.gateway.services.runs.find("k-1"))?.outcome) await Bun.sleep(5);
  const { replies, store } = first.gateway.services;
  const place = { channel: "slack", to: "channel:c1" };
  await store.write((db) => replies.remember("k-1", KEY, place)(db));
  await store.write((db) => replies.remember("lost", KEY, place)(db));
  running.pop();
  await first.gateway.stop();
  const second = await start();
  // Its transport came after the start, so that the first attempt found none.
  const { store: after, outbound } = second.gateway.services;
  while ((await outbound.deliveries.nextAt()) === null) await Bun.sleep(5);
  await after.write((db) => void db.query("UPDATE outbox SET next_at = 0").run());
  await outbound.deliveries.retry();
  await second.arrived(1);
  expect(second.sent.map(({ content }) => content)).toMatchObject([{ text: "echo: before the crash" }]);
  running.pop();
  await second.gateway.stop();
  const third = await start();
  expect(third.sent).toEqual([]);
});

test("what the channel cannot take now waits in the outbox", async () => {
  const { client, gateway, rows } = await start({ fails: true });
  await client.call("sessions.send", { key: KEY, message: "hello", idempotencyKey: "w-1" });
  await chatEnd(client, "w-1");
  while ((await gateway.services.outbound.deliveries.nextAt()) === null || (await rows()).length > 0)
    await Bun.sleep(5);
  const waiting = await gateway.services.store.read((db) => db.query("SELECT state FROM outbox").all());
  expect(waiting).toEqual([{ state: "queued" }]);
});
