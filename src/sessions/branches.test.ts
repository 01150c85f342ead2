import { expect, test } from "bun:test";
import { forkSession, listBranches, rewindSession, switchBranch } from "./branches.ts";
import { shortenSession } from "./compact.ts";
import { createSession } from "./create.ts";
import { resetSession } from "./lifecycle.ts";
import { getMessages } from "./read.ts";
import { searchSessions } from "./search.ts";
import type { Sessions } from "./sessions.ts";
import { ADMIN, refusal, testSessions } from "./testing.ts";
import type { TranscriptMessage } from "./types.ts";

const KEY = "agent:main:a";
const user = (content: TranscriptMessage["content"]): TranscriptMessage => ({ role: "user", content, timestamp: 1 });
const answer = (text: string): TranscriptMessage => ({
  role: "assistant",
  content: [{ type: "text", text }],
  timestamp: 1,
  stopReason: "stop",
});

/** A session in which two questions were asked and answered. */
async function talked() {
  const made = testSessions();
  const { sessions, clock } = made;
  await createSession(sessions, { key: "a", label: "Talk" }, ADMIN);
  const first = await sessions.append(KEY, [user("one"), answer("re one")]);
  clock.advance(1000);
  const second = await sessions.append(KEY, [user("two"), answer("re two")]);
  return { ...made, ids: [...first, ...second].map(({ id }) => id) as [string, string, string, string] };
}

const said = async (sessions: Sessions, key = KEY) =>
  (await getMessages(sessions, { key })).messages.map(({ content }) =>
    typeof content === "string" ? content : (content[0] as { text?: string }).text,
  );
const branches = async (sessions: Sessions) => (await listBranches(sessions, { sessionKey: "a" })).branches;

test("a session is taken back to before a message; what is left behind stays as a branch", async () => {
  const { sessions, ids, events } = await talked();
  const before = (await sessions.repository.find(KEY))!;
  events.length = 0;
  expect(await rewindSession(sessions, { sessionKey: "a", entryId: ids[2] })).toEqual({ editorText: "two" });
  expect(await said(sessions)).toEqual(["one", "re one"]);
  const after = (await sessions.repository.find(KEY))!;
  expect(after).toMatchObject({ title: "one", preview: "re one", entry: { label: "Talk", systemSent: false } });
  expect(after.entry.sessionId).not.toBe(before.entry.sessionId);
  expect(after.entry.lifecycleRevision).not.toBe(before.entry.lifecycleRevision);
  expect(events).toMatchObject([{ event: "sessions.changed", payload: { reason: "rewind", sessionKey: KEY } }]);
  expect(await branches(sessions)).toMatchObject([
    { leafEntryId: ids[1], headline: "re one", messageCount: 2, active: true },
    { leafEntryId: ids[3], headline: "re two", messageCount: 4, active: false },
  ]);
});

test("a session goes on at the end of another branch and back", async () => {
  const { sessions, ids } = await talked();
  await rewindSession(sessions, { sessionKey: "a", entryId: ids[2] });
  const [, other] = await sessions.append(KEY, [user("two again"), answer("re two again")]);
  await switchBranch(sessions, { sessionKey: "a", leafEntryId: ids[3] });
  expect(await said(sessions)).toEqual(["one", "re one", "two", "re two"]);
  expect(await branches(sessions)).toMatchObject([
    { leafEntryId: ids[3], active: true },
    { leafEntryId: other!.id, active: false },
  ]);
  await switchBranch(sessions, { sessionKey: "a", leafEntryId: other!.id });
  await sessions.append(KEY, [user("three")]);
  expect(await said(sessions)).toEqual(["one", "re one", "two again", "re two again", "three"]);
  expect((await branches(sessions)).length).toBe(2);
  const stay = () => switchBranch(sessions, { sessionKey: "a", leafEntryId: "gone" });
  expect(await refusal(stay)).toEqual({ message: "branch entry not found: gone" });
});

test("going back step by step leaves no branches that others hold", async () => {
  const { sessions, ids } = await talked();
  await rewindSession(sessions, { sessionKey: "a", entryId: ids[2] });
  await rewindSession(sessions, { sessionKey: "a", entryId: ids[0] });
  expect(await said(sessions)).toEqual([]);
  expect(await branches(sessions)).toMatchObject([{ leafEntryId: ids[3], active: false }]);
  expect((await sessions.repository.find(KEY))!).toMatchObject({ title: null, preview: null });
  await switchBranch(sessions, { sessionKey: "a", leafEntryId: ids[3] });
  expect(await said(sessions)).toEqual(["one", "re one", "two", "re two"]);
  const again = () => switchBranch(sessions, { sessionKey: "a", leafEntryId: ids[3] });
  expect(await refusal(again)).toEqual({ message: `branch is already active: ${ids[3]}` });
});

test("a fork has what was said before a message, its source stays as it is", async () => {
  const { sessions, ids } = await talked();
  const image = { type: "image" as const, data: "aWNv", mimeType: "image/png" };
  const [third] = await sessions.append(KEY, [user([{ type: "text", text: "look" }, image])]);
  const fork = await forkSession(sessions, { sessionKey: "a", entryId: third!.id });
  expect(fork).toEqual({
    sessionKey: expect.stringMatching(/^agent:main:dashboard:[0-9a-f-]{36}$/),
    editorText: "look",
    editorAttachments: [{ mimeType: "image/png", data: "aWNv" }],
  });
  expect(await said(sessions, fork.sessionKey)).toEqual(["one", "re one", "two", "re two"]);
  expect((await said(sessions)).length).toBe(5);
  const source = (await sessions.repository.find(KEY))!.entry.sessionId;
  expect((await sessions.repository.find(fork.sessionKey))!.entry).toMatchObject({
    forkedFromParent: true,
    parentSessionKey: KEY,
    forkSource: { sessionKey: KEY, sessionId: source, entryId: third!.id },
  });
  const empty = await forkSession(sessions, { sessionKey: "a", entryId: ids[0] });
  expect(await said(sessions, empty.sessionKey)).toEqual([]);
});

test("only messages of people that are there can be gone back to, and only while nothing is at work", async () => {
  const { sessions, ids } = await talked();
  for (const act of [rewindSession, forkSession]) {
    const to = (entryId: string, sessionKey = "a") => refusal(() => act(sessions, { sessionKey, entryId }));
    expect(await to("gone")).toEqual({ message: "message entry not found: gone" });
    expect(await to(ids[1])).toEqual({ message: `entry is not a user message: ${ids[1]}` });
    expect(await to(ids[0], "nowhere")).toEqual({ message: "session not found: nowhere" });
  }
  sessions.useRuns({ activeRunIds: () => ["r"], pendingInputs: () => [] });
  const busy = await refusal(() => rewindSession(sessions, { sessionKey: "a", entryId: ids[0] }));
  expect(busy).toEqual({ message: "Rewind is unavailable while the agent is working." });
  const fork = await refusal(() => forkSession(sessions, { sessionKey: "a", entryId: ids[0] }));
  expect(fork).toEqual({ message: "Fork is unavailable while the agent is working." });
  const compact = await refusal(() => shortenSession(sessions, { key: "a" }, 1));
  expect(compact).toEqual({ message: "Session a has an active run; retry after it finishes." });
  expect((await said(sessions)).length).toBe(4);
});

test("a reset forgets the branches", async () => {
  const { sessions, ids } = await talked();
  await rewindSession(sessions, { sessionKey: "a", entryId: ids[2] });
  await resetSession(sessions, { key: "a" });
  expect((await branches(sessions)).map(({ active }) => active)).toEqual([true]);
});

test("what several branches hold is found once", async () => {
  const { sessions, ids } = await talked();
  await rewindSession(sessions, { sessionKey: "a", entryId: ids[2] });
  const { results } = await searchSessions(sessions, { query: "one" });
  expect(results.map(({ messageId }) => messageId).sort()).toEqual([ids[0], ids[1]].sort());
});

test("compacting keeps the newest messages for the model, the others on disk", async () => {
  const { sessions, ids, events } = await talked();
  const { sessionId } = (await sessions.find(KEY))!;
  expect(await shortenSession(sessions, { key: "a" }, 4)).toEqual({
    ok: true,
    key: KEY,
    compacted: false,
    kept: 4,
  });
  events.length = 0;
  expect(await shortenSession(sessions, { key: "a" }, 1)).toEqual({
    ok: true,
    key: KEY,
    compacted: true,
    kept: 1,
  });
  expect(events).toMatchObject([{ payload: { reason: "compact", compacted: true } }]);
  expect(await sessions.recent(KEY, 10)).toMatchObject([{ id: ids[3], seq: 1 }]);
  expect(await sessions.append(KEY, [user("three")])).toMatchObject([{ seq: 2 }]);
  expect((await sessions.repository.find(KEY))!.entry).toMatchObject({ sessionId, compactionCount: 1 });
  const { results } = await searchSessions(sessions, { query: "two" });
  expect(results.map(({ messageId }) => messageId).sort()).toEqual([ids[2], ids[3]].sort());
});

test("compacting says when there is nothing to compact, or no summary to be had", async () => {
  const { sessions } = await talked();
  expect(await shortenSession(sessions, { key: "ghost" }, 1)).toEqual({
    ok: true,
    key: "agent:main:ghost",
    compacted: false,
    reason: "no sessionId",
  });
  expect((await said(sessions)).length).toBe(4);
});
