import assert from "node:assert/strict";
import { asDevice, OfficialClient, type TokenStore } from "./official-client.ts";

// Runs under Bun and, with its types stripped, under Node.

export interface CheckTarget {
  url: string;
  token: string;
  /** Stops the gateway and starts it again on the same port and state. */
  restart(): Promise<void>;
}

/** Names of sessions and runs, so that a gateway can be checked more than once. */
const unique = (name: string): string => `official-${name}-${crypto.randomUUID().slice(0, 8)}`;

/** What the official client must be able to do with a gateway, by name; each stands alone and throws when it cannot. */
export const OFFICIAL_CHECKS: Readonly<Record<string, (target: CheckTarget) => Promise<void>>> = {
  "connects with the shared token": connects,
  "is refused with a wrong token": refused,
  "is told that a method is unknown": unknownMethod,
  "pairs as a device and comes back with its own token": pairs,
  "chats with a streamed answer and finds it in the history": chats,
  "hears of sessions and messages it has subscribed to": subscribes,
  "hears of the shutdown, comes back by itself and finds everything": survivesRestart,
};

async function connects({ url, token }: CheckTarget): Promise<void> {
  const client = await OfficialClient.connect({ url, token });
  const [hello] = client.hellos;
  assert.equal(hello.protocol, 4);
  for (const method of ["health", "chat.send", "sessions.list"])
    assert.ok(hello.features.methods.includes(method), method);
  assert.equal((await client.request("health")).ok, true);
  client.stop();
}

async function refused({ url }: CheckTarget): Promise<void> {
  await assert.rejects(OfficialClient.connect({ url, token: "wrong" }), /token mismatch/);
}

async function unknownMethod({ url, token }: CheckTarget): Promise<void> {
  const client = await OfficialClient.connect({ url, token });
  const problem = await client.request("no.such.method").then(
    () => null,
    (error) => error,
  );
  assert.equal(problem?.gatewayCode, "INVALID_REQUEST");
  assert.equal(problem?.message, "unknown method: no.such.method");
  client.stop();
}

async function pairs({ url, token }: CheckTarget): Promise<void> {
  const tokens: TokenStore = new Map();
  const device = asDevice("op-f", tokens);
  const first = await OfficialClient.connect({ url, token, ...device });
  assert.equal(first.hellos[0].auth.method, "token");
  first.stop();
  const own = tokens.get("operator");
  assert.ok(own?.token, "the device was given a token");
  const second = await OfficialClient.connect({ url, ...device, scopes: own.scopes });
  assert.equal(second.hellos[0].auth.method, "device-token");
  const { paired } = await second.request("device.pair.list");
  const ours = paired.find(({ deviceId }: { deviceId: string }) => deviceId === device.deviceIdentity?.deviceId);
  assert.equal(ours?.connected, true);
  await second.request("device.pair.remove", { deviceId: ours.deviceId });
  second.stop();
}

async function chats({ url, token }: CheckTarget): Promise<void> {
  const client = await OfficialClient.connect({ url, token });
  const sessionKey = `agent:main:${unique("chat")}`;
  const runId = unique("run");
  const message = "words that come back one by one";
  const accepted = await client.request("chat.send", { sessionKey, message, idempotencyKey: runId });
  assert.deepEqual(accepted, { runId, status: "started" });
  const { payload } = await client.event("chat", (chat) => chat.runId === runId && chat.state === "final");
  assert.equal(payload.message.content[0].text, `echo: ${message}`);
  const deltas = client.events.filter(({ event, payload }) => event === "chat" && payload.state === "delta");
  assert.ok(deltas.length > 0, "the answer was streamed");
  assert.equal(deltas.map(({ payload }) => payload.deltaText).join(""), `echo: ${message}`);
  const { messages } = await client.request("chat.history", { sessionKey });
  assert.deepEqual(
    messages.map(({ role }: { role: string }) => role),
    ["user", "assistant"],
  );
  client.stop();
}

async function subscribes({ url, token }: CheckTarget): Promise<void> {
  const reader = await OfficialClient.connect({ url, token });
  const writer = await OfficialClient.connect({ url, token });
  const key = `agent:main:${unique("subscribed")}`;
  const run = unique("run");
  await writer.request("sessions.create", { key });
  await reader.request("sessions.subscribe");
  await reader.request("sessions.messages.subscribe", { key });
  await writer.request("sessions.patch", { key, label: run });
  const changed = await reader.event(
    "sessions.changed",
    ({ sessionKey, reason }) => sessionKey === key && reason === "patch",
  );
  assert.equal(changed.payload.session.label, run);
  await writer.request("chat.send", { sessionKey: key, message: "for the reader", idempotencyKey: run });
  for (const role of ["user", "assistant"]) {
    await reader.event("session.message", ({ sessionKey, message }) => sessionKey === key && message.role === role);
  }
  await writer.event("chat", ({ runId, state }) => runId === run && state === "final");
  assert.ok(!writer.events.some(({ event }) => event === "session.message"), "who has not subscribed hears nothing");
  reader.stop();
  writer.stop();
}

async function survivesRestart({ url, token, restart }: CheckTarget): Promise<void> {
  const client = await OfficialClient.connect({ url, token });
  const sessionKey = `agent:main:${unique("restart")}`;
  const run = unique("run");
  await client.request("chat.send", { sessionKey, message: "remember this", idempotencyKey: run });
  await client.event("chat", ({ runId, state }) => runId === run && state === "final");
  await restart();
  await client.event("shutdown", ({ reason }) => typeof reason === "string");
  await client.until("second hello", () => client.hellos.length > 1);
  assert.deepEqual(client.closes[0], { code: 1012, reason: "service restart" });
  const { messages } = await client.request("chat.history", { sessionKey });
  assert.equal(messages[1].content[0].text, "echo: remember this");
  const replay = await client.request("chat.send", {
    sessionKey,
    message: "remember this",
    idempotencyKey: run,
  });
  assert.equal(replay.status, "ok", "a run that has ended is not run again");
  client.stop();
}
