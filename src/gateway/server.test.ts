import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { ManualClock } from "../platform/clock.ts";
import { from, startProxied } from "./auth/testing.ts";
import { nodeSpec, startTestGateway, type TestClient, TestDevice, type TestGateway } from "./testing.ts";

describe("sockets before hello", () => {
  test("110: one address may have 32; the next is answered 503; authentication frees its place", async () => {
    const gateway = await startTestGateway({ limits: { preauthSocketsPerAddress: 32 } });
    const waiting = await Promise.all(Array.from({ length: 32 }, () => gateway.open()));
    expect(await upgradeAnswer(gateway)).toContain("503 Service Unavailable");
    expect(await upgradeAnswer(gateway)).toContain("Too many unauthenticated sockets");
    await waiting[0]!.hello({ auth: { token: gateway.token } });
    const next = await gateway.open();
    next.close();
    await next.ended();
    const again = await gateway.open();
    expect(again.closed).toBeUndefined();
    await gateway.stop();
  });

  test("110: sockets that end give their places back", async () => {
    const gateway = await startTestGateway({ limits: { preauthSocketsPerAddress: 2 } });
    for (let round = 0; round < 5; round++) {
      const pair = await Promise.all([gateway.open(), gateway.open()]);
      for (const client of pair) client.close();
      await Promise.all(pair.map((client) => client.ended()));
    }
    expect(gateway.gateway.connectionCount).toBe(0);
    await gateway.stop();
  });

  test("110: the addresses of one IPv6 network count as one", async () => {
    const gateway = await startProxied({}, { limits: { preauthSocketsPerAddress: 2 } });
    const open = (address: string) => gateway.open({ headers: from(address) });
    const waiting = [await open("2001:db8:1:2::1"), await open("2001:db8:1:2:ffff::2")];
    await expect(open("2001:db8:1:2::3")).rejects.toThrow();
    await open("2001:db8:1:3::1");
    waiting[0]!.close();
    await waiting[0]!.ended();
    await open("2001:db8:1:2::3");
    await gateway.stop();
  });

  test("there is a bound on sockets altogether", async () => {
    const gateway = await startTestGateway({ limits: { maxConnections: 1 } });
    await gateway.connect();
    expect(await upgradeAnswer(gateway)).toContain("503");
    await gateway.stop();
  });
});

describe("requests", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway.stop());

  test.each([600, 3000])(
    "114: of %i requests at once the overflow is told to come back, and all are answered",
    async (count) => {
      const client = await gateway.connect();
      for (let id = 0; id < count; id++) client.send({ type: "req", id: `b${id}`, method: "status" });
      const answers = await Promise.all(Array.from({ length: count }, (_, id) => client.answer(`b${id}`)));
      const refused = answers.filter((answer) => !answer.ok);
      for (const { error } of refused) {
        expect(error).toEqual({
          code: "UNAVAILABLE",
          message: "The server is busy. Please try again in a moment.",
          retryable: true,
        });
      }
      expect((await client.call("health")).ok).toBe(true);
    },
  );

  test("114: a flood in one write overflows the start queue", async () => {
    const strict = await startTestGateway({ limits: { startsPerTurn: 4, startQueuePerConnection: 8 } });
    const client = await strict.connect();
    client.socket.send(" ");
    for (let id = 0; id < 200; id++) client.send({ type: "req", id: `f${id}`, method: "health" });
    const answers = await Promise.all(Array.from({ length: 200 }, (_, id) => client.answer(`f${id}`)));
    expect(answers.some((answer) => !answer.ok)).toBe(true);
    expect(answers.some((answer) => answer.ok)).toBe(true);
    await strict.stop();
  });

  test("an unexpected failure is answered without internals and logged with its error", async () => {
    const lines: unknown[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (...line: unknown[]) => lines.push(line), child: () => log };
    const failing = await startTestGateway({
      log,
      handlers: {
        "gateway.identity.get": () => {
          throw new Error("secret path /etc/shadow");
        },
      },
    });
    const client = await failing.connect();
    const answer = await client.request("gateway.identity.get");
    expect(answer.error).toEqual({ code: "UNAVAILABLE", message: "The gateway could not complete this request." });
    expect(JSON.stringify(lines)).toContain("gateway.identity.get");
    await failing.stop();
  });

  test("that the disk is full is told, and how SQLite says it is not", async () => {
    const full = await startTestGateway({
      handlers: {
        "gateway.identity.get": () => {
          throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
        },
      },
    });
    const { error } = await (await full.connect()).request("gateway.identity.get");
    const message = "The gateway could not complete this request: the gateway's disk is full.";
    expect(error).toEqual({ code: "UNAVAILABLE", message, retryable: true });
    await full.stop();
  });

  test("a handler's signal is aborted when its connection ends", async () => {
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    const { promise: started, resolve: begin } = Promise.withResolvers<void>();
    const waiting = await startTestGateway({
      handlers: {
        "last-heartbeat": (_params, { signal }) => {
          signal.addEventListener("abort", () => resolve());
          begin();
          return aborted.then(() => null);
        },
      },
    });
    const client = await waiting.connect();
    client.send({ type: "req", id: "w", method: "last-heartbeat" });
    await started;
    client.close();
    await aborted;
    await waiting.stop();
  });

  test("so many requests may be at work on one connection", async () => {
    const { promise, resolve } = Promise.withResolvers<null>();
    const slow = await startTestGateway({
      limits: { maxInFlightPerConnection: 2 },
      handlers: { "last-heartbeat": () => promise },
    });
    const client = await slow.connect();
    for (const id of ["1", "2", "3"]) client.send({ type: "req", id, method: "last-heartbeat" });
    expect((await client.answer("3")).error.retryable).toBe(true);
    resolve(null);
    expect((await client.answer("1")).ok).toBe(true);
    expect((await client.request("health")).ok).toBe(true);
    await slow.stop();
  });
});

describe("events", () => {
  test("each connection numbers what it gets from 1, without gaps", async () => {
    const gateway = await startTestGateway();
    const admin = await gateway.connect();
    const pairing = await gateway.connect({ scopes: ["operator.pairing"] });
    const { bus } = gateway.services;
    for (let i = 0; i < 3; i++) {
      await admin.call("system-event", { text: `note ${i}` });
      bus.publish("tick", { ts: i });
    }
    await admin.event("tick", ({ ts }) => ts === 2);
    await pairing.event("tick", ({ ts }) => ts === 2);
    expect(
      admin
        .events()
        .slice(1)
        .map(({ event, seq }) => [event, seq]),
    ).toEqual([
      ["presence", 1],
      ["tick", 2],
      ["presence", 3],
      ["tick", 4],
      ["presence", 5],
      ["tick", 6],
    ]);
    expect(
      pairing
        .events()
        .slice(1)
        .map(({ event, seq }) => [event, seq]),
    ).toEqual([
      ["tick", 1],
      ["tick", 2],
      ["tick", 3],
    ]);
    await gateway.stop();
  });

  test("presence and health say which state they belong to", async () => {
    const gateway = await startTestGateway();
    const client = await gateway.connect();
    const before = client.helloPayload.snapshot.stateVersion;
    await client.call("system-event", { text: "hello" });
    const presence = await client.event("presence");
    expect(presence.stateVersion?.presence).toBe(before.presence + 1);
    await gateway.services.health.refresh();
    const health = await client.event("health");
    expect(health.stateVersion?.health).toBeGreaterThan(before.health);
    await gateway.stop();
  });

  test("subscriptions decide about session events", async () => {
    const gateway = await startTestGateway();
    const [plain, one, all] = [await gateway.connect(), await gateway.connect(), await gateway.connect()];
    const connections = gateway.gateway.openConnections();
    const subscriptionsOf = (client: TestClient) =>
      connections.find(({ id }) => id === client.helloPayload.server.connId)!.subscriptions;
    subscriptionsOf(one).subscribeMessages("agent:main:one");
    subscriptionsOf(all).subscribeSessions();
    const { bus } = gateway.services;
    bus.publish("sessions.changed", { sessionKey: "agent:main:one", reason: "patch", ts: 1 });
    bus.publish("session.message", MESSAGE, { sessionKey: "agent:main:one" });
    bus.publish("session.message", MESSAGE, { sessionKey: "agent:main:two" });
    bus.publish("tick", { ts: 1 });
    await Promise.all([plain, one, all].map((client) => client.event("tick")));
    const heard = (client: TestClient) => client.events().map(({ event }) => event);
    expect(heard(plain)).toEqual(["connect.challenge", "tick"]);
    expect(heard(one)).toEqual(["connect.challenge", "session.message", "tick"]);
    const followed = ["sessions.changed", "session.message", "session.message"];
    expect(heard(all)).toEqual(["connect.challenge", ...followed, "tick"]);
    await gateway.stop();
  });

  test("an event for some connections, a device or a capability reaches only them", async () => {
    const gateway = await startTestGateway();
    const [one, two] = [await gateway.connect({ caps: ["a"] }), await gateway.connect({ caps: ["b"] })];
    const { bus } = gateway.services;
    bus.publish("tick", { ts: 1 }, { connIds: [one.helloPayload.server.connId] });
    bus.publish("tick", { ts: 2 }, { capability: "b" });
    bus.publish("tick", { ts: 3 }, { deviceId: "nobody" });
    bus.publish("tick", { ts: 4 });
    await Promise.all([one, two].map((client) => client.event("tick", ({ ts }) => ts === 4)));
    expect(one.events("tick").map(({ payload }) => payload.ts)).toEqual([1, 4]);
    expect(two.events("tick").map(({ payload }) => payload.ts)).toEqual([2, 4]);
    await gateway.stop();
  });

  test("the tick comes to operators and nodes alike", async () => {
    const gateway = await startTestGateway({ limits: { tickIntervalMs: 10 }, clock: new ManualClock(5000) });
    const clients = [await gateway.connect(), await gateway.connect(nodeSpec())];
    for (const client of clients) expect((await client.event("tick")).payload).toEqual({ ts: 5000 });
    await gateway.stop();
  });

  test("an event reaches 200 clients", async () => {
    const gateway = await startTestGateway();
    const clients = await Promise.all(Array.from({ length: 20 }, () => gateway.connect()));
    for (let round = 0; round < 9; round++) {
      clients.push(...(await Promise.all(Array.from({ length: 20 }, () => gateway.connect()))));
    }
    gateway.services.bus.publish("tick", { ts: 7 });
    const ticks = await Promise.all(clients.map((client) => client.event("tick")));
    expect(ticks).toHaveLength(200);
    await gateway.stop();
  });
});

describe("a reader that stops reading", () => {
  const LIMIT = 1_000_000;
  const chunk = "x".repeat(500_000);

  test("114: loses droppable events and stays", async () => {
    const gateway = await startTestGateway({ limits: { maxBufferedBytes: LIMIT } });
    const reader = await stalledReader(gateway);
    for (let i = 0; i < 60; i++) gateway.services.bus.publish("chat", chat("delta", chunk));
    expect(gateway.gateway.broadcaster.dropped).toBeGreaterThan(0);
    expect(gateway.gateway.connectionCount).toBe(1);
    reader.destroy();
    await gateway.stop();
  });

  test("114: is closed by an event that must not be lost", async () => {
    const gateway = await startTestGateway({ limits: { maxBufferedBytes: LIMIT } });
    await stalledReader(gateway);
    for (let i = 0; i < 60; i++) gateway.services.bus.publish("chat", chat("delta", chunk));
    gateway.services.bus.publish("chat", chat("final", "end"));
    expect(gateway.gateway.connectionCount).toBe(0);
    await gateway.stop();
  });

  test("114: is closed by its own unread answers", async () => {
    const gateway = await startTestGateway({
      limits: { maxBufferedBytes: LIMIT },
      handlers: { "system-presence": () => [{ ts: 1, text: chunk }] },
    });
    const reader = await stalledReader(gateway);
    for (let id = 0; id < 60; id++) reader.write(textFrame({ type: "req", id: `s${id}`, method: "system-presence" }));
    await new Promise<void>((resolve) => {
      const poll = setInterval(() => {
        if (gateway.gateway.connectionCount > 0) return;
        clearInterval(poll);
        resolve();
      }, 5);
    });
    await gateway.stop();
  });
});

describe("114: readers that stop reading, all together", () => {
  test("are cut off before they fill the memory, the furthest behind first; who reads stays", async () => {
    const BOUND = 40_000_000;
    const gateway = await startTestGateway({ limits: { maxBufferedTotalBytes: BOUND } });
    const reader = await gateway.connect();
    const stalled = [await stalledReader(gateway), await stalledReader(gateway), await stalledReader(gateway)];
    const outgoing = () => gateway.services.metrics.render().match(/^chela_outgoing_bytes (\d+)$/m)?.[1];
    const text = "x".repeat(2_000_000);
    for (let i = 0; i < 30; i++) {
      gateway.services.bus.publish("chat", chat("final", text));
      expect(Number(outgoing())).toBeLessThanOrEqual(BOUND);
      // The one who reads takes it before the next comes.
      await reader.call("health");
    }
    expect(gateway.services.metrics.render()).toMatch(/^chela_readers_cut_total [1-3]$/m);
    expect(reader.events("chat")).toHaveLength(30);
    for (const socket of stalled) socket.destroy();
    await gateway.stop();
  });
});

describe("the end", () => {
  test("stop tells every client with the next number, then closes all with 1012", async () => {
    const gateway = await startTestGateway();
    const client = await gateway.connect();
    const silent = await gateway.open();
    await client.call("system-event", { text: "one" });
    await gateway.gateway.stop();
    expect(await client.ended()).toEqual({ code: 1012, reason: "service restart" });
    expect(await silent.ended()).toEqual({ code: 1012, reason: "service restart" });
    const [shutdown] = client.events("shutdown");
    expect(shutdown?.payload).toEqual({ reason: "gateway stopping" });
    expect(shutdown?.seq).toBe(2);
    expect(silent.events("shutdown")).toEqual([]);
    await gateway.stop();
  });

  test("a write that was answered before the stop is there after it", async () => {
    const first = await startTestGateway();
    const client = await first.connect();
    const identity = await client.call("gateway.identity.get");
    await client.call("set-heartbeats", { enabled: false });
    const { stateDir } = first;
    const copy = await startTestGateway({ stateDir });
    expect(await (await copy.connect()).call("gateway.identity.get")).toEqual(identity);
    expect(await copy.services.heartbeats.enabled()).toBe(false);
    await copy.stop();
    await first.stop();
  });

  test("a device that lost its pairing is disconnected with 4001", async () => {
    const gateway = await startTestGateway();
    const identity = new TestDevice();
    const [gone, other] = [await gateway.connect({ identity }), await gateway.connect()];
    gateway.gateway.disconnectDevice(identity.id, "node");
    expect((await gone.call("health")).ok).toBe(true);
    gateway.gateway.disconnectDevice(identity.id);
    expect(await gone.ended()).toEqual({ code: 4001, reason: "device removed" });
    expect((await other.call("health")).ok).toBe(true);
    await gateway.stop();
  });
});

const MESSAGE = {
  sessionKey: "agent:main:one",
  message: {
    role: "user",
    content: "hi",
    timestamp: 1,
    __openclaw: { id: "m", seq: 1, transcriptPosition: { source: "s", rawSeq: 1 } },
  },
  messageId: "m",
  messageSeq: 1,
};

const chat = (state: string, text: string) => ({
  runId: "r",
  sessionKey: "agent:main:main",
  seq: 1,
  state,
  ...(state === "delta" && { deltaText: text }),
  message: { role: "assistant", content: [{ type: "text", text }], timestamp: 1 },
});

/** What an upgrade is answered over a bare socket. */
function upgradeAnswer(gateway: TestGateway): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(new URL(gateway.httpUrl).port), "127.0.0.1", () => socket.write(UPGRADE));
    socket.on("data", (data) => {
      answer += data.toString("latin1");
      if (!answer.includes("\r\n\r\n")) return;
      const length = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? 0);
      if (answer.length < answer.indexOf("\r\n\r\n") + 4 + length) return;
      resolve(answer);
      socket.destroy();
    });
  });
}

const UPGRADE =
  "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** A connected client that from hello on reads nothing more from its socket. */
async function stalledReader(gateway: TestGateway): Promise<Socket> {
  const socket = connect(Number(new URL(gateway.httpUrl).port), "127.0.0.1", () => socket.write(UPGRADE));
  const params = {
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "gateway-client", version: "1", platform: "linux", mode: "backend" },
    scopes: ["operator.read"],
    auth: { token: gateway.token },
  };
  await new Promise<void>((resolve) => socket.once("data", () => resolve()));
  socket.write(textFrame({ type: "req", id: "1", method: "connect", params }));
  await new Promise<void>((resolve) => {
    let seen = "";
    socket.on("data", (data) => {
      seen += data.toString("latin1");
      if (seen.includes("hello-ok")) resolve();
    });
  });
  socket.pause();
  return socket;
}

/** A masked text frame, as clients must send them. A mask of zeros leaves the bytes as they are. */
function textFrame(value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value));
  const length =
    body.length < 126 ? Buffer.from([0x80 | body.length]) : Buffer.from([0xfe, body.length >> 8, body.length & 255]);
  return Buffer.concat([Buffer.from([0x81]), length, Buffer.alloc(4), body]);
}
