import type { Database } from "bun:sqlite";
import { beforeAll, expect, test } from "bun:test";
import type { Store } from "../store/store.ts";
import { usageTimeseries } from "../usage/session-detail.ts";
import { UsageReports } from "../usage/usage-reports.ts";
import { UsageRepository } from "../usage/usage-repository.ts";
import { listBranches, rewindSession } from "./branches.ts";
import { cleanUpSessions } from "./cleanup.ts";
import { shortenSession } from "./compact.ts";
import { createSession } from "./create.ts";
import { deleteGroup, putGroups, renameGroup } from "./groups.ts";
import { chatHistory } from "./history.ts";
import { deleteSession, resetSession } from "./lifecycle.ts";
import { listSessions } from "./list.ts";
import { getMessage } from "./message.ts";
import { patchSession } from "./patch.ts";
import { describeSession, getMessages, previewSessions } from "./read.ts";
import { resolveSession } from "./resolve.ts";
import { searchTranscripts } from "./search.ts";
import type { Sessions } from "./sessions.ts";
import { refusal, testSessions } from "./testing.ts";

/**
 * Ten thousand sessions with a million messages must not be read from end to end for one answer. What SQLite would do
 * is asked of SQLite, for every statement that these calls make.
 */
const VIEWER = { scopes: new Set(["operator.admin"]) };

let sessions: Sessions;
let store: Store;
let db: Database;

beforeAll(async () => {
  const made = testSessions();
  sessions = made.sessions;
  store = made.store;
  db = store.db;
  for (const key of ["a", "b", "c"]) await createSession(sessions, { key, label: `Label ${key}` }, VIEWER);
  await sessions.append("agent:main:a", [{ role: "user", content: "hi", timestamp: 1, idempotencyKey: "k" }]);
});

function reports(): UsageReports {
  const repository = new UsageRepository(store);
  return new UsageReports({ repository, sessions, models: sessions.models, clock: sessions.clock });
}

/** The plans of all statements that the work makes. */
async function plansOf(work: () => Promise<unknown>): Promise<string[]> {
  const statements = new Set<string>();
  const query = db.query.bind(db);
  db.query = ((sql: string) => {
    statements.add(sql);
    return query(sql);
  }) as typeof db.query;
  try {
    await work();
  } finally {
    db.query = query;
  }
  expect(statements.size).toBeGreaterThan(0);
  return [...statements].flatMap((sql) => {
    const explain = db.prepare<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql}`);
    const plan = explain.all().map(({ detail }) => `${detail}   <- ${sql}`);
    explain.finalize();
    return plan;
  });
}

const CALLS: Record<string, () => Promise<unknown>> = {
  list: () => listSessions(sessions, {}, VIEWER),
  "list a page": () => listSessions(sessions, { limit: 1, offset: 1 }, VIEWER),
  "list of an agent": () => listSessions(sessions, { agentId: "main", includeDerivedTitles: true }, VIEWER),
  "list with last messages": () => listSessions(sessions, { includeLastMessage: true }, VIEWER),
  "list by label": () => listSessions(sessions, { label: "Label a" }, VIEWER),
  "list by parent": () => listSessions(sessions, { spawnedBy: "agent:main:main" }, VIEWER),
  "list by route": () => listSessions(sessions, { channel: "telegram", to: "1" }, VIEWER),
  "list by search": () => listSessions(sessions, { search: "label" }, VIEWER),
  "list archived ones, too": () => listSessions(sessions, { archived: "all" }, VIEWER),
  describe: () => describeSession(sessions, { key: "a", includeLastMessage: true }, VIEWER),
  get: () => getMessages(sessions, { key: "a" }),
  preview: () => previewSessions(sessions, { keys: ["a", "b"] }),
  "resolve by key": () => resolveSession(sessions, { key: "a" }),
  "resolve by label": () => resolveSession(sessions, { label: "Label a" }),
  "resolve by short id": () => resolveSession(sessions, { shortId: "deadbeef", allowMissing: true }),
  "resolve by session id": () => resolveSession(sessions, { sessionId: "x", allowMissing: true }),
  patch: () => patchSession(sessions, { key: "a", label: "Label a" }),
  history: () => chatHistory(sessions, { sessionKey: "a" }, VIEWER),
  "history of a message": () => chatHistory(sessions, { sessionKey: "a", messageId: "x" }, VIEWER),
  append: () => sessions.append("agent:main:a", [{ role: "user", content: "x", timestamp: 1, idempotencyKey: "k" }]),
  recent: () => sessions.recent("agent:main:a", 10),
  search: () => searchTranscripts(sessions, { query: "hi" }),
  "search of an agent": () => searchTranscripts(sessions, { query: "hi", agentId: "main" }),
  "search in sessions": () => searchTranscripts(sessions, { query: "hi", sessionKeys: ["a"] }),
  "message by id": () => getMessage(sessions, { sessionKey: "a", messageId: "x" }),
  "usage of days": () => reports().cost({}),
  "usage of sessions": () => reports().sessions({}),
  "usage of a session": () => reports().sessions({ key: "a" }),
  "curve of a session": () => usageTimeseries(sessions, { key: "a" }),
  branches: () => listBranches(sessions, { sessionKey: "a" }),
  rewind: () => refusal(() => rewindSession(sessions, { sessionKey: "a", entryId: "x" })),
  compact: () => shortenSession(sessions, { key: "a" }, 1),
  cleanup: () => cleanUpSessions(sessions, undefined, {}),
  "group put": () => putGroups(sessions, { names: ["g", "h"] }),
  "group rename": () => renameGroup(sessions, { name: "g", to: "i" }),
  "group delete": () => deleteGroup(sessions, { name: "i" }),
  stats: () => sessions.stats("main", 5),
  reset: () => resetSession(sessions, { key: "b" }),
  delete: () => deleteSession(sessions, { key: "c" }),
};

test.each(Object.keys(CALLS))("%s reads no messages but its own", async (name) => {
  const plans = await plansOf(CALLS[name]!);
  expect(plans.filter((plan) => /SCAN (messages|transcripts|usage_\w+)/.test(plan))).toEqual([]);
});

/** These have to look at every name, or at sessions in an order that few ask for. */
const MAY_SCAN = new Set(["list by search", "list archived ones, too"]);

test.each(Object.keys(CALLS).filter((name) => !MAY_SCAN.has(name)))(
  "%s finds its sessions by an index",
  async (name) => {
    const plans = await plansOf(CALLS[name]!);
    expect(plans.filter((plan) => /SCAN sessions(?! USING)/.test(plan))).toEqual([]);
  },
);

test("a page of the list comes sorted from an index", async () => {
  const plans = await plansOf(() => listSessions(sessions, { limit: 1 }, VIEWER));
  const page = plans.filter((plan) => plan.includes("ORDER BY pinned"));
  expect(page.length).toBeGreaterThan(0);
  expect(page.filter((plan) => plan.startsWith("USE TEMP B-TREE"))).toEqual([]);
  expect(page.some((plan) => plan.includes("USING INDEX sessions_listed"))).toBe(true);
});

test.each([
  ["list by label", "sessions_by_label"],
  ["resolve by label", "sessions_by_label"],
  ["list by parent", "sessions_by_parent"],
  ["list by route", "sessions_by_route"],
  ["resolve by short id", "sessions_by_uuid"],
  ["resolve by session id", "sessions_by_id"],
])("%s goes by %s", async (name, index) => {
  const plans = await plansOf(CALLS[name]!);
  expect(plans.some((plan) => plan.includes(`USING INDEX ${index}`))).toBe(true);
  expect(plans.filter((plan) => plan.includes("sessions_listed"))).toEqual([]);
});
