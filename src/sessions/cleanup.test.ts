import { expect, test } from "bun:test";
import { cleanUpSessions, type Maintenance } from "./cleanup.ts";
import { createSession } from "./create.ts";
import { patchSession } from "./patch.ts";
import { ADMIN, refusal, testSessions } from "./testing.ts";

const DAY = 86_400_000;

/** Sessions that were last used so many days ago. */
async function aged(ages: Record<string, number>) {
  const made = testSessions();
  const { sessions, clock } = made;
  const oldest = Math.max(...Object.values(ages));
  let day = oldest;
  for (const [key, age] of Object.entries(ages).sort(([, a], [, b]) => b - a)) {
    clock.advance((day - age) * DAY);
    day = age;
    await createSession(sessions, { key: `agent:main:${key}` }, ADMIN);
    await sessions.append(`agent:main:${key}`, [{ role: "user", content: key, timestamp: 1 }]);
  }
  clock.advance(day * DAY);
  const state = async (key: string) => {
    const session = await sessions.repository.find(`agent:main:${key}`);
    return session ? (session.entry.archiveReason ?? "there") : "gone";
  };
  const clean = (settings: Maintenance = {}, params: object = {}) => cleanUpSessions(sessions, settings, params);
  return { ...made, state, clean };
}

test("old sessions are archived, those of scheduled runs deleted, and nothing happens to the others", async () => {
  const { clean, state } = await aged({
    old: 31,
    "cron:job": 31,
    main: 40,
    "telegram:group:5": 40,
    "telegram:direct:6": 40,
    "dashboard:0b0c0d0e-0000-4000-8000-000000000000": 8,
    young: 8,
  });
  expect(await clean()).toMatchObject({
    mode: "enforce",
    beforeCount: 7,
    afterCount: 6,
    archived: 2,
    pruned: 1,
    capArchived: 0,
    wouldMutate: true,
    applied: true,
  });
  expect(await state("old")).toBe("age-retention");
  expect(await state("cron:job")).toBe("gone");
  expect(await state("dashboard:0b0c0d0e-0000-4000-8000-000000000000")).toBe("stale-dashboard");
  for (const key of ["main", "telegram:group:5", "telegram:direct:6", "young"])
    expect([key, await state(key)]).toEqual([key, "there"]);
  expect(await clean()).toMatchObject({ archived: 0, pruned: 0, wouldMutate: false });
});

test("of too many the oldest are archived, but none that is pinned, at work or spared", async () => {
  const { clean, state, sessions } = await aged({ pinned: 6, busy: 5, active: 4, a: 3, b: 2, c: 1 });
  await patchSession(sessions, { key: "agent:main:pinned", pinned: true });
  sessions.useRuns({ activeRunIds: (key) => (key.endsWith(":busy") ? ["r"] : []), pendingInputs: () => [] });
  expect(await clean({ maxEntries: 4 }, { activeKey: "active" })).toMatchObject({ capArchived: 2, archived: 0 });
  expect(await Promise.all(["pinned", "busy", "active", "a", "b", "c"].map(state))).toEqual([
    "there",
    "there",
    "there",
    "entry-cap",
    "entry-cap",
    "there",
  ]);
});

test("recently used sessions may be kept from the cap", async () => {
  const { clean } = await aged({ a: 5, b: 2, c: 1 });
  expect(await clean({ maxEntries: 1, preserveRecent: "3d" })).toMatchObject({ capArchived: 1 });
});

test("with mode warn it only tells what it would do, unless it is to enforce", async () => {
  const { clean, state } = await aged({ old: 3 });
  const settings = { mode: "warn", pruneAfter: "2d" } as const;
  expect(await clean(settings)).toMatchObject({ mode: "warn", archived: 1, wouldMutate: true, applied: false });
  expect(await state("old")).toBe("there");
  expect(await clean(settings, { enforce: true })).toMatchObject({ mode: "enforce", archived: 1, applied: true });
  expect(await state("old")).toBe("age-retention");
});

test("agents must exist, and be one or all", async () => {
  const { clean } = await aged({ a: 1 });
  expect(await refusal(() => clean({}, { agent: "ghost" }))).toEqual({
    message: 'Unknown agent id "ghost". Run openclaw agents list to see configured agents.',
  });
  expect(await refusal(() => clean({}, { agent: "main", allAgents: true }))).toEqual({
    message: "--agent and --all-agents cannot be used together",
  });
});
