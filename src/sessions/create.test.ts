import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SessionsCreateParams } from "../../generated/types.ts";
import { createSession } from "./create.ts";
import { patchSession } from "./patch.ts";
import { ADMIN, refusal, testSessions } from "./testing.ts";

const WRITER = { scopes: new Set(["operator.write"]), deviceId: "device-w" };

test("makes a session under the main one, and tells of it", async () => {
  const { sessions, events, clock } = testSessions();
  const { session, replayed } = await createSession(sessions, { key: "new", label: " New " }, ADMIN);
  expect(replayed).toBe(false);
  expect(session).toMatchObject({
    key: "agent:main:new",
    entry: {
      label: "New",
      createdVia: "operator",
      createdAt: clock.now(),
      spawnDepth: 0,
      delivery: { kind: "none" },
      sessionRoot: "/nowhere/workspace",
      parentSessionKey: "agent:main:main",
      modelOverrideSource: "default",
    },
  });
  expect(await sessions.repository.find("agent:main:new")).toEqual(session);
  expect(events).toMatchObject([{ event: "sessions.changed", payload: { reason: "create", label: "New" } }]);
});

test("gives a session without a key one of its own", async () => {
  const { sessions } = testSessions();
  const first = await createSession(sessions, {}, ADMIN);
  const second = await createSession(sessions, { key: "  " }, ADMIN);
  for (const { session } of [first, second]) expect(session.key).toMatch(/^agent:main:dashboard:[0-9a-f-]{36}$/);
  expect(first.session.key).not.toBe(second.session.key);
});

test("adopts a session that is there: settings change, its origin stays", async () => {
  const { sessions, clock } = testSessions();
  const { session: first } = await createSession(sessions, { key: "s", displayName: "Name" }, ADMIN);
  clock.advance(50);
  const { session } = await createSession(sessions, { key: "s", label: "Label", displayName: "Other" }, ADMIN);
  expect(session.entry).toMatchObject({
    sessionId: first.entry.sessionId,
    createdAt: first.entry.createdAt,
    updatedAt: clock.now(),
    label: "Label",
    displayName: "Name",
  });
});

test("the main session has no parent", async () => {
  const { sessions } = testSessions();
  const { session } = await createSession(sessions, { key: "main" }, ADMIN);
  expect(session.entry).not.toHaveProperty("parentSessionKey");
});

test.each<[SessionsCreateParams, string]>([
  [{ key: "agent:x" }, 'malformed session key "agent:x"'],
  [{ key: "agent:ghost:x" }, 'Unknown agent id "ghost"'],
  [{ key: "x", agentId: "ghost" }, 'Unknown agent id "ghost"'],
  [{ parentSessionKey: "nope" }, "unknown parent session: nope"],
  [{ spawnDepth: 1 }, "spawnDepth requires parentSessionKey"],
  [{ fork: true }, "fork requires parentSessionKey"],
  [{ parentSessionKey: "main", forkFrom: "last-completed" }, "forkFrom requires fork=true"],
  [{ succeedsParent: true }, "succeedsParent requires parentSessionKey"],
  [{ worktreeName: "a" }, "sessions.create worktreeBaseRef/worktreeName require worktree=true"],
  [{ cwd: "relative" }, "sessions.create cwd must be absolute"],
  [{ cwd: "/nowhere/at/all" }, "sessions.create cwd is unavailable: ENOENT"],
  [{ key: "x", catalogId: "c" }, "sessions.create catalogId cannot include key"],
  [{ projectId: "p" }, "unknown project id: p"],
  [{ model: "nope/none" }, 'Unknown provider "nope". Use /models to list providers.'],
  [{ thinkingLevel: "high" }, 'thinkingLevel "high" is not supported for mock/mock-1 (use off)'],
  [{ incognito: true }, "incognito sessions are not available on this gateway"],
  [{ worktree: true }, "managed worktrees are not available on this gateway"],
  [{ idempotencyKey: "k" }, "idempotent session creation requires an authenticated principal or device identity"],
])("%j is refused: %s", async (params, message) => {
  const { sessions } = testSessions();
  const nobody = { scopes: ADMIN.scopes };
  expect((await refusal(() => createSession(sessions, params, nobody))).message).toBe(message);
  expect(await sessions.stats("main", 1)).toMatchObject({ count: 0 });
});

test("a label that is taken is refused", async () => {
  const { sessions } = testSessions();
  await createSession(sessions, { key: "a", label: "L" }, ADMIN);
  expect((await refusal(() => createSession(sessions, { key: "b", label: "L" }, ADMIN))).message).toBe(
    "label already in use: L",
  );
});

describe("a repeated request", () => {
  test("gets the session that the first one made, even when both come at once", async () => {
    const { sessions, events } = testSessions();
    const request = { idempotencyKey: "k", label: "Once" };
    const [first, second] = await Promise.all([
      createSession(sessions, request, ADMIN),
      createSession(sessions, request, ADMIN),
    ]);
    const third = await createSession(sessions, { label: "Once", idempotencyKey: "k" }, ADMIN);
    expect([first, second, third].map(({ session }) => session.key)).toEqual(Array(3).fill(first.session.key));
    expect([first, second, third].map(({ replayed }) => replayed)).toEqual([false, true, true]);
    expect(events).toHaveLength(1);
  });

  test("is another one with other params or from somebody else", async () => {
    const { sessions } = testSessions();
    const { session } = await createSession(sessions, { idempotencyKey: "k", label: "A" }, ADMIN);
    const other = () => createSession(sessions, { idempotencyKey: "k", label: "B" }, ADMIN);
    expect((await refusal(other)).message).toBe(
      "session creation idempotency key was reused with different parameters",
    );
    const theirs = await createSession(sessions, { idempotencyKey: "k" }, WRITER);
    expect(theirs.session.key).not.toBe(session.key);
  });

  test("is forgotten after a while", async () => {
    const { sessions, clock } = testSessions();
    const { session } = await createSession(sessions, { idempotencyKey: "k" }, ADMIN);
    clock.advance(24 * 3_600_000);
    const again = await createSession(sessions, { idempotencyKey: "k" }, ADMIN);
    expect(again.session.key).not.toBe(session.key);
  });
});

describe("a fork", () => {
  test("has what was said in its source, and goes on by itself", async () => {
    const { sessions } = testSessions();
    await createSession(sessions, { key: "source" }, ADMIN);
    await patchSession(sessions, { key: "source", model: "mock/think-1" });
    const said = await sessions.append("agent:main:source", [
      { role: "user", content: "question", timestamp: 1, idempotencyKey: "q" },
      { role: "assistant", content: "answer", timestamp: 2, stopReason: "stop" },
      { role: "user", content: "unanswered", timestamp: 3 },
    ]);
    const fork = { parentSessionKey: "source", fork: true };
    const { session } = await createSession(sessions, { key: "all", ...fork }, ADMIN);
    expect(await sessions.recent("agent:main:all", 9)).toEqual(said);
    expect(session.entry).toMatchObject({ forkedFromParent: true, modelOverride: "think-1", totalTokensFresh: false });
    expect(session.entry.forkSource?.sessionKey).toBe("agent:main:source");
    await createSession(sessions, { key: "part", ...fork, forkFrom: "last-completed" }, ADMIN);
    expect((await sessions.recent("agent:main:part", 9)).map(({ content }) => content)).toEqual(["question", "answer"]);
    await sessions.append("agent:main:part", [{ role: "user", content: "more", timestamp: 4, idempotencyKey: "q2" }]);
    expect(await sessions.recent("agent:main:part", 1)).toMatchObject([{ content: "more", seq: 3 }]);
    expect(await sessions.recent("agent:main:source", 9)).toEqual(said);
  });
});

describe("a working directory", () => {
  test("outside the workspace is for administrators, and links do not get around that", async () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), "chela-cwd-")));
    const workspace = join(root, "workspace");
    mkdirSync(join(workspace, "inside"), { recursive: true });
    mkdirSync(join(root, "workspace-other"));
    symlinkSync(root, join(workspace, "link"));
    try {
      const { sessions } = testSessions({ config: { agents: { defaults: { workspace } } } });
      const inside = await createSession(sessions, { key: "i", cwd: join(workspace, "inside") }, WRITER);
      expect(inside.session.entry).toMatchObject({ sessionRoot: join(workspace, "inside") });
      for (const cwd of [root, join(root, "workspace-other"), join(workspace, ".."), join(workspace, "link")]) {
        const attempt = await refusal(() => createSession(sessions, { key: "o", cwd }, WRITER));
        expect(attempt.message).toBe("missing scope: operator.admin");
      }
      const outside = await createSession(sessions, { key: "o", cwd: root }, ADMIN);
      expect(outside.session.entry).toMatchObject({ sessionRoot: root, spawnedCwd: root });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
