import { describe, expect, test } from "bun:test";
import type { SessionsPatchParams } from "../../generated/types.ts";
import { typeProblem } from "../protocol/contract.ts";
import { createSession } from "./create.ts";
import type { SessionEntry } from "./entry.ts";
import { patchSession } from "./patch.ts";
import { ADMIN, refusal, testSessions } from "./testing.ts";

const KEY = "agent:main:p";
type Patch = Omit<SessionsPatchParams, "key">;
const CHANGED = { message: "Session p changed before patch. Retry.", details: { reason: "session-changed" } };

/** The record after these patches, one after the other. */
async function patched(...patches: Patch[]): Promise<SessionEntry> {
  const { sessions, clock } = testSessions();
  let entry: SessionEntry | undefined;
  for (const patch of [{}, ...patches]) {
    clock.advance(1000);
    ({ entry } = await patchSession(sessions, { key: "p", ...patch }));
  }
  return entry!;
}

test("makes a session that does not exist, and tells of it", async () => {
  const { sessions, events, clock } = testSessions();
  const answer = await patchSession(sessions, { key: "p", label: "First" });
  expect(typeProblem("SessionsPatchResult", JSON.parse(JSON.stringify(answer)))).toBeNull();
  expect(answer).toMatchObject({
    ok: true,
    key: KEY,
    entry: { label: "First", createdVia: "operator", createdAt: clock.now(), updatedAt: clock.now() },
    resolved: { modelProvider: "mock", model: "mock-1", agentRuntime: { id: "openclaw", source: "implicit" } },
  });
  expect(events.map(({ event, payload }) => [event, (payload as { reason: string }).reason])).toEqual([
    ["sessions.changed", "patch"],
  ]);
});

describe("a setting", () => {
  test.each<[Patch, Partial<SessionEntry>]>([
    [{ label: "  spaced  " }, { label: "spaced" }],
    [{ icon: "book" }, { icon: "book" }],
    [{ icon: "👨‍👩‍👧" }, { icon: "👨‍👩‍👧" }],
    [{ icon: "🇩🇪" }, { icon: "🇩🇪" }],
    [
      { icon: "<svg viewBox='0 0 1 1'><path d='M0 0'/></svg>" },
      { icon: "<svg viewBox='0 0 1 1'><path d='M0 0'/></svg>" },
    ],
    [{ icon: "data:image/svg+xml;base64,PHN2Zy8+" }, { icon: "data:image/svg+xml;base64,PHN2Zy8+" }],
    [{ color: "RED" }, { color: "red" }],
    [{ category: " c " }, { category: "c" }],
    [{ boardFace: "dashboard" }, { boardFace: "dashboard" }],
    [{ thinkingLevel: "OFF" }, { thinkingLevel: "off" }],
    [{ fastMode: "auto" }, { fastMode: "auto" }],
    [{ toolOverrides: { webSearch: false } }, { toolOverrides: { webSearch: false } }],
    [{ verboseLevel: "FULL" }, { verboseLevel: "full" }],
    [{ traceLevel: "raw" }, { traceLevel: "raw" }],
    [{ reasoningLevel: "stream" }, { reasoningLevel: "stream" }],
    [{ responseUsage: "on" }, { responseUsage: "tokens" }],
    [{ elevatedLevel: "ask" }, { elevatedLevel: "ask" }],
    [{ execHost: "auto" }, { execHost: "auto" }],
    [{ execNode: " n1 " }, { execNode: "n1" }],
    [{ permissionMode: "guarded" }, { permissionMode: "guarded" }],
    [{ sendPolicy: "deny" }, { sendPolicy: "deny" }],
    [{ groupActivation: "always" }, { groupActivation: "always" }],
  ])("%j is kept, and null clears it", async (patch, expected) => {
    const [name] = Object.keys(patch);
    expect(await patched(patch)).toMatchObject(expected);
    if (name !== "boardFace") expect(await patched(patch, { [name!]: null })).not.toHaveProperty(name!);
  });

  test.each<[Patch, string]>([
    [{ label: "  " }, "invalid label: empty"],
    [{ category: " " }, "invalid category: empty"],
    [{ color: "#f00" }, "color must be one of: red, blue, green, yellow, purple, orange, pink, cyan"],
    [{ verboseLevel: "loud" }, 'invalid verboseLevel (use "on"|"off"|"full")'],
    [{ traceLevel: "x" }, 'invalid traceLevel (use "on"|"off"|"raw")'],
    [{ reasoningLevel: "x" }, 'invalid reasoningLevel (use "on"|"off"|"stream")'],
    [{ elevatedLevel: "x" }, 'invalid elevatedLevel (use "on"|"off"|"ask"|"full")'],
    [{ execHost: "x" }, 'invalid execHost (use "auto"|"sandbox"|"gateway"|"node")'],
    [{ thinkingLevel: "low" }, 'thinkingLevel "low" is not supported for mock/mock-1 (use off)'],
    [{ thinkingLevel: "bogus" }, "invalid thinkingLevel (use off)"],
    [{ contextWindow: "big" }, 'contextWindow "big" is not supported for mock/mock-1'],
    [{ model: "  " }, "invalid model: empty"],
    [{ model: "nope/none" }, 'Unknown provider "nope". Use /models to list providers.'],
    [{ inheritedToolAllow: ["x"] }, "inheritedToolAllow is only supported for subagent:* or acp:* sessions"],
    [
      { inheritedToolPolicyVersion: 1 },
      "inheritedToolPolicyVersion is only supported for subagent:* or acp:* sessions",
    ],
    [
      { completionOwnerSessionKey: "agent:main:main" },
      "completionOwnerSessionKey is only supported for subagent:* or acp:* sessions",
    ],
    [{ attention: "flag" }, "statusNote required before setting attention or ttlMinutes"],
    [{ statusNote: " " }, "statusNote required before setting attention or ttlMinutes"],
    [{ statusNote: "x", attention: null }, "cannot clear and set agent status in the same patch"],
    [{ archived: true }, `expectedSessionId required for session lifecycle patch: ${KEY}`],
    [{ label: "x", expectedPermissionMode: null }, "expectedPermissionMode requires a permissionMode replacement."],
    [{ label: "x", expectedToolOverrides: null }, "expectedToolOverrides requires a toolOverrides replacement."],
    [{ unread: true, expectedMarkedUnreadAt: 1 }, "expectedMarkedUnreadAt requires unread=false as the only mutation."],
  ])("%j is refused", async (patch, message) => {
    expect((await refusal(() => patched(patch))).message).toBe(message);
  });

  test.each(["ab", "😀😀", "data:image/png;base64,xx", "x".repeat(20_000)])("the icon %j is refused", async (icon) => {
    expect((await refusal(() => patched({ icon }))).message).toStartWith("icon must be a single emoji, a named icon");
  });

  test.each([
    "<svg><script>x</script></svg>",
    "<svg onload=alert(1)></svg>",
    "<svg><a href='javascript:x'>y</a></svg>",
    "<svg><foreignObject/></svg>",
    "<svg><style>@import url(http://x)</style></svg>",
    "<svg><!ENTITY x></svg>",
    `data:image/svg+xml;base64,${Buffer.from("<svg><script/></svg>").toString("base64")}`,
    `data:image/svg+xml,${encodeURIComponent("<svg><image href='http://x'/></svg>")}`,
    "data:image/svg+xml,%E0%A4%A",
  ])("an icon that could run or fetch something is refused: %s", async (icon) => {
    expect((await refusal(() => patched({ icon }))).message).toStartWith("icon must be");
  });

  test.each(["execSecurity", "execAsk"] as const)("%s is retired, whatever its value", async (name) => {
    for (const value of ["x", null]) {
      expect((await refusal(() => patched({ [name]: value }))).message).toBe(
        "execSecurity/execAsk are retired; set permissionMode (read-only|guarded|workspace|full) instead, or use /exec for this run only.",
      );
    }
  });

  test("that is refused leaves everything else as it was", async () => {
    const { sessions, events } = testSessions();
    await patchSession(sessions, { key: "p", label: "kept" });
    await refusal(() => patchSession(sessions, { key: "p", label: "lost", color: "mauve" }));
    expect((await sessions.repository.find(KEY))?.entry.label).toBe("kept");
    expect(events).toHaveLength(1);
  });
});

describe("the model", () => {
  test("that a session chooses decides which thinking levels it may have", async () => {
    const { sessions } = testSessions();
    const { entry, resolved } = await patchSession(sessions, {
      key: "p",
      model: "mock/think-1",
      thinkingLevel: "high",
    });
    expect(entry).toMatchObject({
      providerOverride: "mock",
      modelOverride: "think-1",
      modelOverrideSource: "user",
      thinkingLevel: "high",
    });
    expect(resolved).toMatchObject({ modelProvider: "mock", model: "think-1", thinkingLevel: "high" });
    const back = await patchSession(sessions, { key: "p", model: null });
    expect(back.entry).toMatchObject({ modelOverrideSource: "default" });
    expect(back.entry).not.toHaveProperty("modelOverride");
    expect(back.entry).not.toHaveProperty("thinkingLevel");
    expect(back.resolved).toMatchObject({ model: "mock-1" });
  });
});

describe("a label", () => {
  test("belongs to one session of an agent", async () => {
    const { sessions } = testSessions();
    await patchSession(sessions, { key: "one", label: "Mine" });
    expect(await refusal(() => patchSession(sessions, { key: "two", label: "Mine" }))).toEqual({
      message: "label already in use: Mine",
    });
    await patchSession(sessions, { key: "one", label: "Mine", color: "red" });
    await patchSession(sessions, { key: "agent:other:two", label: "Mine" });
    await patchSession(sessions, { key: "one", label: null });
    await patchSession(sessions, { key: "two", label: "Mine" });
  });

  test("goes to one of two who want it at once", async () => {
    const { sessions } = testSessions();
    const both = await Promise.allSettled([
      patchSession(sessions, { key: "one", label: "Mine" }),
      patchSession(sessions, { key: "two", label: "Mine" }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });
});

describe("an expectation", () => {
  test("about the session must hold", async () => {
    const { sessions } = testSessions();
    const { entry } = await patchSession(sessions, { key: "p", permissionMode: "guarded" });
    const attempt = (patch: Patch) => refusal(() => patchSession(sessions, { key: "p", label: "x", ...patch }));
    expect(await attempt({ expectedSessionId: "other" })).toEqual(CHANGED);
    expect(await attempt({ expectedLifecycleRevision: "other" })).toEqual(CHANGED);
    expect(await attempt({ permissionMode: "full", expectedPermissionMode: "read-only" })).toEqual(CHANGED);
    expect(await attempt({ toolOverrides: {}, expectedToolOverrides: { webSearch: true } })).toEqual(CHANGED);
    const { sessionId, lifecycleRevision } = entry;
    const params = { expectedSessionId: sessionId, expectedLifecycleRevision: lifecycleRevision };
    await patchSession(sessions, { key: "p", label: "x", ...params });
  });

  test("about a session that does not exist never makes it", async () => {
    const { sessions } = testSessions();
    await refusal(() => patchSession(sessions, { key: "p", label: "x", expectedSessionId: "a" }));
    expect(await sessions.find(KEY)).toBeNull();
  });

  test("about the unread mark that does not hold changes nothing and tells nobody", async () => {
    const { sessions, events, clock } = testSessions();
    const { entry } = await patchSession(sessions, { key: "p", unread: true });
    clock.advance(5);
    const stale = await patchSession(sessions, { key: "p", unread: false, expectedMarkedUnreadAt: 1 });
    expect(stale.entry).toEqual(entry);
    expect(events).toHaveLength(1);
    const fits = { unread: false, expectedMarkedUnreadAt: entry.markedUnreadAt };
    expect((await patchSession(sessions, { key: "p", ...fits })).entry).not.toHaveProperty("markedUnreadAt");
  });
});

describe("archiving", () => {
  test("ends what is at work first, and can be taken back", async () => {
    const { sessions, clock } = testSessions();
    const { entry } = await patchSession(sessions, { key: "p" });
    const ended: string[] = [];
    sessions.useRuns({
      activeRunIds: () => [],
      pendingInputs: () => [],
      abortSession: async (key) => ended.push(key),
    });
    const expectedSessionId = entry.sessionId;
    const archived = await patchSession(sessions, { key: "p", archived: true, expectedSessionId });
    expect(archived.entry).toMatchObject({ archivedAt: clock.now(), archiveReason: "manual" });
    expect(ended).toEqual([KEY]);
    expect((await sessions.find(KEY))?.archived).toBe(true);
    const restored = await patchSession(sessions, { key: "p", archived: false, expectedSessionId });
    expect(restored.entry).not.toHaveProperty("archivedAt");
    expect(restored.entry).not.toHaveProperty("archiveReason");
  });

  test("spares the main session, and what is at work where it is refused", async () => {
    const { sessions } = testSessions();
    const { entry } = await patchSession(sessions, { key: "main" });
    const ended: string[] = [];
    sessions.useRuns({ activeRunIds: () => [], pendingInputs: () => [], abortSession: async (key) => ended.push(key) });
    const archive = { key: "main", archived: true, expectedSessionId: entry.sessionId };
    expect((await refusal(() => patchSession(sessions, archive))).message).toBe(
      "Cannot archive an agent's main session.",
    );
    await refusal(() => patchSession(sessions, { ...archive, expectedSessionId: "other" }));
    expect(ended).toEqual([]);
  });
});

test("only a session of its own can be pinned", async () => {
  const { sessions, clock } = testSessions();
  await createSession(sessions, { key: "parent" }, ADMIN);
  await createSession(sessions, { key: "child", parentSessionKey: "parent" }, ADMIN);
  expect((await patchSession(sessions, { key: "parent", pinned: true })).entry.pinnedAt).toBe(clock.now());
  expect((await refusal(() => patchSession(sessions, { key: "child", pinned: true }))).message).toBe(
    "cannot pin a child session; pin its parent session instead",
  );
  expect((await patchSession(sessions, { key: "parent", pinned: false })).entry).not.toHaveProperty("pinnedAt");
});

test("a status note stays for half an hour unless told, keeps its mark, and goes when cleared", async () => {
  const { sessions, clock } = testSessions();
  const status = async (patch: Patch) => (await patchSession(sessions, { key: "p", ...patch })).entry.agentStatus;
  expect(await status({ statusNote: " on  it ", attention: "flag" })).toEqual({
    note: "on it",
    attention: "flag",
    expiresAt: clock.now() + 30 * 60_000,
  });
  expect(await status({ statusNote: "still", ttlMinutes: 2 })).toEqual({
    note: "still",
    attention: "flag",
    expiresAt: clock.now() + 120_000,
  });
  clock.advance(120_000);
  expect((await refusal(() => patchSession(sessions, { key: "p", attention: "key" }))).message).toStartWith(
    "statusNote",
  );
  expect(await status({ statusNote: null })).toBeUndefined();
});

test("what steers a subagent is set once", async () => {
  const { sessions } = testSessions();
  const key = "subagent:s";
  const owner = { completionOwnerSessionKey: "agent:main:main" };
  const { entry } = await patchSession(sessions, {
    key,
    ...owner,
    inheritedToolAllow: ["read"],
    inheritedToolPolicyVersion: 1,
  });
  expect(entry).toMatchObject({ ...owner, inheritedToolAllow: ["read"], inheritedToolPolicyVersion: 1 });
  const other = { key, completionOwnerSessionKey: "agent:main:other" };
  expect((await refusal(() => patchSession(sessions, other))).message).toBe(
    "completionOwnerSessionKey cannot be changed once set",
  );
});
