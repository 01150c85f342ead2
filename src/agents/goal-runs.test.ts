import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Payload } from "../gateway/testing.ts";
import { type ChatGateway, chatEnd, freshKey, startChatGateway, transcript } from "./testing/chat-gateway.ts";

let stateDir: string;
let gateway: ChatGateway;
beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "chela-goals-"));
  gateway = await startChatGateway({ stateDir });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(stateDir, { recursive: true });
});

const call = (method: string, params: object): Promise<Payload> => gateway.client.call(method, params);
const intent = () => ({ kind: "session-goal-start", version: 1, issuedAtMs: Date.now() });
const goalOf = async (key: string): Promise<Payload> => (await call("sessions.describe", { key })).session.goal;
/** What the model was asked last. */
const asked = (): string => (gateway.model.calls.at(-1)!.body as Payload).messages.at(-1).content;

async function start(sessionKey: string, message: string, idempotencyKey: string): Promise<Payload> {
  const params = { sessionKey, message, idempotencyKey, intent: intent() };
  const answer = await call("chat.send", params);
  await chatEnd(gateway.client, idempotencyKey);
  return { ...answer, params };
}

test("a goal and its first run begin together; the model is reminded of it until it is no more pursued", async () => {
  const { sessionKey, id } = freshKey();
  const { params, goalId, ...answer } = await start(sessionKey, "get it green", id("start"));
  expect(answer).toMatchObject({ action: "start", status: "started", runId: id("start"), messageSeq: 1 });
  expect(await transcript(gateway, sessionKey)).toEqual(["user: get it green", expect.stringMatching(/^assistant: /)]);
  expect(asked()).toContain("The goal of this session: get it green");
  const send = async (name: string) => {
    await call("chat.send", { sessionKey, message: "and now?", idempotencyKey: id(name) });
    await chatEnd(gateway.client, id(name));
  };
  await send("more");
  expect(asked()).toContain("The goal of this session: get it green");
  expect((await transcript(gateway, sessionKey))[2]).toBe("user: and now?");
  const pause = { sessionKey, goalId, operationId: "p", issuedAtMs: Date.now(), action: "pause" };
  await call("sessions.goal.update", pause);
  await send("paused");
  expect(asked()).not.toContain("The goal of this session");
});

test("what was done is answered the same after a restart, and done once", async () => {
  const { sessionKey, id } = freshKey();
  const { params, goalId } = await start(sessionKey, "stay", id("start"));
  const edit = { sessionKey, goalId, operationId: "e", issuedAtMs: Date.now(), action: "edit", objective: "go" };
  const edited = await call("sessions.goal.update", edit);
  await call("sessions.goal.update", { ...edit, operationId: "e2", objective: "stop" });
  await gateway.stop();
  gateway = await startChatGateway({ stateDir });
  expect(await call("sessions.goal.update", edit)).toEqual({ ...edited, replayed: true });
  expect((await call("chat.send", params)).replayed).toBe(true);
  expect((await goalOf(sessionKey)).objective).toBe("stop");
  expect(await transcript(gateway, sessionKey)).toHaveLength(2);
});

test("two of the same start at once make one goal and one run", async () => {
  const { sessionKey, id } = freshKey();
  const params = { sessionKey, message: "once", idempotencyKey: id("twin"), intent: intent() };
  const answers = await Promise.all([call("chat.send", params), call("chat.send", params)]);
  await chatEnd(gateway.client, id("twin"));
  expect(new Set(answers.map(({ goalId }) => goalId)).size).toBe(1);
  expect(answers.filter(({ replayed }) => replayed)).toHaveLength(1);
  expect(await transcript(gateway, sessionKey)).toHaveLength(2);
});

test("a busy session begins no goal, and none is left behind", async () => {
  const { sessionKey, id } = freshKey();
  await call("chat.send", { sessionKey, message: "SLOW:100 a b c d e f", idempotencyKey: id("slow") });
  const params = { sessionKey, message: "x", idempotencyKey: id("start"), intent: intent() };
  const { error } = await gateway.client.request("chat.send", params);
  expect(error).toMatchObject({ code: "UNAVAILABLE", retryable: true, details: { reason: "goal-session-busy" } });
  await call("chat.abort", { sessionKey });
  expect(await goalOf(sessionKey)).toBeUndefined();
});

test("taking a goal up again asks the model in nobody's name", async () => {
  const { sessionKey, id } = freshKey();
  const { goalId } = await start(sessionKey, "work", id("start"));
  const operationId = id("resume");
  const resume = { sessionKey, goalId, operationId, issuedAtMs: Date.now(), action: "resume" };
  expect(await call("sessions.goal.update", resume)).toMatchObject({ status: "started", runId: operationId });
  await chatEnd(gateway.client, operationId);
  const { messages } = await call("chat.history", { sessionKey });
  expect(messages.map(({ role }: Payload) => role)).toEqual(["user", "assistant", "assistant"]);
});

test("a failed run pauses the goal; starting over forgets it", async () => {
  const { sessionKey, id } = freshKey();
  await start(sessionKey, "FAIL:400 no", id("start"));
  expect(await goalOf(sessionKey)).toMatchObject({ status: "paused", pausedAt: expect.any(Number) });
  await call("sessions.reset", { key: sessionKey });
  expect(await goalOf(sessionKey)).toBeUndefined();
});

test("/goal does all of it in words", async () => {
  const { sessionKey, id } = freshKey();
  let n = 0;
  const say = async (message: string): Promise<string> => {
    const runId = id(`say${n++}`);
    await call("chat.send", { sessionKey, message, idempotencyKey: runId });
    const { payload } = await chatEnd(gateway.client, runId);
    return payload.message?.content[0].text;
  };
  expect(await say("/goal")).toStartWith("This session has no goal.");
  await say("/goal make it\n good");
  expect(await goalOf(sessionKey)).toMatchObject({ objective: "make it\n good", status: "active" });
  expect(await say("/goal start other")).toBe("Goal: goal already exists");
  expect(await say("/goal edit")).toBe("Usage: /goal edit <objective>");
  expect(await say("/goal edit better")).toBe("Goal changed: better");
  expect(await say("/goal pause wait")).toBe("Goal paused: better");
  expect(await say("/goal status")).toContain("Note: wait");
  await say("/goal resume go");
  expect(await goalOf(sessionKey)).toMatchObject({ status: "active", lastStatusNote: "go" });
  expect(await say("/goal done")).toBe("Goal reached: better");
  expect(await say("/goal clear")).toBe("Goal cleared.");
  expect(await say("/goal clear")).toBe("There is no goal to clear.");
  expect(await say("/goal pause")).toStartWith("Goal: there is none");
});
