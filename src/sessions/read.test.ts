import { describe, expect, test } from "bun:test";
import type { SessionsGetParams, SessionsHistoryParams, SessionsPreviewParams } from "../../generated/types.ts";
import { typeProblem } from "../protocol/contract.ts";
import { createSession } from "./create.ts";
import { describeSession, getMessages, previewSessions, sessionHistory, sessionStatus } from "./read.ts";
import { ADMIN, refusal, testSessions } from "./testing.ts";

async function talked() {
  const made = testSessions();
  await made.sessions.append("agent:main:s", [
    { role: "user", content: "first  line\nsecond", timestamp: 1, idempotencyKey: "k:user" },
    { role: "assistant", content: [{ type: "toolCall", id: "c", name: "read", arguments: {} }], timestamp: 2 },
    { role: "toolResult", content: [{ type: "text", text: "file" }], timestamp: 3 },
    { role: "assistant", content: [{ type: "text", text: "x [[reply_to_current]] y" }], timestamp: 4 },
    { role: "assistant", content: "NO_REPLY", timestamp: 5 },
  ]);
  return made;
}

test("a description is the row, null for a session that is not there", async () => {
  const { sessions } = testSessions();
  await createSession(sessions, { key: "s", label: "L" }, ADMIN);
  const { session } = await describeSession(sessions, { key: "S", includeDerivedTitles: true }, ADMIN);
  expect(typeProblem("SessionsDescribeResult", JSON.parse(JSON.stringify({ session })))).toBeNull();
  expect(session).toMatchObject({ key: "agent:main:s", derivedTitle: "L", sharingRole: "admin" });
  expect(session).not.toHaveProperty("hasActiveRun");
  expect(await describeSession(sessions, { key: "nope" }, ADMIN)).toEqual({ session: null });
  expect((await refusal(() => describeSession(sessions, { key: "s", agentId: "ghost" }, ADMIN))).message).toBe(
    'Unknown agent id "ghost"',
  );
});

describe("sessions.get", () => {
  test.each<[SessionsGetParams, (number | undefined)[]]>([
    [{ key: "s" }, [1, 2, 3, 4, 5]],
    [{ sessionKey: " S " }, [1, 2, 3, 4, 5]],
    [{ key: "s", limit: 2 }, [4, 5]],
    [{ key: "s", limit: 0 }, [5]],
    [{ key: "s", limit: "many" }, [1, 2, 3, 4, 5]],
    [{ key: 5 }, []],
    [{ key: "nope" }, []],
  ])("%j gives the messages %j as they are stored", async (params, seqs) => {
    const { sessions } = await talked();
    const { messages } = await getMessages(sessions, params);
    expect(messages.map(({ __openclaw }) => __openclaw.seq)).toEqual(seqs as number[]);
  });

  test.each<SessionsGetParams>([{}, { key: "" }, { key: "  " }, { sessionId: "s" }])(
    "%j is refused",
    async (params) => {
      const { sessions } = testSessions();
      expect((await refusal(() => getMessages(sessions, params))).message).toBe("key required");
    },
  );
});

describe("a preview", () => {
  const preview = async (params: SessionsPreviewParams) => {
    const { sessions } = await talked();
    return (await previewSessions(sessions, params)).previews;
  };
  const items = [
    { role: "user", text: "first line second" },
    { role: "assistant", text: "x y" },
  ];

  test("has what was said, not what was done", async () => {
    expect(await preview({ keys: ["s", "nope", "  "] })).toEqual([
      { key: "s", status: "ok", items },
      { key: "nope", status: "missing", items: [] },
    ] as never);
  });

  test("has as many messages and characters as asked for, and no more keys than the bound", async () => {
    const [newest] = await preview({ keys: ["s"], limit: 1, maxChars: 20 });
    expect(newest!.items).toEqual(items.slice(1) as never);
    const { sessions } = testSessions();
    await sessions.append("agent:main:s", [{ role: "user", content: "y".repeat(2000), timestamp: 1 }]);
    const { previews } = await previewSessions(sessions, { keys: Array(100).fill("s"), maxChars: 10_000 });
    expect(previews).toHaveLength(64);
    expect(previews[0]!.items[0]!.text).toHaveLength(800);
  });

  test("of a malformed key is refused", async () => {
    expect((await refusal(() => preview({ keys: ["s", "agent:x"] }))).message).toBe('malformed session key "agent:x"');
  });
});

describe("sessions.history", () => {
  test("finds the session by any of its names and leads further back", async () => {
    const { sessions } = await talked();
    const { sessionId } = (await sessions.find("agent:main:s"))!;
    const expected = { sessionKey: "agent:main:s", sessionId, totalMessages: 5, hasMore: true, nextOffset: 2 };
    for (const name of [{ key: "s" }, { sessionKey: "main:s", key: "s" }, { sessionKey: "S" }, { sessionId }]) {
      const answer = await sessionHistory(sessions, { ...name, limit: 2 } as SessionsHistoryParams);
      expect(typeProblem("SessionsHistoryResult", JSON.parse(JSON.stringify(answer)))).toBeNull();
      expect(answer).toMatchObject(expected);
      expect(answer.messages.map(({ __openclaw }) => __openclaw.seq)).toEqual([4, 5]);
    }
    const last = await sessionHistory(sessions, { key: "s", limit: 2, offset: 4 });
    expect(last).toMatchObject({ hasMore: false, messages: [{ __openclaw: { seq: 1 } }] });
    expect(last).not.toHaveProperty("nextOffset");
    expect(await sessionHistory(sessions, { key: "nope" })).toEqual({
      sessionKey: "agent:main:nope",
      messages: [],
      hasMore: false,
      totalMessages: 0,
    });
  });

  test("needs a name", async () => {
    const { sessions } = testSessions();
    expect((await refusal(() => sessionHistory(sessions, {}))).message).toBe("key required");
    expect((await refusal(() => sessionHistory(sessions, { sessionId: "x" }))).message).toBe("No session found: x");
  });
});

test("session.status says what a session is at, and what one that is not there would use", async () => {
  const { sessions } = await talked();
  sessions.useRuns({ activeRunIds: () => ["r"], pendingInputs: () => [] });
  const status = await sessionStatus(sessions, { key: "s" }, ADMIN);
  expect(typeProblem("SessionStatusResult", JSON.parse(JSON.stringify(status)))).toBeNull();
  expect(status).toMatchObject({
    sessionKey: "agent:main:s",
    exists: true,
    session: { hasActiveRun: true, activeRunIds: ["r"], derivedTitle: "first line second" },
    resolved: { modelProvider: "mock", model: "mock-1" },
  });
  expect(await sessionStatus(sessions, { sessionKey: "nope" }, ADMIN)).toMatchObject({
    sessionKey: "agent:main:nope",
    exists: false,
    session: null,
    resolved: { model: "mock-1" },
  });
});
