import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeSpec, type Payload, TestDevice } from "../../gateway/testing.ts";
import { type ChatGateway, chatEnd, freshKey, startChatGateway } from "../testing/chat-gateway.ts";

let stateDir: string;
let gateway: ChatGateway;
beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "chela-tasks-"));
  gateway = await startChatGateway({ stateDir });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(stateDir, { recursive: true });
});

/** Starts a run as a program does; resolves when it is accepted. */
async function begin(message: string): Promise<{ runId: string; sessionKey: string }> {
  const { sessionKey, id } = freshKey();
  const runId = id("task");
  await gateway.client.call("agent", { message, sessionKey, idempotencyKey: runId });
  return { runId, sessionKey };
}
const ended = (runId: string) => gateway.client.call("agent.wait", { runId, timeoutMs: 10_000 });
const list = async (params: object = {}): Promise<Payload> => gateway.client.call("tasks.list", params);

describe("tasks", () => {
  test("are none before a program has asked for a run; a chat is no task", async () => {
    const { sessionKey, id } = freshKey();
    const runId = id("chat");
    await gateway.client.call("chat.send", { sessionKey, message: "hello", idempotencyKey: runId });
    await chatEnd(gateway.client, runId);
    expect(await list()).toEqual({ tasks: [] });
  });

  test("are listed newest first, by state and session, and found by their id", async () => {
    const first = await begin("one");
    await ended(first.runId);
    const second = await begin("FAIL:400 no");
    await ended(second.runId);
    const { tasks } = await list();
    expect(tasks.map(({ id, status }: Payload) => [id, status])).toEqual([
      [second.runId, "failed"],
      [first.runId, "completed"],
    ]);
    expect(tasks[1]).toEqual({
      id: first.runId,
      taskId: first.runId,
      kind: "cli",
      runtime: "cli",
      status: "completed",
      execution: { state: "finished" },
      title: "one",
      agentId: "main",
      sessionKey: first.sessionKey,
      childSessionKey: first.sessionKey,
      hasTranscript: true,
      ownerKey: first.sessionKey,
      runId: first.runId,
      sourceId: first.runId,
      createdAt: expect.any(Number),
      updatedAt: tasks[1].endedAt,
      startedAt: expect.any(Number),
      endedAt: expect.any(Number),
      terminalSummary: "completed",
      deliveryStatus: "not_applicable",
    });
    expect((await list({ status: ["failed", "running"] })).tasks).toEqual([tasks[0]]);
    expect((await list({ sessionKey: first.sessionKey })).tasks).toEqual([tasks[1]]);
    expect((await list({ agentId: "ghost" })).tasks).toEqual([]);
    const { task } = await gateway.client.call("tasks.get", { taskId: first.runId });
    const { terminalSummary: _summary, ...shown } = tasks[1];
    expect(task).toMatchObject({ ...shown, prompt: "one", result: "echo: one" });
    const page = await list({ limit: 1 });
    expect(page.tasks).toEqual([tasks[0]]);
    expect(await list({ cursor: page.nextCursor })).toEqual({ tasks: [tasks[1]] });
  });

  test("are told of in each of their states, and chats are not", async () => {
    const { runId, sessionKey } = await begin("told");
    await ended(runId);
    await gateway.client.call("chat.send", { sessionKey, message: "chat", idempotencyKey: `${runId}-chat` });
    await chatEnd(gateway.client, `${runId}-chat`);
    await gateway.client.event("task", ({ task }: Payload) => task.id === runId && task.status === "completed", 0);
    const told = gateway.client.events("task").map(({ payload }) => payload);
    const own = told.filter(({ task }: Payload) => task.sessionKey === sessionKey);
    expect(own.map(({ action, task }: Payload) => `${action} ${task.status}`)).toEqual([
      "upserted queued",
      "upserted running",
      "upserted completed",
    ]);
  });

  test("show what was said where they ran, page by page", async () => {
    const { runId, sessionKey } = await begin("said");
    await ended(runId);
    const page = (more: object = {}) => gateway.client.call("tasks.history", { taskId: runId, limit: 1, ...more });
    const texts = ({ messages }: Payload) => messages.map(({ content }: Payload) => content[0].text ?? content);
    const newest = await page();
    expect(texts(newest)).toEqual(["echo: said"]);
    await gateway.client.call("chat.inject", { sessionKey, message: "later" });
    const older = await page({ cursor: newest.nextCursor });
    expect([texts(older), older.nextCursor]).toEqual([["said"], undefined]);
    const { messages } = await gateway.client.call("tasks.history", { taskId: runId });
    expect(messages).toHaveLength(3);
    await gateway.client.call("sessions.delete", { key: sessionKey, deleteTranscript: true });
    await gateway.client.call("sessions.create", { key: sessionKey });
    expect(await page()).toEqual({ messages: [] });
  });

  test("are still known after a restart", async () => {
    const before = await list();
    await gateway.stop();
    gateway = await startChatGateway({ stateDir });
    expect(await list()).toEqual(before);
  });

  test("can be stopped while they run, once", async () => {
    const { runId } = await begin("SLOW:50 a b c d e f g h");
    const { tasks } = await list({ status: ["running", "queued"] });
    expect(tasks.map(({ id }: Payload) => id)).toEqual([runId]);
    const answer = await gateway.client.call("tasks.cancel", { taskId: runId, reason: "enough" });
    expect(answer).toMatchObject({ found: true, cancelled: true });
    await ended(runId);
    expect((await gateway.client.call("tasks.get", { taskId: runId })).task.status).toBe("cancelled");
    expect(await gateway.client.call("tasks.cancel", { taskId: runId })).toMatchObject({
      found: true,
      cancelled: false,
      reason: "Task has ended already.",
    });
  });

  test("are stopped by others than who began them only with operator.admin", async () => {
    const { runId } = await begin("SLOW:50 a b c d e f g h");
    const scopes = ["operator.read", "operator.write"];
    const other = await gateway.connect({ ...nodeSpec(new TestDevice()), role: "operator", scopes } as never);
    expect((await other.request("tasks.cancel", { taskId: runId })).error.message).toBe("unauthorized");
    await gateway.client.call("tasks.cancel", { taskId: runId });
    await ended(runId);
  });

  test("that are not there are no error to stop, but one to look at", async () => {
    expect(await gateway.client.call("tasks.cancel", { taskId: "nope" })).toEqual({
      found: false,
      cancelled: false,
      reason: "Task not found.",
    });
    const { error } = await gateway.client.request("tasks.get", { taskId: "nope" });
    expect(error.message).toBe("task not found: nope");
  });

  test.each(["x", "0", "1 OR 1=1"])("refuse the cursor %p", async (cursor) => {
    const { error } = await gateway.client.request("tasks.list", { cursor });
    expect(error.message).toBe("invalid or expired tasks.list cursor; restart pagination without a cursor");
  });

  test("go by when they changed or ended where that is asked for, page by page", async () => {
    const { sessionKey, id } = freshKey();
    const runIds = [id("a"), id("b"), id("c")];
    for (const runId of runIds) {
      await gateway.client.call("agent", { message: "go", sessionKey, idempotencyKey: runId });
      await ended(runId);
    }
    for (const sortBy of ["updatedAt", "endedAt"]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await list({ sessionKey, sortBy, limit: 1, cursor });
        seen.push(...page.tasks.map((task: { id: string }) => task.id));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(seen).toEqual(runIds.toReversed());
    }
    const { error } = await gateway.client.request("tasks.list", { sortBy: "endedAt", cursor: "5" });
    expect(error?.message).toStartWith("invalid or expired tasks.list cursor");
  });
});
