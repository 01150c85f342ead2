import { beforeEach, describe, expect, test } from "bun:test";
import type { ChatHistoryPage, ChatHistoryParams, ChatHistoryResult } from "../../generated/types.ts";
import { eventProblem, typeProblem } from "../protocol/contract.ts";
import { chatHistory } from "./history.ts";
import { decodeCursor, encodeCursor } from "./history-cursor.ts";
import { resetSession } from "./lifecycle.ts";
import type { Sessions } from "./sessions.ts";
import { ADMIN, refusal, type TestSessions, testSessions } from "./testing.ts";
import type { TranscriptMessage } from "./types.ts";

const KEY = "agent:main:h";
const say = (text: string, more: Partial<TranscriptMessage> = {}): TranscriptMessage => ({
  role: "user",
  content: text,
  timestamp: 1,
  ...more,
});
const answer = (text: string, more: Partial<TranscriptMessage> = {}): TranscriptMessage => ({
  role: "assistant",
  content: [{ type: "text", text }],
  timestamp: 2,
  ...more,
});

let made: TestSessions;
let sessions: Sessions;
beforeEach(() => {
  made = testSessions();
  sessions = made.sessions;
});

async function history(params: Partial<ChatHistoryParams> = {}): Promise<ChatHistoryResult> {
  const result = await chatHistory(sessions, { sessionKey: "h", ...params }, ADMIN);
  expect(typeProblem("ChatHistoryResult", JSON.parse(JSON.stringify(result)))).toBeNull();
  return result;
}
const page = async (params: Partial<ChatHistoryParams> = {}) => (await history(params)) as ChatHistoryPage;
const seqs = ({ messages }: ChatHistoryPage) => messages.map(({ __openclaw }) => __openclaw.seq);
const textsOf = ({ messages }: ChatHistoryPage) =>
  messages.map(({ content }) => (typeof content === "string" ? content : (content?.[0] as { text?: string })?.text));

const fill = (count: number) =>
  sessions.append(
    KEY,
    Array.from({ length: count }, (_, i) => say(`m${i + 1}`)),
  );

test("of a session that does not exist is empty and says what it would start with", async () => {
  const empty = await page({ sessionKey: "H" });
  expect(empty).toMatchObject({
    sessionKey: "H",
    messages: [],
    pendingInputs: { items: [], total: 0 },
    hasMore: false,
    totalMessages: 0,
    defaults: { modelProvider: "mock", model: "mock-1", modelSelectionTarget: "session" },
    sessionInfo: { key: KEY, updatedAt: null, hasActiveRun: false, activeLeafEntryId: null },
    thinkingLevel: "off",
  });
  expect(empty).not.toHaveProperty("sessionId");
  expect(empty).not.toHaveProperty("deltaCursor");
  expect(await sessions.find(KEY)).toBeNull();
});

describe("pages", () => {
  test("show the newest messages in order and lead further back without gap or overlap", async () => {
    const stored = await fill(7);
    const newest = await page({ limit: 3 });
    expect(newest).toMatchObject({ hasMore: true, nextOffset: 3, totalMessages: 7 });
    expect(newest).not.toHaveProperty("offset");
    expect(newest.sessionInfo.activeLeafEntryId).toBe(stored[6]!.id);
    expect(seqs(newest)).toEqual([5, 6, 7]);
    const before = await page({ limit: 3, offset: newest.nextOffset });
    expect(before).toMatchObject({ offset: 3, nextOffset: 6, hasMore: true });
    expect(before).not.toHaveProperty("deltaCursor");
    expect(before.sessionInfo).not.toHaveProperty("activeLeafEntryId");
    expect(seqs(before)).toEqual([2, 3, 4]);
    const first = await page({ limit: 3, offset: before.nextOffset });
    expect(first.hasMore).toBe(false);
    expect(first).not.toHaveProperty("nextOffset");
    expect(seqs(first)).toEqual([1]);
    expect(seqs(await page({ offset: 70 }))).toEqual([]);
  });

  test("have two hundred messages unless told", async () => {
    await fill(201);
    expect((await page()).messages).toHaveLength(200);
    expect((await page({ limit: 1000 })).messages).toHaveLength(201);
  });

  test("skip what nobody is meant to see and are full nonetheless", async () => {
    await sessions.append(KEY, [say("a"), answer("no_reply"), say("b"), answer(" NO_REPLY "), answer("c")]);
    const two = await page({ limit: 2 });
    expect(textsOf(two)).toEqual(["b", "c"]);
    expect(two).toMatchObject({ nextOffset: 3, totalMessages: 5 });
    expect(textsOf(await page({ limit: 2, offset: 3 }))).toEqual(["a"]);
  });

  test("stay below maxBytes, though one message always fits", async () => {
    await sessions.append(KEY, [say("x".repeat(600)), say("y".repeat(600)), say("z".repeat(3000))]);
    expect(seqs(await page({ maxBytes: 1024 }))).toEqual([3]);
    expect(await page({ maxBytes: 1024 })).toMatchObject({ nextOffset: 1, hasMore: true });
    expect(seqs(await page({ maxBytes: 1024, offset: 1 }))).toEqual([2]);
    expect(seqs(await page({ maxBytes: 100_000 }))).toEqual([1, 2, 3]);
  });
});

describe("a message", () => {
  test("shows its own facts and its place", async () => {
    const meta = { runId: "r1", senderIsOwner: true };
    const [stored] = await sessions.append(KEY, [say("hi", { idempotencyKey: "k:user", meta, extra: { note: 1 } })]);
    const [message] = (await page()).messages;
    expect(message).toEqual({
      role: "user",
      content: "hi",
      timestamp: 1,
      idempotencyKey: "k:user",
      note: 1,
      __openclaw: {
        ...meta,
        id: stored!.id,
        idempotencyKey: "k:user",
        recordTimestampMs: made.clock.now(),
        transcriptPosition: { source: expect.stringMatching(/^[\w-]{43}$/), rawSeq: 1 },
        seq: 1,
      },
    });
  });

  test("is cut to maxChars and says so, without breaking a character", async () => {
    await sessions.append(KEY, [say("0123456789"), say("abc😀def"), answer("short")]);
    const { messages } = await page({ maxChars: 4 });
    expect(messages.map(({ content }) => content)).toEqual([
      "0123\n...(truncated)...",
      "abc\n...(truncated)...",
      [{ type: "text", text: "shor\n...(truncated)..." }],
    ]);
    expect(messages[0]!.__openclaw).toMatchObject({ truncated: true, reason: "display-cap" });
    expect((await page({ maxChars: 10 })).messages[0]!.__openclaw).not.toHaveProperty("truncated");
  });

  test("without maxChars is cut to eight thousand characters", async () => {
    await sessions.append(KEY, [say("x".repeat(8000)), say("x".repeat(8001))]);
    expect(textsOf(await page()).map((text) => text!.length)).toEqual([8000, 8000 + 18]);
  });

  test("that is too large leaves a placeholder; a picture is named, not sent", async () => {
    await sessions.append(KEY, [
      say("x".repeat(200_000)),
      say("", { content: [{ type: "image", data: "A".repeat(500_000), mimeType: "image/png" }] }),
    ]);
    const { messages } = await page({ maxChars: 500_000 });
    expect(messages[0]).toMatchObject({
      content: [{ type: "text", text: "[chat.history omitted: message too large]" }],
      __openclaw: { truncated: true, reason: "oversized", seq: 1 },
    });
    expect(messages[1]!.content).toEqual([{ type: "image", mimeType: "image/png", omitted: true, bytes: 500_000 }]);
  });

  test("of the assistant loses the directives for channels, a person's keeps its words", async () => {
    const text = "x [[reply_to_current]] y [[reply_to:abc]] z [[audio_as_voice]]";
    await sessions.append(KEY, [say(text), answer(text)]);
    expect(textsOf(await page())).toEqual([text, "x y z "]);
  });
});

describe("around a message", () => {
  test("stand its neighbours, half before and half after, without numbers of pages", async () => {
    const stored = await fill(9);
    const messageId = stored[4]!.id;
    for (const [limit, expected] of [
      [1, [5]],
      [2, [5, 6]],
      [3, [4, 5, 6]],
      [6, [3, 4, 5, 6, 7, 8]],
      [1000, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ] as const) {
      const found = await page({ messageId, limit });
      expect(seqs(found)).toEqual([...expected]);
      for (const name of ["hasMore", "totalMessages", "offset", "deltaCursor"]) expect(found).not.toHaveProperty(name);
    }
  });

  test("is nothing for one that is not there, or of another session", async () => {
    await fill(1);
    const [other] = await sessions.append("agent:main:other", [say("theirs")]);
    expect(seqs(await page({ messageId: "nope" }))).toEqual([]);
    expect(seqs(await page({ messageId: other!.id }))).toEqual([]);
    const { sessionId } = (await sessions.find("agent:main:other"))!;
    expect(seqs(await page({ messageId: other!.id, sessionId }))).toEqual([]);
  });

  test("of a transcript that a reset ended is still found", async () => {
    const [stored] = await fill(2);
    await resetSession(sessions, { key: "h" });
    await fill(3);
    expect(seqs(await page({ messageId: stored!.id }))).toEqual([1, 2]);
  });
});

test.each<[Partial<ChatHistoryParams>, string]>([
  [{ cursor: "x", offset: 0 }, "cursor cannot be used with offset or messageId"],
  [{ cursor: "x", messageId: "m" }, "cursor cannot be used with offset or messageId"],
  [{ offset: 1, messageId: "m" }, "offset and messageId cannot be used together"],
  [{ sessionId: "s" }, "sessionId requires messageId"],
  [{ sessionKey: "agent:x" }, 'malformed session key "agent:x"'],
])("%j is refused", async (params, message) => {
  expect((await refusal(() => history(params))).message).toBe(message);
});

describe("a cursor", () => {
  test("brings what came since as events would have told it, and a cursor for the next time", async () => {
    await fill(3);
    const { deltaCursor: cursor } = await page({ limit: 1 });
    expect(await history({ cursor })).toMatchObject({ kind: "delta", messages: [], deltaCursor: cursor });
    await sessions.append(KEY, [say("four"), answer("five", { meta: { runId: "r" } })]);
    const delta = (await history({ cursor })) as Extract<ChatHistoryResult, { kind: "delta" }>;
    expect(delta.messages).toMatchObject([
      { sessionKey: KEY, messageSeq: 4, message: { content: "four" }, session: { key: KEY, label: null } },
      { sessionKey: KEY, messageSeq: 5, runId: "r" },
    ]);
    expect(delta.sessionInfo).toMatchObject({ key: KEY, activeLeafEntryId: expect.any(String) });
    const live = made.events.filter(({ event }) => event === "session.message");
    expect(live.slice(-1).every(({ event, payload }) => eventProblem(event, wire(payload)) === null)).toBe(true);
    expect(await history({ cursor: delta.deltaCursor })).toMatchObject({ kind: "delta", messages: [] });
  });

  test("starts over when it is garbage, of another session, ahead, older than a reset or too far behind", async () => {
    await fill(2);
    await sessions.append("agent:main:other", [say("x")]);
    const { sessionId } = (await sessions.find(KEY))!;
    const { deltaCursor: foreign } = await page({ sessionKey: "other" });
    const { deltaCursor: cursor } = await page();
    const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const bad of [
      "",
      "garbage",
      foreign!,
      encodeCursor({ ...decodeCursor(cursor!)!, lastSeq: 3 }),
      forged(null),
      forged([1]),
      forged({ sessionId, lastSeq: 1, version: 1 }),
      forged({ sessionId, transcript: 1, lastSeq: -1, version: 1 }),
      forged({ sessionId, transcript: 1, lastSeq: "1", version: 1 }),
      forged({ sessionId, transcript: 1, lastSeq: 1.5, version: 1 }),
      forged({ sessionId, transcript: 1, lastSeq: 1, version: 2 }),
    ]) {
      expect(await history({ cursor: bad })).toEqual({ kind: "reset" });
    }
    await fill(200);
    expect(await history({ cursor })).toMatchObject({ kind: "delta" });
    await fill(1);
    expect(await history({ cursor })).toEqual({ kind: "reset" });
    const { deltaCursor: last } = await page();
    await resetSession(sessions, { key: "h" });
    await fill(210);
    expect(await history({ cursor: last })).toEqual({ kind: "reset" });
  });

  test("never brings more than a megabyte", async () => {
    await fill(1);
    const { deltaCursor: cursor } = await page();
    await sessions.append(KEY, [say("x".repeat(1_100_000))]);
    expect(await history({ cursor })).toEqual({ kind: "reset" });
  });
});

describe("what is under way", () => {
  const inputs = Array.from({ length: 25 }, (_, i) => ({
    id: `i${i + 1}`,
    acceptedAt: i,
    state: "queued" as const,
    runId: `r${i + 1}`,
    message: say(`waiting ${i + 1}`, { meta: { senderIsOwner: true } }),
  }));

  test("stands beside the page: messages that wait, the run at work, the answer so far", async () => {
    await fill(1);
    sessions.useRuns({
      activeRunIds: () => ["r0"],
      pendingInputs: () => inputs,
      inFlight: () => ({ runId: "r0", text: "half an ans", startedAt: 5, events: [] }),
    });
    const { pendingInputs, sessionInfo, inFlightRun, inputReceipts } = await page({ inputRunIds: ["r3", "gone"] });
    expect(pendingInputs).toMatchObject({ total: 25, nextBefore: 6 });
    expect(pendingInputs.items).toHaveLength(20);
    expect(pendingInputs.items[0]).toEqual({
      id: "i6",
      acceptedAt: 5,
      state: "queued",
      runId: "r6",
      message: {
        role: "user",
        content: "waiting 6",
        timestamp: 1,
        __openclaw: { senderIsOwner: true, id: "pending:i6" },
      },
    });
    const older = (await page({ pendingBefore: 6 })).pendingInputs;
    expect(older.items.map(({ id }) => id)).toEqual(["i1", "i2", "i3", "i4", "i5"]);
    expect(older).not.toHaveProperty("nextBefore");
    expect(sessionInfo).toMatchObject({ hasActiveRun: true, activeRunIds: ["r0"] });
    expect(inFlightRun).toEqual({ runId: "r0", text: "half an ans", startedAt: 5, events: [] });
    expect(inputReceipts).toEqual([{ runId: "r3", state: "pending" }]);
  });
});

const wire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("a transcript of enormous messages is read in parts, one message at least", async () => {
  const picture = { type: "image" as const, data: "A".repeat(9_000_000), mimeType: "image/png" };
  for (let i = 0; i < 4; i++) await sessions.append(KEY, [say("", { content: [picture] })]);
  const { sessionId } = (await sessions.find(KEY))!;
  expect((await sessions.transcripts.range(sessionId, 1, 4)).map(({ seq }) => seq)).toEqual([4]);
  expect(seqs(await page())).toEqual([1, 2, 3, 4]);
});
