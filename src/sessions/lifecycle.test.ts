import { describe, expect, test } from "bun:test";
import { createSession } from "./create.ts";
import { chatHistory } from "./history.ts";
import { deleteSession, resetSession } from "./lifecycle.ts";
import { patchSession } from "./patch.ts";
import { getMessages } from "./read.ts";
import { ADMIN, refusal, testSessions } from "./testing.ts";
import type { TranscriptMessage } from "./types.ts";

const KEY = "agent:main:s";
const HI: TranscriptMessage = { role: "user", content: "hi", timestamp: 1 };
const published = (events: { event: string; payload: unknown }[]) =>
  events.map(({ event, payload }) => [
    event,
    (payload as { reason?: string }).reason,
    (payload as { sessionKey?: string }).sessionKey,
  ]);

describe("a reset", () => {
  test("keeps the session id and the settings, and leaves a mark where something had been said", async () => {
    const { sessions, events, clock } = testSessions();
    await createSession(sessions, { key: "s", label: "Kept" }, ADMIN);
    const { entry: before } = await patchSession(sessions, { key: "s", verboseLevel: "on", model: "mock/think-1" });
    await sessions.append(KEY, [HI]);
    await sessions.recordRun(KEY, { inputTokens: 5, status: "done", lastRunId: "r" });
    clock.advance(1000);
    events.length = 0;
    const { entry, resolved } = await resetSession(sessions, { key: "s", reason: "new" });
    expect(entry).toMatchObject({
      label: "Kept",
      verboseLevel: "on",
      modelOverride: "think-1",
      createdAt: before.createdAt,
      updatedAt: clock.now(),
      sessionStartedAt: clock.now(),
      inputTokens: 0,
      totalTokens: 0,
      compactionCount: 0,
    });
    expect(entry.sessionId).toBe(before.sessionId);
    expect(entry.lifecycleRevision).not.toBe(before.lifecycleRevision);
    for (const gone of ["status", "lastRunId", "lastInteractionAt"]) expect(entry).not.toHaveProperty(gone);
    expect(resolved).toEqual({ modelProvider: "mock", model: "think-1" });
    expect(published(events)).toEqual([["sessions.changed", "new", KEY]]);
    expect(await chatHistory(sessions, { sessionKey: "s" }, ADMIN)).toMatchObject({
      totalMessages: 1,
      messages: [{ role: "system", content: [{ type: "text", text: "Reset" }], __openclaw: { kind: "reset", seq: 1 } }],
    });
  });

  test("makes a session that does not exist, without a mark", async () => {
    const { sessions } = testSessions();
    const { entry } = await resetSession(sessions, { key: "s" });
    expect(entry).toMatchObject({
      createdVia: "operator",
      totalTokensFresh: true,
      modelProvider: "mock",
      model: "mock-1",
    });
    expect(await getMessages(sessions, { key: "s" })).toEqual({ messages: [] });
  });

  test("of another session than expected ends no run and changes nothing", async () => {
    const { sessions } = testSessions();
    const ended: string[] = [];
    sessions.useRuns({ activeRunIds: () => [], pendingInputs: () => [], abortSession: async (key) => ended.push(key) });
    const { session } = await createSession(sessions, { key: "s" }, ADMIN);
    for (const key of ["s", "nope"]) {
      expect(await refusal(() => resetSession(sessions, { key, expectedSessionId: "x" }))).toEqual({
        message: `Session ${key} changed before reset. Retry.`,
        details: { reason: "session-changed" },
      });
    }
    expect(ended).toEqual([]);
    await resetSession(sessions, { key: "s", expectedSessionId: session.entry.sessionId });
    expect(ended).toEqual([KEY]);
  });
});

describe("a deletion", () => {
  test("takes all that was said with it, also before a reset, and is told twice", async () => {
    const { sessions, events, store } = testSessions();
    await sessions.append(KEY, [HI]);
    await resetSession(sessions, { key: "s" });
    await sessions.append(KEY, [HI]);
    await sessions.append("agent:main:other", [HI]);
    events.length = 0;
    expect(await deleteSession(sessions, { key: "s" })).toEqual({ ok: true, key: KEY, deleted: true, archived: [] });
    expect(published(events)).toEqual([
      ["sessions.changed", "delete", KEY],
      ["sessions.changed", "delete", undefined],
    ]);
    expect(await sessions.find(KEY)).toBeNull();
    const count = store.db.query<{ n: number }, []>("SELECT count(*) AS n FROM messages").get()!.n;
    expect(count).toBe(1);
    expect(await deleteSession(sessions, { key: "s" })).toEqual({ ok: true, key: KEY, deleted: false, archived: [] });
    expect(events).toHaveLength(2);
  });

  test("leaves the transcript when asked to, for administrators", async () => {
    const { sessions } = testSessions();
    const [stored] = await sessions.append(KEY, [HI]);
    const { sessionId } = (await sessions.find(KEY))!;
    await deleteSession(sessions, { key: "s", deleteTranscript: false });
    const anchor = { sessionKey: "s", messageId: stored!.id, sessionId };
    expect(await chatHistory(sessions, anchor, ADMIN)).toMatchObject({ messages: [{ content: "hi" }] });
    const reader = { scopes: new Set(["operator.read"]) };
    expect(await chatHistory(sessions, anchor, reader)).toMatchObject({ messages: [] });
  });

  test("never takes a main session", async () => {
    const { sessions } = testSessions();
    for (const [key, canonical] of [
      ["main", "agent:main:main"],
      ["agent:ghost:main", "agent:ghost:main"],
      ["global", "global"],
    ] as const) {
      expect((await refusal(() => deleteSession(sessions, { key }))).message).toBe(
        `Cannot delete the main session (${canonical}).`,
      );
    }
  });

  test("asks for what it was told to ask for", async () => {
    const { sessions, clock } = testSessions();
    const { session } = await createSession(sessions, { key: "s" }, ADMIN);
    const { sessionId, lifecycleRevision, updatedAt } = session.entry;
    const attempt = (more: object) => refusal(() => deleteSession(sessions, { key: "s", ...more }));
    for (const wrong of [
      { expectedSessionId: "x" },
      { expectedLifecycleRevision: "x" },
      { expectedSessionUpdatedAt: 1 },
    ]) {
      expect(await attempt(wrong)).toEqual({
        message: "Session s changed before deletion. Retry.",
        details: { reason: "session-changed" },
      });
    }
    expect((await attempt({ archivedOnly: true })).message).toBe(
      "Session s is not archived. Archive it first, then delete it.",
    );
    clock.advance(1);
    const right = {
      expectedSessionId: sessionId,
      expectedLifecycleRevision: lifecycleRevision,
      expectedSessionUpdatedAt: updatedAt,
    };
    expect((await deleteSession(sessions, { key: "s", ...right })).deleted).toBe(true);
  });

  test("of an archived session is possible", async () => {
    const { sessions } = testSessions();
    const { session } = await createSession(sessions, { key: "s" }, ADMIN);
    await patchSession(sessions, { key: "s", archived: true, expectedSessionId: session.entry.sessionId });
    expect((await deleteSession(sessions, { key: "s", archivedOnly: true })).deleted).toBe(true);
  });
});
