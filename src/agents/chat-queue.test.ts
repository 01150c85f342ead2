import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { LIMITS } from "../../generated/limits.ts";
import {
  type ChatGateway,
  chatEnd,
  framesOf,
  freshKey,
  kinds,
  startChatGateway,
  transcript,
} from "./testing/chat-gateway.ts";

let gateway: ChatGateway;
beforeAll(async () => {
  gateway = await startChatGateway();
});
afterAll(() => gateway.stop());

const SLOW = "SLOW:120 a b c d e f";

/** Sends a slow message and waits until its answer streams. */
async function busy(sessionKey: string, runId: string): Promise<void> {
  const { client } = gateway;
  await client.call("chat.send", { sessionKey, message: SLOW, idempotencyKey: runId });
  await client.event("chat", (payload) => payload.runId === runId && payload.state === "delta", 0);
}

describe("a message while a run is at work", () => {
  test("is steered into it: one run answers both, the second key is over when its text is taken", async () => {
    const { client, services } = gateway;
    const { sessionKey, id } = freshKey();
    await busy(sessionKey, id("a"));
    expect(await client.call("chat.send", { sessionKey, message: "second", idempotencyKey: id("b") })).toEqual({
      runId: id("b"),
      status: "started",
    });
    const [waiting] = services.runs.pendingInputs(sessionKey);
    expect(waiting).toMatchObject({ runId: id("b"), state: "queued", message: { role: "user", content: "second" } });
    const end = await chatEnd(client, id("a"));
    expect(end.payload.message.content[0].text).toBe("echo: a b c d e f\n\necho: second");
    expect(framesOf(client, id("b"))).toEqual([{ runId: id("b"), sessionKey, seq: 1, state: "final" }]);
    expect(services.runs.pendingInputs(sessionKey)).toEqual([]);
    const stored = await services.sessions.recent(sessionKey, 10);
    expect(stored.map(({ idempotencyKey, meta }) => [idempotencyKey, meta?.runId, meta?.steerTargetRunId])).toEqual([
      [`${id("a")}:user`, undefined, undefined],
      [undefined, id("a"), undefined],
      [`${id("b")}:user`, undefined, id("a")],
      [undefined, id("a"), undefined],
    ]);
    expect(kinds(client.frames, id("a")).filter((kind) => kind === "agent/lifecycle/model")).toHaveLength(3);
    expect(await client.call("chat.send", { sessionKey, message: "second", idempotencyKey: id("b") })).toEqual({
      runId: id("b"),
      status: "ok",
    });
  });

  test("follows up in a run of its own when it asks for that, under an id of the gateway's", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    await busy(sessionKey, id("a"));
    const followup = { sessionKey, message: "next", idempotencyKey: id("b"), queueMode: "followup" };
    const from = client.frames.length;
    await client.call("chat.send", followup);
    await chatEnd(client, id("b"));
    expect(await client.call("chat.send", followup)).toEqual({ runId: id("b"), status: "in_flight" });
    await chatEnd(client, id("a"));
    const last = await client.event(
      "chat",
      (payload) => payload.sessionKey === sessionKey && payload.state === "final" && payload.runId.length === 36,
      from,
    );
    const { runId } = last.payload;
    expect(last.payload).toMatchObject({ stopReason: "stop", message: { text: "echo: next", stopReason: "stop" } });
    expect(last.payload.agentId).toBeUndefined();
    expect(kinds(client.frames, runId)).toEqual([
      "agent/run_status/preparing_workspace",
      "agent/run_status/preparing_context",
      "agent/lifecycle/start",
      "agent/run_status/starting_model",
      "agent/lifecycle/model",
      "agent/assistant",
      "chat/delta",
      "agent/assistant",
      "agent/usage",
      "agent/lifecycle/finishing",
      "agent/lifecycle/model",
      "agent/lifecycle/end",
      "chat/final",
    ]);
    expect(await client.call("chat.send", followup)).toEqual({ runId: id("b"), status: "ok" });
    expect(await transcript(gateway, sessionKey)).toEqual([
      `user: ${SLOW}`,
      "assistant: echo: a b c d e f",
      "user: next",
      "assistant: echo: next",
    ]);
  });

  test("interrupts it when it asks for that", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    await busy(sessionKey, id("a"));
    const now = { sessionKey, message: "now", idempotencyKey: id("b"), queueMode: "interrupt" };
    expect(await client.call("chat.send", now)).toMatchObject({ status: "started", interruptedActiveRun: true });
    expect((await chatEnd(client, id("a"))).payload).toMatchObject({ state: "aborted", stopReason: "aborted" });
    expect((await chatEnd(client, id("b"))).payload.message.content[0].text).toBe("echo: now");
  });

  test("of the agent method waits and then runs by itself", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    await busy(sessionKey, id("a"));
    await client.call("agent", { sessionKey, message: "by program", idempotencyKey: id("b") });
    const { payload } = await client.until(() =>
      client.frames.find((frame) => frame.type === "res" && frame.payload?.runId === id("b") && frame.payload.summary),
    );
    expect(payload.result.payloads).toEqual([{ text: "echo: by program", mediaUrl: null }]);
    expect((await chatEnd(client, id("a"))).payload.message.content[0].text).toBe("echo: a b c d e f");
  });
});

test("the configuration says what happens unless the message does", async () => {
  const followups = await startChatGateway({ config: { messages: { queue: { mode: "followup" } } } as never });
  const { sessionKey, id } = freshKey();
  const { client } = followups;
  await client.call("chat.send", { sessionKey, message: SLOW, idempotencyKey: id("a") });
  await client.event("chat", (payload) => payload.state === "delta");
  await client.call("chat.send", { sessionKey, message: "next", idempotencyKey: id("b") });
  expect((await chatEnd(client, id("a"))).payload.message.content[0].text).toBe("echo: a b c d e f");
  await followups.stop();
});

test("too many waiting messages of one session are refused, and others still come through", async () => {
  const { client } = gateway;
  const { sessionKey, id } = freshKey();
  await client.call("chat.send", { sessionKey, message: "SLOW:60000 a b", idempotencyKey: id("0") });
  const answers: { ok?: boolean; error?: { code: string; retryable?: boolean } }[] = [];
  for (let n = 1; n <= LIMITS.runQueuePerSession + 5; n++) {
    answers.push(await client.request("chat.send", { sessionKey, message: "more", idempotencyKey: id(`${n}`) }));
  }
  const refused = answers.filter(({ ok }) => !ok);
  expect(refused).toHaveLength(6);
  expect(refused[0]!.error).toMatchObject({ code: "UNAVAILABLE", retryable: true });
  const other = freshKey();
  await client.call("chat.send", { sessionKey: other.sessionKey, message: "hello", idempotencyKey: other.id("a") });
  await chatEnd(client, other.id("a"));
  const { runIds } = await client.call("chat.abort", { sessionKey });
  expect(runIds).toHaveLength(LIMITS.runQueuePerSession);
});
