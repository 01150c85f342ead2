import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatewayConfig } from "../../../generated/config.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../../gateway/testing.ts";
import { ManualClock } from "../../platform/clock.ts";
import type { GatewayError } from "../../platform/errors.ts";
import { type ChannelPort, DeliveryFailure, type OutboundMessage, type Receipt } from "./port.ts";

const CONFIG = { channels: { slack: { botToken: "xoxb-none" } } } as Partial<GatewayConfig>;
const running: TestGateway[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A channel whose service does what the test says and remembers what it was given. */
function fakeChannel(answer: (message: OutboundMessage) => Receipt | Promise<Receipt>) {
  const sent: OutboundMessage[] = [];
  const port: ChannelPort = {
    id: "slack",
    capabilities: { polls: true, actions: new Set(["react"]) },
    targetHint: "<channel>",
    async deliver(message) {
      sent.push(message);
      return answer(message);
    },
  };
  return { sent, port };
}

async function start(port: ChannelPort | null, more: { stateDir?: string; clock?: ManualClock; config?: object } = {}) {
  const config = { ...CONFIG, ...more.config };
  const prepare = (services: TestGateway["services"]) => void (port && services.outbound.attach(port));
  const gateway = await startTestGateway({ ...more, config, prepare });
  running.push(gateway);
  return { gateway, client: await gateway.connect() };
}

async function stop(gateway: TestGateway): Promise<void> {
  running.splice(running.indexOf(gateway), 1);
  await gateway.stop();
}

function stateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "chela-outbox-"));
  folders.push(folder);
  return folder;
}

/** The error of a call that must fail. */
function refusal(client: TestClient, method: string, params: object): Promise<GatewayError> {
  return client.call(method, params).then(
    (answer) => {
      throw new Error(`${method} was answered: ${JSON.stringify(answer)}`);
    },
    (error) => error as GatewayError,
  );
}

const hello = { to: "C1", message: "good day", channel: "slack", idempotencyKey: "k1" };

describe("what is sent", () => {
  test("goes to its channel once, whatever the caller repeats, and is answered with the service's ids", async () => {
    const { sent, port } = fakeChannel(() => ({ messageId: "m1", channelId: "C1" }));
    const { client } = await start(port);
    const answers = await Promise.all([client.call("send", hello), client.call("send", hello)]);
    answers.push(await client.call("send", hello));
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ to: "C1", accountId: "default", content: { kind: "message", text: "good day" } });
    for (const answer of answers) {
      expect(answer).toEqual({ runId: "k1", messageId: "m1", channelId: "C1", channel: "slack" });
    }
  });

  test("is known again after a restart", async () => {
    const { sent, port } = fakeChannel(() => ({ messageId: "m1" }));
    const stateDir = stateFolder();
    const first = await start(port, { stateDir });
    await first.client.call("send", hello);
    await stop(first.gateway);
    const second = await start(port, { stateDir });
    expect(await second.client.call("send", hello)).toMatchObject({ messageId: "m1" });
    expect(sent).toHaveLength(1);
  });

  test("stands in the session that it was sent for", async () => {
    const { port } = fakeChannel(() => ({ messageId: "m1" }));
    const { client } = await start(port);
    await client.call("send", { ...hello, sessionKey: "agent:main:trip" });
    const { messages } = (await client.call("chat.history", { sessionKey: "agent:main:trip" })) as {
      messages: { role: string; content: { text: string }[]; model: string }[];
    };
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ role: "assistant", model: "delivery-mirror", content: [{ text: "good day" }] });
  });

  test("loses the credentials in it on the way", async () => {
    const { sent, port } = fakeChannel(() => ({ messageId: "m1" }));
    const { client } = await start(port);
    const key = `ghp_${"aB3dE5gH7jK9".repeat(3)}`;
    await client.call("send", { ...hello, message: `the key is ${key}` });
    expect(JSON.stringify(sent)).not.toContain(key);
    expect(JSON.stringify(sent)).toContain("the key is");
  });

  test("goes to the only configured channel when the call names none", async () => {
    const { sent, port } = fakeChannel(() => ({ messageId: "m1" }));
    const { client } = await start(port);
    const { channel: _, ...call } = hello;
    expect(await client.call("send", call)).toMatchObject({ channel: "slack" });
    expect(sent).toHaveLength(1);
  });
});

describe("what its channel does not take", () => {
  test("waits on disk and goes out after a restart", async () => {
    const clock = new ManualClock();
    const stateDir = stateFolder();
    const closed = fakeChannel(() => Promise.reject(new DeliveryFailure("Slack is away")));
    const first = await start(closed.port, { stateDir, clock });
    expect(await refusal(first.client, "send", hello)).toMatchObject({
      code: "UNAVAILABLE",
      message: "OutboundDeliveryError: Slack is away",
      details: { code: "OUTBOUND_DELIVERY_QUEUED" },
    });
    await stop(first.gateway);

    clock.advance(60_000);
    const arrived = Promise.withResolvers<void>();
    const open = fakeChannel(() => {
      arrived.resolve();
      return { messageId: "m2" };
    });
    const second = await start(open.port, { stateDir, clock });
    await arrived.promise;
    await second.gateway.services.outbound.deliveries.settled();
    expect(open.sent[0]!.deliveryId).toBe(closed.sent[0]!.deliveryId);
    expect(await second.client.call("send", hello)).toMatchObject({ messageId: "m2" });
    expect(open.sent).toHaveLength(1);
  });

  test("is tried with growing distance and then given up", async () => {
    const clock = new ManualClock();
    const { sent, port } = fakeChannel(() => Promise.reject(new DeliveryFailure("Slack is away")));
    const { gateway, client } = await start(port, { clock });
    await refusal(client, "send", hello);
    const distances: number[] = [];
    for (let attempt = 2; attempt <= 8; attempt++) {
      const next = (await gateway.services.outbound.deliveries.nextAt())!;
      distances.push(next - clock.now());
      clock.advance(next - clock.now());
      await gateway.services.outbound.deliveries.retry();
    }
    expect(distances).toEqual([30, 60, 120, 240, 480, 960, 1800].map((seconds) => seconds * 1000));
    expect(sent).toHaveLength(8);
    expect(await gateway.services.outbound.deliveries.nextAt()).toBeNull();
    const error = await refusal(client, "send", hello);
    expect(error.message).toBe("OutboundDeliveryError: Slack is away");
    expect(error.details).toBeUndefined();
  });

  test("is not tried again when no attempt can help", async () => {
    const { port } = fakeChannel(() => Promise.reject(new DeliveryFailure("no such room", { isPermanent: true })));
    const { gateway, client } = await start(port);
    const error = await refusal(client, "send", hello);
    expect(error).toMatchObject({ code: "UNAVAILABLE", message: "OutboundDeliveryError: no such room" });
    expect(error.details).toBeUndefined();
    expect(await gateway.services.outbound.deliveries.nextAt()).toBeNull();
  });

  test("shows in health and in the metrics once it is given up", async () => {
    const { port } = fakeChannel(() => Promise.reject(new DeliveryFailure("no such room", { isPermanent: true })));
    const { gateway, client } = await start(port);
    expect(await client.call("health", { probe: true })).not.toHaveProperty("deliveryQueues");
    await refusal(client, "send", hello);
    const { deliveryQueues } = await client.call("health", { probe: true });
    expect(deliveryQueues.failed).toEqual([
      { queueName: "outbound-prepared-v1", count: 1, oldestFailedAt: expect.any(Number) },
    ]);
    expect(gateway.services.metrics.render()).toContain("chela_messages_given_up_total 1\n");
  });

  test("shows nothing of an error that the channel did not mean for people", async () => {
    const { port } = fakeChannel(() => Promise.reject(new Error("secret at /etc/passwd")));
    const { client } = await start(port);
    expect((await refusal(client, "send", hello)).message).toBe(
      "OutboundDeliveryError: slack could not deliver the message",
    );
  });

  test("waits for a transport as long as the channel has none", async () => {
    const { client } = await start(null);
    expect(await refusal(client, "send", hello)).toMatchObject({
      message: "OutboundDeliveryError: Slack is configured, but this gateway cannot carry its messages yet",
      details: { code: "OUTBOUND_DELIVERY_QUEUED" },
    });
  });
});

describe("polls and actions", () => {
  test("are sent once, and not again after a failure", async () => {
    let isAway = true;
    const { sent, port } = fakeChannel(() => {
      if (isAway) throw new DeliveryFailure("Slack is away");
      return { messageId: "p1", pollId: "p" };
    });
    const { gateway, client } = await start(port);
    const poll = { to: "C1", question: "Tea?", options: ["yes", " ", "no"], channel: "slack", idempotencyKey: "p1" };
    expect((await refusal(client, "poll", poll)).message).toBe("Error: Slack is away");
    expect(await gateway.services.outbound.deliveries.nextAt()).toBeNull();
    isAway = false;
    expect(await client.call("poll", { ...poll, idempotencyKey: "p2" })).toMatchObject({
      messageId: "p1",
      pollId: "p",
    });
    expect(sent[1]!.content).toMatchObject({ kind: "poll", options: ["yes", "no"], maxSelections: 1 });
  });

  test("that a channel does not know are refused before it is asked", async () => {
    const { sent, port } = fakeChannel(() => ({ ok: true }));
    const { client } = await start(port);
    const call = { channel: "slack", params: { to: "C1" }, idempotencyKey: "a1" };
    expect((await refusal(client, "message.action", { ...call, action: "kick" })).message).toBe(
      "Message action kick not supported for channel slack.",
    );
    expect(await client.call("message.action", { ...call, action: "react" })).toEqual({ ok: true });
    expect(sent).toHaveLength(1);
  });
});

test("channels go by all their names once they are configured", async () => {
  const config = { channels: { tlon: { ship: "~zod" } } };
  const { client } = await start(null, { config });
  expect((await refusal(client, "send", { ...hello, channel: " Urbit " })).message).toContain("Tlon is configured");
  expect((await refusal(client, "send", { ...hello, channel: "lark", idempotencyKey: "k2" })).message).toBe(
    "unsupported channel: feishu",
  );
});
