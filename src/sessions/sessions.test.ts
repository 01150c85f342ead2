import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventProblem } from "../protocol/contract.ts";
import { testSessions } from "./testing.ts";
import type { TranscriptMessage } from "./types.ts";

const KEY = "agent:main:talk";
const say = (text: string, more: Partial<TranscriptMessage> = {}): TranscriptMessage => ({
  role: "user",
  content: text,
  timestamp: 1_700_000_000_000,
  ...more,
});
const names = (events: { event: string; payload: unknown }[]) =>
  events.map(({ event, payload }) => [event, (payload as { reason?: string }).reason].filter(Boolean).join(" "));

describe("a session", () => {
  test("is made once, and remembers who talks in it", async () => {
    const { sessions, events } = testSessions();
    expect(await sessions.find(KEY)).toBeNull();
    const first = await sessions.ensure(KEY, { createdVia: "operator", actor: "gateway-client" });
    const again = await sessions.ensure(KEY, { createdVia: "operator", actor: "gateway-client" });
    expect(again).toEqual(first);
    expect(first).toMatchObject({ key: KEY, agentId: "main", modelOverride: null, archived: false });
    expect(names(events)).toEqual(["sessions.changed participants"]);
  });

  test("keeps messages in order and tells of each after it is stored", async () => {
    const { sessions, events } = testSessions();
    const stored = await sessions.append(KEY, [say("one"), say("two")], "send");
    expect(stored.map(({ seq, content }) => [seq, content])).toEqual([
      [1, "one"],
      [2, "two"],
    ]);
    expect(await sessions.recent(KEY, 1)).toMatchObject([{ seq: 2, content: "two" }]);
    expect(names(events)).toEqual(["session.message", "session.message", "sessions.changed send"]);
    for (const { event, payload } of events) {
      expect(eventProblem(event, JSON.parse(JSON.stringify(payload)))).toBeNull();
    }
    expect(events[1]!.audience).toEqual({ sessionKey: KEY });
    expect(events[1]!.payload).toMatchObject({
      messageSeq: 2,
      messageId: stored[1]!.id,
      message: { content: "two", __openclaw: { id: stored[1]!.id, seq: 2 } },
      session: { key: KEY, lastMessagePreview: "two", derivedTitle: "one" },
    });
  });

  test("does not store a message twice under one idempotency key", async () => {
    const { sessions, events } = testSessions();
    const [first] = await sessions.append(KEY, [say("once", { idempotencyKey: "k:user" })]);
    const published = events.length;
    const [again] = await sessions.append(KEY, [say("twice", { idempotencyKey: "k:user" })], "send");
    expect(again).toEqual(first!);
    expect(events.length).toBe(published);
    expect(await sessions.append("agent:main:other", [say("x", { idempotencyKey: "k:user" })])).toMatchObject([
      { content: "x", seq: 1 },
    ]);
  });

  test("tells of what happens at once in the order in which it was stored", async () => {
    const { sessions, events } = testSessions();
    await sessions.ensure(KEY, { createdVia: "operator" });
    await Promise.all([
      sessions.append(KEY, [say("x")]),
      sessions.recordRun(KEY, { status: "done" }, "agent.input.settled"),
      sessions.append(KEY, [say("y")], "send"),
      sessions.setOverrides(KEY, { thinkingLevel: "off" }),
      sessions.startOver(KEY, "reset"),
      sessions.append(KEY, [say("z")]),
    ]);
    expect(names(events)).toEqual([
      "session.message",
      "sessions.changed agent.input.settled",
      "session.message",
      "sessions.changed send",
      "sessions.changed patch",
      "sessions.changed reset",
      "session.message",
    ]);
    expect(events.at(-1)!.payload).toMatchObject({ messageSeq: 2, message: { content: "z" } });
  });

  test("tells nobody of what was not stored", async () => {
    const { sessions, events, store } = testSessions();
    await sessions.ensure(KEY, { createdVia: "operator" });
    store.db.exec("CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    await expect(sessions.append(KEY, [say("lost")], "send")).rejects.toThrow("disk full");
    expect(events).toEqual([]);
    expect(await sessions.recent(KEY, 5)).toEqual([]);
  });

  test("takes what a run reports, and forgets what is null", async () => {
    const { sessions, events } = testSessions();
    await sessions.ensure(KEY, { createdVia: "operator" });
    await sessions.recordRun(KEY, { status: "running", startedAt: 5, totalTokens: 12 }, "agent.run.started");
    await sessions.recordRun(KEY, { status: "done", startedAt: null });
    const stored = await sessions.repository.find(KEY);
    expect(stored?.entry).toMatchObject({ status: "done", totalTokens: 12, totalTokensFresh: true });
    expect(stored?.entry).not.toHaveProperty("startedAt");
    expect(names(events)).toEqual(["sessions.changed agent.run.started"]);
  });

  test("starts over under its id with nothing but a mark of it", async () => {
    const { sessions } = testSessions();
    const before = await sessions.ensure(KEY, { createdVia: "operator" });
    await sessions.append(KEY, [say("old")]);
    await sessions.recordRun(KEY, { inputTokens: 9, status: "done" });
    const after = await sessions.startOver(KEY, "reset");
    expect(after.sessionId).toBe(before.sessionId);
    expect(await sessions.recent(KEY, 10)).toEqual([]);
    const stored = await sessions.repository.find(KEY);
    expect(stored?.entry).toMatchObject({ inputTokens: 0, totalTokens: 0, systemSent: false });
    expect(stored?.entry).not.toHaveProperty("status");
    expect(stored).toMatchObject({ title: null, preview: null });
    expect(await sessions.transcripts.range(after.sessionId, 1, 9)).toMatchObject([
      { role: "system", seq: 1, content: [{ type: "text", text: "Reset" }], meta: { kind: "reset" } },
    ]);
  });

  test("takes the overrides of commands and lets go of them", async () => {
    const { sessions } = testSessions();
    const set = await sessions.setOverrides(KEY, { modelOverride: "mock/org/think-1", thinkingLevel: "low" });
    expect(set).toMatchObject({ modelOverride: "mock/org/think-1", thinkingLevel: "low" });
    const partly = await sessions.setOverrides(KEY, { modelOverride: null });
    expect(partly).toMatchObject({ modelOverride: null, thinkingLevel: "low" });
  });

  test("tells in its events which sessions it descends from, and ends where parents go in a circle", async () => {
    const { sessions, events } = testSessions();
    for (const [key, parent] of [
      ["agent:main:a", "agent:main:b"],
      ["agent:main:b", "agent:main:a"],
    ] as const) {
      await sessions.repository.update(key, () => {
        const session = sessions.blank(key, 1, "operator");
        return { ...session, entry: { ...session.entry, parentSessionKey: parent } };
      });
    }
    await sessions.append("agent:main:a", [say("hi")]);
    const { ancestorSessions } = events[0]!.payload as { ancestorSessions: { key: string }[] };
    expect(ancestorSessions.map(({ key }) => key)).toEqual(["agent:main:b"]);
  });

  test("counts for its agent, the most recently used first", async () => {
    const { sessions, clock } = testSessions();
    for (const name of ["a", "b", "c"]) {
      await sessions.ensure(`agent:main:${name}`, { createdVia: "operator" });
      clock.advance(10);
    }
    await sessions.append("agent:main:a", [say("again")]);
    const { count, recent } = await sessions.stats("main", 2);
    expect(count).toBe(3);
    expect(recent.map(({ key }) => key)).toEqual(["agent:main:a", "agent:main:c"]);
    expect(await sessions.stats("other", 2)).toEqual({ count: 0, recent: [] });
  });

  test("is there again when the database is opened again", async () => {
    const directory = mkdtempSync(join(tmpdir(), "chela-sessions-"));
    try {
      const path = join(directory, "state.sqlite");
      const first = testSessions({ path });
      const [message] = await first.sessions.append(KEY, [say("kept", { idempotencyKey: "k" })]);
      const state = await first.sessions.find(KEY);
      await first.store.close();
      const second = testSessions({ path });
      expect(await second.sessions.find(KEY)).toEqual(state);
      expect(await second.sessions.recent(KEY, 5)).toEqual([message!]);
      expect(await second.sessions.append(KEY, [say("kept", { idempotencyKey: "k" })])).toEqual([message!]);
      await second.store.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
