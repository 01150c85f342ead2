import { connect as connectTcp } from "node:net";
import { connectParams } from "../../../src/parity/connect-params.ts";
import { note, perform, type Stage } from "./actors.ts";
import { SoakClient } from "./client.ts";
import { beforeHello, READ, WRONG } from "./wrong-frames.ts";

/** A client that stays, follows the sessions and asks for something now and then. */
export async function follower(stage: Stage, index: number, gapMs: number): Promise<void> {
  const { ledger } = stage;
  await perform(
    stage,
    READ,
    async (client) => {
      const before = client.events;
      await Promise.race([stage.pause(gapMs * (0.5 + stage.random())), client.closed]);
      ledger.count("events read", client.events - before);
      await readSomething(stage, client);
    },
    async (client) => {
      await client.call("sessions.subscribe", {});
      if (index % 10 === 0)
        await client.call("sessions.messages.subscribe", { key: `agent:main:soak-c${index % 4}-0` });
    },
  );
}

const READS: readonly [string, unknown][] = [
  ["health", {}],
  ["sessions.list", { limit: 20 }],
  ["chat.history", { sessionKey: "agent:main:soak-c0-0", limit: 20 }],
  ["cron.list", { limit: 20 }],
  ["models.list", {}],
  ["system-presence", {}],
  ["node.list", {}],
  ["sessions.describe", { key: "agent:main:soak-c1-0" }],
  ["status", {}],
  ["agents.list", {}],
  ["no.such.method", {}],
  ["sessions.list", { limit: "many" }],
];

async function readSomething({ ledger, random }: Stage, client: SoakClient): Promise<void> {
  const [method, params] = READS[Math.floor(random() * READS.length)]!;
  const isWrong = method === "no.such.method" || (params as { limit?: unknown }).limit === "many";
  await client.call(method, params).then(
    () => {
      if (isWrong) ledger.problem(`${method} accepted what is wrong`);
    },
    (error) => {
      if (!isWrong || !/INVALID_REQUEST|FORBIDDEN/.test(error.message)) throw error;
    },
  );
  ledger.count("reads");
}

/** Comes, asks, and goes; every second time without a word. */
export async function churner(stage: Stage, stayMs: number): Promise<void> {
  const { ledger } = stage;
  await stage.pause(stage.random() * 4000);
  while (stage.isOn()) {
    try {
      const client = await SoakClient.open(stage.target, READ);
      ledger.count("churned");
      await readSomething(stage, client);
      await Promise.race([stage.pause(stayMs * (0.5 + stage.random())), client.closed]);
      if (stage.random() < 0.5) client.close();
      else client.vanish();
    } catch (error) {
      note(ledger, error);
      await stage.pause(500 + stage.random() * 6000);
    }
  }
}

/** A node that answers what it is asked; `device` names its identity. */
export async function nodeHost(stage: Stage, device: string): Promise<void> {
  const spec = {
    role: "node",
    client: { id: "node-host", mode: "node", version: "1.0.0", platform: "linux", displayName: device },
    device,
    commands: ["system.which"],
    caps: ["system"],
  };
  await perform(
    stage,
    spec,
    async () => stage.pause(1000),
    async (client) => {
      client.onEvent = ({ event, payload }) => {
        if (event !== "node.invoke.request") return;
        const result = { id: payload.id, nodeId: payload.nodeId, ok: true, payload: { bins: {} } };
        client.call("node.invoke.result", result).catch((error) => note(stage.ledger, error));
      };
    },
  );
}

/** Approves nodes that wait, and invokes those that are there. */
export async function nodeInvoker(stage: Stage, gapMs: number): Promise<void> {
  const { ledger } = stage;
  let count = 0;
  await perform(stage, {}, async (client) => {
    const { pending } = await client.call("node.pair.list");
    for (const { requestId } of pending) await client.call("node.pair.approve", { requestId });
    const { nodes } = await client.call("node.list");
    for (const { nodeId, connected } of nodes) {
      if (!connected) continue;
      const idempotencyKey = `soak-invoke-${Date.now()}-${++count}`;
      const params = { nodeId, command: "system.which", params: { bins: ["sh"] }, timeoutMs: 10_000, idempotencyKey };
      await client.call("node.invoke", params);
      ledger.count("invokes");
      await stage.pause(gapMs * (0.5 + stage.random()));
    }
    await stage.pause(gapMs);
  });
}

const PAGES = [
  "/healthz",
  "/readyz",
  "/health",
  "/status",
  "/metrics",
  "/rpc/methods",
  "/nothing",
  "/%2e%2e/etc/passwd",
];

/** Asks over HTTP, with the token and without it. */
export async function httpCaller(stage: Stage, gapMs: number): Promise<void> {
  const { ledger, target } = stage;
  const base = target.url.replace("ws:", "http:");
  while (stage.isOn()) {
    const page = PAGES[Math.floor(stage.random() * PAGES.length)]!;
    const headers: Record<string, string> = stage.random() < 0.7 ? { authorization: `Bearer ${target.token}` } : {};
    try {
      const response = await fetch(`${base}${page}`, { headers, redirect: "manual" });
      await response.arrayBuffer();
      if (response.status >= 500 && response.status !== 503) ledger.problem(`${page} was answered ${response.status}`);
      ledger.count("http");
    } catch {
      ledger.count("unanswered");
    }
    await stage.pause(gapMs * (0.5 + stage.random()));
  }
}

/** Sends what is no frame, before hello and after it. */
export async function vandal(stage: Stage, gapMs: number): Promise<void> {
  const { ledger } = stage;
  while (stage.isOn()) {
    await stage.pause(gapMs * (0.5 + stage.random()));
    const wrong = WRONG[Math.floor(stage.random() * WRONG.length)]!;
    ledger.count("malformed frames");
    if (stage.random() < 0.5) await beforeHello(stage.target.url, wrong);
    else {
      try {
        const client = await SoakClient.open(stage.target, READ);
        client.sendRaw(wrong);
        if (!client.isClosed) await client.call("health");
        client.close();
      } catch (error) {
        note(ledger, error);
      }
    }
  }
}

/** Longer than the gateway waits for a sign of life, so that one which does not read has been cut off. */
const SILENT_MS = 120_000;

/**
 * Says hello, follows the sessions, and reads nothing more. It does not even answer pings: the gateway must cut it off.
 * With `greedy` it asks for more than the gateway may keep for it.
 */
export async function slowReader(stage: Stage, greedy: boolean): Promise<void> {
  const { ledger, target } = stage;
  while (stage.isOn()) {
    await stage.pause(1000 + stage.random() * 5000);
    const outcome = await ignoreAnswers(target, greedy, () => stage.isOn()).catch(() => "failed" as const);
    ledger.count(greedy ? "greedy readers" : "slow readers");
    if (outcome === "kept") ledger.problem("a reader that reads nothing was kept");
    if (greedy) await stage.pause(240_000);
  }
}

async function ignoreAnswers(target: { url: string; token: string }, greedy: boolean, isOn: () => boolean) {
  const { hostname, port } = new URL(target.url);
  const socket = connectTcp(Number(port), hostname);
  let isGone = false;
  socket.on("error", () => {});
  socket.on("close", () => {
    isGone = true;
  });
  const received: Buffer[] = [];
  socket.on("data", (data) => received.push(Buffer.from(data)));
  const text = () => Buffer.concat(received).toString("latin1");
  const until = async (what: RegExp) => {
    for (let tries = 0; tries < 400 && !isGone; tries++, await Bun.sleep(25)) {
      const found = what.exec(text());
      if (found) return found;
    }
    throw new Error("no answer");
  };
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  const [, nonce = "", ts] = await until(/"nonce":"([^"]+)","ts":(\d+)/);
  const params = connectParams({}, { token: target.token, challenge: { nonce, ts: Number(ts) } });
  socket.write(maskedFrame(JSON.stringify({ type: "req", id: "c", method: "connect", params })));
  await until(/hello-ok/);
  socket.pause();
  socket.write(maskedFrame(JSON.stringify({ type: "req", id: "s", method: "sessions.subscribe", params: {} })));
  const list = maskedFrame(JSON.stringify({ type: "req", id: "l", method: "sessions.list", params: { limit: 1000 } }));
  for (
    const end = Date.now() + SILENT_MS;
    Date.now() < end && !isGone && isOn();
    await Bun.sleep(greedy ? 100 : 1000)
  ) {
    if (greedy) socket.write(list);
  }
  received.length = 0;
  socket.removeAllListeners("data");
  // Reads what had been sent up to the end of the connection, if it has one.
  socket.resume();
  for (let tries = 0; tries < 100 && !isGone; tries++) await Bun.sleep(50);
  socket.destroy();
  return isGone ? "cut" : isOn() ? "kept" : "stopped";
}

/** A text frame as clients send it; the mask is all zeros, which is one, too. */
function maskedFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(body.length < 126 ? 6 : 8);
  head[0] = 0x81;
  if (body.length < 126) head[1] = 0x80 | body.length;
  else {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(body.length, 2);
  }
  return Buffer.concat([head, body]);
}
