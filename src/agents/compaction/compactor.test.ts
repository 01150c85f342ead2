import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ModelMessage } from "../../models/types.ts";
import { type ChatGateway, chatEnd, freshKey, startChatGateway } from "../testing/chat-gateway.ts";

let gateway: ChatGateway;
beforeAll(async () => {
  gateway = await startChatGateway();
  await gateway.client.call("sessions.subscribe", {});
});
afterAll(() => gateway.stop());

/** A session in which these things were said and answered, one after the other. */
async function said(...texts: string[]) {
  const { sessionKey, id } = freshKey();
  for (const [n, message] of texts.entries()) await say(sessionKey, message, id(`m${n}`));
  return { sessionKey, id, key: `agent:main:${sessionKey}`.replace(/^agent:main:agent:/, "agent:") };
}

async function say(sessionKey: string, message: string, idempotencyKey: string): Promise<void> {
  await gateway.client.call("chat.send", { sessionKey, message, idempotencyKey });
  await chatEnd(gateway.client, idempotencyKey);
}

const compact = async (sessionKey: string) =>
  (await gateway.client.request("sessions.compact", { key: sessionKey })).payload;
const context = (sessionKey: string) =>
  gateway.services.sessions.recent(gateway.services.sessions.canonicalKey(sessionKey), 100);
const texts = (messages: readonly Pick<ModelMessage, "content">[]) =>
  messages.map(({ content }) => (typeof content === "string" ? content : (content[0] as { text: string }).text));

describe("sessions.compact", () => {
  test("a model is given the summary and the last message; the transcript keeps everything", async () => {
    const { sessionKey, id } = await said("one", "two");
    const from = gateway.client.frames.length;
    const answer = await compact(sessionKey);
    const kept = (await context(sessionKey)).at(-1)!;
    expect(answer).toMatchObject({
      ok: true,
      compacted: true,
      result: { firstKeptEntryId: kept.id, tokensBefore: 15, details: { readFiles: [], modifiedFiles: [] } },
    });
    expect(texts(await context(sessionKey))).toEqual([
      `What was said in this conversation before, summed up:\n\n<summary>\n${answer.result.summary}\n</summary>`,
      "echo: two",
    ]);
    const told = gateway.client.frames.slice(from).filter(({ event }) => /^session/.test(event ?? ""));
    expect(
      told.map(({ event, payload }) => [
        event,
        payload.phase ?? payload.reason,
        payload.completed ?? payload.compacted,
      ]),
    ).toEqual([
      ["session.operation", "start", undefined],
      ["session.operation", "end", true],
      ["sessions.changed", "compact", true],
    ]);
    expect(new Set(told.map(({ payload }) => payload.operationId)).size).toBe(2);

    const { messages } = await gateway.client.call("chat.history", { sessionKey });
    expect(messages.map(({ role }: { role: string }) => role)).toEqual([
      "user",
      "assistant",
      "user",
      "assistant",
      "system",
    ]);
    const mark = messages.at(-1);
    expect(mark).toMatchObject({
      content: [{ type: "text", text: "Compaction" }],
      __openclaw: { kind: "compaction", tokensBefore: 15 },
    });
    expect(JSON.stringify(mark)).not.toContain("echo");
    await say(sessionKey, "three", id("after"));
    expect(texts(await context(sessionKey)).slice(1)).toEqual(["echo: two", "three", "echo: three"]);
  });

  test("nothing is done where there is nothing to sum up, or where it has been done", async () => {
    const { sessionKey } = await said("one");
    expect(await compact("compact-unheard-of")).toMatchObject({ ok: true, compacted: false, reason: "no sessionId" });
    await gateway.client.call("sessions.create", { key: "compact-empty" });
    expect(await compact("compact-empty")).toMatchObject({
      ok: false,
      reason: "Nothing to compact (session too small)",
    });
    expect(await compact(sessionKey)).toMatchObject({ compacted: true });
    expect(await compact(sessionKey)).toMatchObject({ ok: false, compacted: false, reason: "Already compacted" });
    const { session } = await gateway.client.call("sessions.describe", { key: sessionKey });
    expect(session).toMatchObject({ totalTokensFresh: false, status: "done" });
    expect(session.totalTokens).toBeUndefined();
  });

  test("a later summary is made of the earlier one and what came since", async () => {
    const { sessionKey, id } = await said("one", "two");
    const first = await compact(sessionKey);
    await say(sessionKey, "three", id("three"));
    const second = await compact(sessionKey);
    expect(second.result.firstKeptEntryId).not.toBe(first.result.firstKeptEntryId);
    // The model of the tests repeats the first line of what it is asked.
    expect(first.result.summary).toBe("echo: <conversation>");
    expect(second.result.summary).toBe("echo: <earlier-summary>");
    expect(texts(await context(sessionKey)).slice(1)).toEqual(["echo: three"]);
  });

  test("survives a fork and a rewind, and is over with a reset", async () => {
    const { sessionKey, id } = await said("one", "two");
    await compact(sessionKey);
    await say(sessionKey, "three", id("three"));
    const three = (await context(sessionKey)).find(({ content }) => content === "three")!;
    const fork = await gateway.client.call("sessions.fork", { sessionKey, entryId: three.id });
    expect((await context(fork.sessionKey))[0]!.isSummary).toBe(true);
    expect(texts(await context(fork.sessionKey)).slice(1)).toEqual(["echo: two"]);
    await gateway.client.call("sessions.rewind", { sessionKey, entryId: three.id });
    expect(texts(await context(sessionKey)).slice(1)).toEqual(["echo: two"]);
    const { branches } = await gateway.client.call("sessions.branches.list", { sessionKey });
    expect(branches.map(({ messageCount }: { messageCount: number }) => messageCount)).toEqual([4, 6]);
    await gateway.client.call("sessions.reset", { key: sessionKey });
    expect(await context(sessionKey)).toEqual([]);
  });

  test("while it is at work, messages wait and nothing else begins; stopping it leaves everything as it was", async () => {
    const { sessionKey, id } = await said("one", "two");
    const { compactor, runs, sessions } = gateway.services;
    const key = sessions.canonicalKey(sessionKey);
    const work = compactor.compact({ key }, "SLOW:60000 a b c");
    await gateway.client.event(
      "session.operation",
      ({ phase, sessionKey }) => phase === "start" && sessionKey === key,
      0,
    );
    expect(runs.activeRunIds(key)).toHaveLength(1);
    expect((await gateway.client.request("sessions.compact", { key: sessionKey })).error?.message).toBe(
      `Session ${sessionKey} has an active run; retry after it finishes.`,
    );
    await gateway.client.call("chat.send", { sessionKey, message: "meanwhile", idempotencyKey: id("meanwhile") });
    expect(runs.pendingInputs(key).map(({ message }) => message.content)).toEqual(["meanwhile"]);
    const runId = runs.activeRunIds(key)[0]!;
    expect(await gateway.client.call("chat.abort", { sessionKey, runId })).toEqual({
      ok: true,
      aborted: true,
      runIds: [runId],
    });
    expect(await work).toEqual({ ok: false, key, compacted: false, reason: "Compaction was cancelled" });
    await chatEnd(gateway.client, id("meanwhile"));
    expect(texts(await context(sessionKey))).toEqual([
      "one",
      "echo: one",
      "two",
      "echo: two",
      "meanwhile",
      "echo: meanwhile",
    ]);
    const ends = gateway.client.frames.filter(
      ({ event, payload }) => event === "session.operation" && payload.sessionKey === key,
    );
    expect(ends.at(-1)!.payload).toMatchObject({ phase: "end", completed: false, reason: "Compaction was cancelled" });
  });

  test("a reset in the middle stops it; the new session does not get the summary", async () => {
    const { sessionKey } = await said("one", "two");
    const { compactor, sessions } = gateway.services;
    const key = sessions.canonicalKey(sessionKey);
    const work = compactor.compact({ key }, "SLOW:60000 a b c");
    await gateway.client.event(
      "session.operation",
      ({ phase, sessionKey }) => phase === "start" && sessionKey === key,
      0,
    );
    await gateway.client.call("sessions.reset", { key: sessionKey });
    expect((await work).compacted).toBe(false);
    expect(await context(sessionKey)).toEqual([]);
  });

  test("a model that fails or says nothing changes nothing", async () => {
    const { sessionKey } = await said("one", "two");
    const { compactor } = gateway.services;
    for (const [focus, reason] of [
      ["FAIL:401 no", /^Compaction failed: /],
      ["EMPTY:", /^The model wrote no summary$/],
    ] as const) {
      expect((await compactor.compact({ key: sessionKey }, focus)).reason).toMatch(reason);
      expect(await context(sessionKey)).toHaveLength(4);
    }
  });

  test("/compact does it from a chat", async () => {
    const { sessionKey, id } = await said("one", "two");
    await say(sessionKey, "/compact mind the numbers", id("command"));
    expect((await context(sessionKey))[0]!.isSummary).toBe(true);
    expect(texts(await context(sessionKey)).at(-1)).toBe("🧹 Compacted.");
  });
});
