import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ChatGateway, chatEnd, freshKey, startChatGateway, transcript } from "./testing/chat-gateway.ts";

let gateway: ChatGateway;
beforeAll(async () => {
  gateway = await startChatGateway();
});
afterAll(() => gateway.stop());

const SLOW = "SLOW:100 a b c d e f g h";

/** A session that exists. */
async function session(): Promise<{ key: string; id(name: string): string }> {
  const { sessionKey: key, id } = freshKey();
  await gateway.client.call("sessions.create", { key });
  return { key, id };
}

/** Sends a slow message and waits until some of its answer is there. */
async function busy(key: string, idempotencyKey: string, client = gateway.client): Promise<void> {
  await client.call("sessions.send", { key, message: SLOW, idempotencyKey });
  await gateway.client.event("chat", ({ runId, state }) => runId === idempotencyKey && state === "delta", 0);
}

describe("sessions.send", () => {
  test("runs a message once per idempotency key", async () => {
    const { client } = gateway;
    const { key, id } = await session();
    const params = { key, message: "hello", idempotencyKey: id("a") };
    expect(await client.call("sessions.send", params)).toEqual({ runId: id("a"), status: "started" });
    await chatEnd(client, id("a"));
    expect(await client.call("sessions.send", params)).toEqual({ runId: id("a"), status: "ok" });
    const other = await client.request("sessions.send", { ...params, message: "other" });
    expect(other.error).toMatchObject({ code: "INVALID_REQUEST", details: { reason: "chat-request-conflict" } });
    expect(await transcript(gateway, key)).toEqual(["user: hello", "assistant: echo: hello"]);
  });

  test("gives a message without an idempotency key one of its own", async () => {
    const { client } = gateway;
    const { key } = await session();
    const first = await client.call("sessions.send", { key, message: "same" });
    await chatEnd(client, first.runId);
    const second = await client.call("sessions.send", { key, message: "same" });
    await chatEnd(client, second.runId);
    expect(second.runId).not.toBe(first.runId);
    expect((await transcript(gateway, key)).length).toBe(4);
  });

  test("makes no session, and wants to know which before anything else", async () => {
    const { client, services } = gateway;
    const { sessionKey: key } = freshKey();
    const missing = await client.request("sessions.send", { key, message: "hi" });
    expect(missing.error).toMatchObject({ code: "INVALID_REQUEST", message: `session not found: ${key}` });
    expect(await services.sessions.find(key)).toBeNull();
    const unnamed = await client.request("sessions.send", { message: 5 });
    expect(unnamed.error).toMatchObject({
      message: "session mutation target is unavailable",
      details: { code: "SESSION_MUTATION_TARGET_REQUIRED", method: "sessions.send" },
    });
    const ghost = await client.request("sessions.send", { key: "agent:ghost:main", message: "hi" });
    expect(ghost.error?.message).toBe('Agent "ghost" no longer exists in configuration');
  });

  test("ends the status note of its session", async () => {
    const { client } = gateway;
    const { key, id } = await session();
    await client.call("sessions.patch", { key, statusNote: "waiting for Anna" });
    await client.call("sessions.send", { key, message: "here I am", idempotencyKey: id("a") });
    await chatEnd(client, id("a"));
    const { session: row } = await client.call("sessions.describe", { key });
    expect(row.agentStatus).toBeUndefined();
  });
});

describe("sessions.steer", () => {
  test("stops what is at work and says so", async () => {
    const { client } = gateway;
    const { key, id } = await session();
    await busy(key, id("slow"));
    const answer = await client.call("sessions.steer", { key, message: "rather this", idempotencyKey: id("b") });
    expect(answer).toEqual({ runId: id("b"), status: "started", interruptedActiveRun: true });
    await chatEnd(client, id("b"));
    expect((await chatEnd(client, id("slow"))).payload.state).toBe("aborted");
    const said = await transcript(gateway, key);
    expect(said.slice(-2)).toEqual(["user: rather this", "assistant: echo: rather this"]);
  });

  test("simply sends to an idle session", async () => {
    const { client } = gateway;
    const { key, id } = await session();
    const answer = await client.call("sessions.steer", { key, message: "hi", idempotencyKey: id("a") });
    expect(answer).toEqual({ runId: id("a"), status: "started" });
    await chatEnd(client, id("a"));
  });
});

describe("sessions.abort", () => {
  test("stops a session's run by key", async () => {
    const { client } = gateway;
    const { key, id } = await session();
    await busy(key, id("a"));
    expect(await client.call("sessions.abort", { key })).toEqual({
      ok: true,
      abortedRunId: id("a"),
      status: "aborted",
    });
    expect(await client.call("sessions.abort", { key })).toEqual({
      ok: true,
      abortedRunId: null,
      status: "no-active-run",
    });
  });

  test("finds the session of a run that is named alone", async () => {
    const { client } = gateway;
    const { key, id } = await session();
    await busy(key, id("a"));
    expect(await client.call("sessions.abort", { runId: id("none") })).toMatchObject({ status: "no-active-run" });
    expect(await client.call("sessions.abort", { runId: id("a") })).toMatchObject({ abortedRunId: id("a") });
    const nothing = await client.request("sessions.abort", {});
    expect(nothing.error?.message).toBe("key required");
  });

  test("lets nobody but administrators stop what others started", async () => {
    const { client } = gateway;
    const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    const { key, id } = await session();
    await busy(key, id("a"));
    const refused = await writer.request("sessions.abort", { runId: id("a") });
    expect(refused.error).toMatchObject({ code: "INVALID_REQUEST", message: "unauthorized" });
    expect(await writer.call("sessions.abort", { key })).toMatchObject({ abortedRunId: null });
    expect(await client.call("sessions.abort", { key })).toMatchObject({ abortedRunId: id("a") });
  });
});
