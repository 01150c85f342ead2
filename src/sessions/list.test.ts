import { beforeAll, describe, expect, test } from "bun:test";
import type { SessionsListRequest } from "../../generated/types.ts";
import { EventBus } from "../platform/bus.ts";
import { typeProblem } from "../protocol/contract.ts";
import { createSession } from "./create.ts";
import { injectMessage } from "./inject.ts";
import { listSessions } from "./list.ts";
import { patchSession } from "./patch.ts";
import type { Sessions } from "./sessions.ts";
import { ADMIN, type TestSessions, testSessions } from "./testing.ts";

let made: TestSessions;
let sessions: Sessions;

/** Sets the route that a channel would set with an incoming message. */
const route = (key: string, deliveryContext: { channel: string; to: string; accountId?: string }) =>
  sessions.repository.update(key, (session) => ({ ...session!, entry: { ...session!.entry, deliveryContext } }));

beforeAll(async () => {
  made = testSessions({ config: { agents: { entries: { main: { default: true }, ops: {} } } } });
  sessions = made.sessions;
  const { clock } = made;
  const create = async (params: Parameters<typeof createSession>[1]) => {
    clock.advance(1000);
    return (await createSession(sessions, params, ADMIN)).session.key;
  };
  await create({ key: "alpha", label: "Alpha One", category: "work" });
  await create({ key: "beta", displayName: "Beta's place" });
  await create({ key: "child", parentSessionKey: "alpha" });
  await create({ key: "thinker", model: "mock/think-1" });
  await create({ key: "agent:ops:watch" });
  await create({ key: "telegram:group:-100" });
  await create({ key: "old" });
  clock.advance(1000);
  await patchSession(sessions, { key: "global", label: "Everybody" });
  await patchSession(sessions, { key: "unknown" });
  await patchSession(sessions, { key: "agent:ghost:stray" });
  await patchSession(sessions, { key: "alpha", pinned: true, boardFace: "chat" });
  const old = await sessions.find("agent:main:old");
  await patchSession(sessions, { key: "old", archived: true, expectedSessionId: old!.sessionId });
  clock.advance(3_600_000);
  await sessions.ensure("agent:main:beta", { createdVia: "operator", actor: "cli" });
  await sessions.append("agent:main:beta", [
    { role: "user", content: "What  is\nthe weather?", timestamp: 1 },
    { role: "assistant", content: [{ type: "text", text: "Rain." }], timestamp: 2 },
  ]);
  await route("agent:main:telegram:group:-100", { channel: "telegram", to: "-100", accountId: "bot1" });
  await route("agent:main:thinker", { channel: "telegram", to: "7", accountId: "bot2" });
});

const keys = async (params: SessionsListRequest) =>
  (await listSessions(sessions, params, ADMIN)).sessions.map(({ key }) => key.replace("agent:main:", ""));

/** Pinned first, then by the last change; nobody's sessions and archived ones only when asked for. */
const ALL = ["alpha", "beta", "agent:ghost:stray", "telegram:group:-100", "agent:ops:watch", "thinker", "child"];

test("lists pinned sessions first, then the most recently changed", async () => {
  expect(await keys({})).toEqual(ALL);
});

describe("a page", () => {
  test("has a hundred rows unless told, and says where the next begins", async () => {
    const first = await listSessions(sessions, { limit: 3 }, ADMIN);
    expect(first).toMatchObject({ count: 3, totalCount: 7, limitApplied: 3, nextOffset: 3, hasMore: true });
    expect(first).not.toHaveProperty("offset");
    const last = await listSessions(sessions, { limit: 3, offset: 6 }, ADMIN);
    expect(last).toMatchObject({ count: 1, totalCount: 7, offset: 6, nextOffset: null, hasMore: false });
    const beyond = await listSessions(sessions, { offset: 70 }, ADMIN);
    expect(beyond).toMatchObject({ count: 0, totalCount: 7, limitApplied: 100, nextOffset: null, hasMore: false });
  });

  test("follows the one before without gap or overlap", async () => {
    const pages = [];
    for (let offset = 0; offset < 7; offset += 2) pages.push(...(await keys({ limit: 2, offset })));
    expect(pages).toEqual(ALL);
  });

  test("never has more rows than the bound, whatever is asked for", async () => {
    expect((await listSessions(sessions, { limit: 1_000_000 }, ADMIN)).limitApplied).toBe(10_000);
  });

  test("keeps the promise of its type", async () => {
    const everything = { includePeople: true, includeDerivedTitles: true, includeLastMessage: true, archived: "all" };
    const answer = await listSessions(sessions, everything as SessionsListRequest, ADMIN);
    expect(typeProblem("SessionsListResult", JSON.parse(JSON.stringify(answer)))).toBeNull();
    expect(answer).toMatchObject({ people: [], peopleIncomplete: false, peopleSessionCount: answer.totalCount });
  });
});

test.each<[SessionsListRequest, string[]]>([
  [{ includeGlobal: true, limit: 3 }, ["alpha", "beta", "agent:ghost:stray"]],
  [{ includeGlobal: true, search: "everybody" }, ["global"]],
  [{ search: "everybody" }, []],
  [{ includeUnknown: true, search: "unknown" }, ["unknown"]],
  [{ agentId: "OPS" }, ["agent:ops:watch"]],
  [{ agentId: "nobody" }, []],
  [{ configuredAgentsOnly: true, search: "agent:" }, ALL.filter((key) => !key.includes("ghost"))],
  [{ activeMinutes: 30 }, ["beta"]],
  [{ activeMinutes: 600 }, ALL],
  [{ requireLastInteraction: true }, ["beta"]],
  [{ label: " Alpha One " }, ["alpha"]],
  [{ label: "alpha one" }, []],
  [{ boardFace: "chat" }, ["alpha"]],
  [{ boardFace: "dashboard" }, []],
  [{ pinned: true }, ["alpha"]],
  [{ pinned: false, limit: 1 }, ["beta"]],
  [{ spawnedBy: "agent:main:alpha" }, ["child"]],
  [{ spawnedBy: "alpha" }, []],
  [{ archived: true }, ["old"]],
  [{ archived: "all", search: "old" }, ["old"]],
  [{ archived: false, search: "old" }, []],
  [{ search: "ALPHA" }, ["alpha"]],
  [{ search: "work" }, ["alpha"]],
  [{ search: "beta's" }, ["beta"]],
  [{ search: "think-1" }, ["thinker"]],
  [{ search: "mock-1" }, ALL.filter((key) => key !== "thinker" && !key.includes("ghost"))],
  [{ search: "weather" }, []],
  [{ search: "  " }, ALL],
  [{ search: "100%_" }, []],
  [{ creatorId: "x" }, []],
  [{ ownerId: "x" }, []],
  [{ involvingProfileId: "x" }, []],
  [{ projectId: "x" }, []],
  [{ involvingMe: true, ownerFirst: true }, ALL],
  [{ channel: "Telegram" }, ["telegram:group:-100", "thinker"]],
  [{ channel: "telegram", to: "7" }, ["thinker"]],
  [{ to: "-100", accountId: "bot1" }, ["telegram:group:-100"]],
  [{ channel: "telegram", to: "7", accountId: "bot1" }, []],
])("%j shows %j", async (params, expected) => {
  expect(await keys(params)).toEqual(expected);
});

test("goes by the last interaction or activity when asked to, without regard for pins", async () => {
  const talked = (await listSessions(sessions, { sortBy: "lastInteractionAt" }, ADMIN)).sessions.map(({ key }) => key);
  expect(talked[0]).toBe("agent:main:beta");
  expect(talked.slice(1)).toEqual([...talked.slice(1)].sort());
  const active = await keys({ sortBy: "activity" });
  expect(active[0]).toBe("beta");
  expect(active.indexOf("alpha")).toBeGreaterThan(0);
});

test("shows only sessions at work when asked to", async () => {
  await sessions.recordRun("agent:main:beta", { status: "running" });
  await sessions.recordRun("agent:main:child", { status: "running" });
  expect(await keys({ activeOnly: true })).toEqual([]);
  const { runs } = sessions;
  sessions.useRuns({ activeRunIds: (key) => (key.endsWith("beta") ? ["r1"] : []), pendingInputs: () => [] });
  const { sessions: rows, totalCount } = await listSessions(sessions, { activeOnly: true }, ADMIN);
  sessions.useRuns(runs);
  expect(rows).toMatchObject([{ key: "agent:main:beta", hasActiveRun: true, activeRunIds: ["r1"] }]);
  expect(totalCount).toBe(1);
});

test("derives titles and shows the last message only on request", async () => {
  const [plain] = (await listSessions(sessions, { search: "beta" }, ADMIN)).sessions;
  expect(plain).not.toHaveProperty("derivedTitle");
  expect(plain).not.toHaveProperty("lastMessagePreview");
  const params = { search: "beta", includeDerivedTitles: true, includeLastMessage: true };
  expect((await listSessions(sessions, params, ADMIN)).sessions).toMatchObject([
    { derivedTitle: "Beta's place", lastMessagePreview: "Rain." },
  ]);
});

test("titles a session without a name by what was said first, on one line", async () => {
  const { sessions } = testSessions();
  const first = `How  do\nI ${"x".repeat(80)}`;
  await sessions.append("agent:main:t", [
    { role: "user", content: "/status", timestamp: 1 },
    { role: "user", content: first, timestamp: 1 },
    { role: "assistant", content: "y ".repeat(400), timestamp: 2 },
  ]);
  const params = { includeDerivedTitles: true, includeLastMessage: true };
  const [row] = (await listSessions(sessions, params, ADMIN)).sessions;
  expect(row!.derivedTitle).toBe(`${`How do I ${"x".repeat(80)}`.slice(0, 57)}...`);
  expect(row!.lastMessagePreview).toHaveLength(240);
  expect(row!.lastMessagePreview).toEndWith("...");
});

test("names the children of a session and what the viewer may do", async () => {
  const reader = { scopes: new Set(["operator.read"]) };
  const [row] = (await listSessions(sessions, { label: "Alpha One" }, reader)).sessions;
  expect(row).toMatchObject({ childSessions: ["agent:main:child"], sharingRole: "owner", pinned: true, unread: false });
});

test("is unread when somebody talked in it since it was made or last read", async () => {
  const { sessions, clock } = testSessions();
  await createSession(sessions, { key: "s" }, ADMIN);
  const unread = async () => (await listSessions(sessions, {}, ADMIN)).sessions[0]!.unread;
  expect(await unread()).toBe(false);
  clock.advance(10);
  await injectMessage(sessions, new EventBus(), { sessionKey: "s", message: "note" });
  expect(await unread()).toBe(false);
  await sessions.ensure("agent:main:s", { createdVia: "operator", actor: "cli" });
  expect(await unread()).toBe(true);
  clock.advance(10);
  await patchSession(sessions, { key: "s", unread: false });
  expect(await unread()).toBe(false);
  await patchSession(sessions, { key: "s", unread: true });
  expect(await unread()).toBe(true);
});
