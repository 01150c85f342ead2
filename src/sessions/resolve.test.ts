import { beforeAll, describe, expect, test } from "bun:test";
import type { SessionsResolveParams } from "../../generated/types.ts";
import { createSession } from "./create.ts";
import { patchSession } from "./patch.ts";
import { resolveSession } from "./resolve.ts";
import type { Sessions } from "./sessions.ts";
import { ADMIN, refusal, type TestSessions, testSessions } from "./testing.ts";

const A = "4454a2ea-f89f-4c99-bb22-dd8d61716b37";
const B = "4454a2ea-0000-4000-8000-000000000000";

let made: TestSessions;
let sessions: Sessions;

/** A session as a message over a channel leaves it. */
const arrive = (key: string, channel: string, to: string, accountId: string) =>
  sessions.repository.update(key, (known) => {
    const session = known ?? sessions.blank(key, sessions.clock.now(), "channel");
    const deliveryContext = { channel, to, accountId };
    return { ...session, entry: { ...session.entry, updatedAt: sessions.clock.now(), deliveryContext } };
  });

beforeAll(async () => {
  made = testSessions({ config: { agents: { entries: { main: { default: true }, ops: {} } } } });
  sessions = made.sessions;
  await createSession(sessions, { key: "one", label: "Shared" }, ADMIN);
  await createSession(sessions, { key: "two", label: "Own", parentSessionKey: "one" }, ADMIN);
  await createSession(sessions, { key: "agent:ops:one", label: "Shared" }, ADMIN);
  await createSession(sessions, { key: `dashboard:${A}`, displayName: "Plan A" }, ADMIN);
  await createSession(sessions, { key: `dashboard:${B}`, displayName: "Plan B" }, ADMIN);
  await patchSession(sessions, { key: "global", label: "Everybody" });
  const { session } = await createSession(sessions, { key: "old", label: "Old" }, ADMIN);
  await patchSession(sessions, { key: "old", archived: true, expectedSessionId: session.entry.sessionId });
});

/** The key, or what else the answer says. */
async function resolve(params: SessionsResolveParams): Promise<unknown> {
  const answer = await resolveSession(sessions, params);
  return answer.ok ? answer.key : answer;
}

test.each<[SessionsResolveParams, string]>([
  [{ key: "one" }, "agent:main:one"],
  [{ key: " Agent:OPS:One " }, "agent:ops:one"],
  [{ key: "one", agentId: "ops" }, "agent:ops:one"],
  [{ key: "old" }, "agent:main:old"],
  [{ key: "global" }, "global"],
  [{ key: "two", spawnedBy: "agent:main:one" }, "agent:main:two"],
  [{ label: " Own " }, "agent:main:two"],
  [{ label: "Shared", agentId: "ops" }, "agent:ops:one"],
  [{ label: "Own", spawnedBy: "agent:main:one" }, "agent:main:two"],
  [{ label: "Everybody", includeGlobal: true }, "global"],
  [{ shortId: "4454a2eaf89f" }, `agent:main:dashboard:${A}`],
  [{ shortId: "4454A2EAF89F4C99" }, `agent:main:dashboard:${A}`],
  [{ shortId: "4454a2ea", slugHint: "plan-b" }, `agent:main:dashboard:${B}`],
  [{ reference: { key: "one", slug: "whatever" } }, "agent:main:one"],
  [{ reference: { key: "gone", slug: "plan-a" } }, `agent:main:dashboard:${A}`],
])("%j is %s", async (params, key) => {
  expect(await resolve(params)).toBe(key);
});

test.each<[SessionsResolveParams, string]>([
  [{}, "Either key, sessionId, label, shortId, or reference is required"],
  [{ agentId: "main", spawnedBy: "x" }, "Either key, sessionId, label, shortId, or reference is required"],
  [{ key: "  " }, "Either key, sessionId, label, shortId, or reference is required"],
  [{ key: "one", label: "Own" }, "Provide either key, sessionId, label, shortId, or reference (not multiple)"],
  [{ key: "one", slugHint: "x" }, "slugHint requires shortId"],
  [{ key: "nope" }, "No session found: nope"],
  [{ key: "two", spawnedBy: "agent:main:other" }, "No session found: two"],
  [{ key: "agent:x" }, 'malformed session key "agent:x"'],
  [{ key: "x", agentId: "ghost" }, 'Unknown agent id "ghost"'],
  [{ key: "agent:ops:one", agentId: "main" }, 'agent "main" does not match session key agent "ops"'],
  [{ sessionId: "nope" }, "No session found: nope"],
  [{ label: "own" }, "No session found with label: own"],
  [{ label: "Old" }, "No session found with label: Old"],
  [{ label: "Everybody" }, "No session found with label: Everybody"],
  [{ label: "Own", agentId: "ghost" }, "No session found with label: Own"],
  [{ label: "Shared" }, "Multiple sessions found with label: Shared (agent:main:one, agent:ops:one)"],
  [{ shortId: "nope" }, "shortId must be 8-32 hexadecimal characters"],
  [{ shortId: A }, "shortId must be 8-32 hexadecimal characters"],
  [{ shortId: "deadbeef" }, "No session found: deadbeef"],
  [{ reference: { key: "gone", slug: "x" } }, "No session found: gone"],
  [{ reference: { key: "global" } }, "No session found: global"],
])("%j is refused: %s", async (params, message) => {
  expect((await refusal(() => resolve(params))).message).toBe(message);
});

test("what is missing may be missing, what is wrong is still refused", async () => {
  for (const params of [{ key: "nope" }, { sessionId: "nope" }, { label: "nope" }, { shortId: "deadbeef" }]) {
    expect(await resolve({ ...params, allowMissing: true })).toEqual({ ok: false });
  }
  await refusal(() => resolve({ key: "agent:x", allowMissing: true }));
});

test("an ambiguous short id gives its candidates", async () => {
  expect(await resolve({ shortId: "4454a2ea" })).toEqual({
    ok: false,
    candidates: [
      { key: `agent:main:dashboard:${B}`, agentId: "main", displayName: "Plan B" },
      { key: `agent:main:dashboard:${A}`, agentId: "main", displayName: "Plan A" },
    ],
  });
});

test("a session id is resolved, also after a reset", async () => {
  const { sessionId } = (await sessions.find("agent:main:two"))!;
  expect(await resolve({ sessionId })).toBe("agent:main:two");
  expect((await refusal(() => resolve({ sessionId, agentId: "ops" }))).message).toStartWith("No session found");
  await sessions.startOver("agent:main:two", "reset");
  expect(await resolve({ sessionId })).toBe("agent:main:two");
});

describe("a route", () => {
  beforeAll(async () => {
    const { clock } = made;
    clock.advance(1000);
    await arrive("agent:main:telegram:direct:7", "telegram", "7", "bot1");
    await arrive("agent:main:telegram:b", "telegram", "8", "bot1");
    await arrive("agent:main:telegram:a", "telegram", "8", "bot2");
    clock.advance(1000);
    await arrive("agent:ops:telegram:direct:7", "telegram", "7", "bot2");
    await arrive("agent:main:slack:direct:7", "slack", "7", "bot1");
  });

  test.each<[SessionsResolveParams, string]>([
    [{ channel: "telegram", to: "7", accountId: "bot1" }, "agent:main:telegram:direct:7"],
    [{ channel: "Telegram", to: "7", accountId: "bot2" }, "agent:ops:telegram:direct:7"],
    [{ channel: "slack", to: "7" }, "agent:main:slack:direct:7"],
    [{ channel: "telegram", to: "7", agentId: "main" }, "agent:main:telegram:direct:7"],
  ])("%j means %s", async (params, key) => {
    expect(await resolve(params)).toBe(key);
  });

  test("known in part means the session that used it last, by key among equals", async () => {
    expect(await resolve({ channel: "telegram", to: "7" })).toBe("agent:ops:telegram:direct:7");
    expect(await resolve({ channel: "telegram", to: "8" })).toBe("agent:main:telegram:a");
  });

  test("gives way to a key beside it, and narrows a label or a session id", async () => {
    const route = { channel: "telegram", to: "7", accountId: "bot1" };
    expect(await resolve({ key: "one", ...route })).toBe("agent:main:one");
    await patchSession(sessions, { key: "telegram:direct:7", label: "Peer" });
    await patchSession(sessions, { key: "agent:ops:telegram:direct:7", label: "Peer" });
    expect(await resolve({ label: "Peer", ...route })).toBe("agent:main:telegram:direct:7");
    const { sessionId } = (await sessions.find("agent:main:telegram:direct:7"))!;
    expect(await resolve({ sessionId, ...route })).toBe("agent:main:telegram:direct:7");
    await refusal(() => resolve({ sessionId, ...route, accountId: "bot2" }));
  });
});
