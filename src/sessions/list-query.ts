import type { Database } from "bun:sqlite";
import type { StoredSession } from "./entry.ts";
import { fromRow, SESSION_COLUMNS, type SessionDbRow } from "./session-columns.ts";

/** Which sessions a list shows. Absent conditions do not restrict. */
export interface ListFilter {
  agentIds?: readonly string[];
  includeGlobal?: boolean;
  includeUnknown?: boolean;
  archived?: boolean;
  pinned?: boolean;
  label?: string;
  spawnedBy?: string;
  boardFace?: string;
  /** Only sessions that have a dashboard, or only those that have none. */
  hasBoard?: boolean;
  /** Without the sessions of agents that other agents started. */
  withoutSubagents?: boolean;
  /** Only sessions that somebody has talked in. */
  talkedIn?: boolean;
  /** Not older than this by the time that the order goes by, epoch milliseconds. */
  since?: number;
  /** Text that the session's names must contain, in any case. */
  search?: string;
  /** Agents whose default model contains the search text: their sessions without a model of their own match, too. */
  searchAgentIds?: readonly string[];
  /** Only sessions whose last run has not reported its end. */
  running?: boolean;
  route?: { channel?: string; to?: string; accountId?: string };
}

/** `updatedAt` shows pinned sessions first, the others do not; `recent` goes by the same time. */
export type ListOrder = "updatedAt" | "recent" | "lastInteractionAt" | "activity";

const ORDERS: Readonly<Record<ListOrder, { by: string; since: string }>> = {
  updatedAt: { by: "pinned DESC, updated_at DESC, key", since: "updated_at" },
  recent: { by: "updated_at DESC, key", since: "updated_at" },
  lastInteractionAt: { by: "last_interaction_at DESC NULLS LAST, key", since: "last_interaction_at" },
  activity: { by: "activity_at DESC, key", since: "activity_at" },
};

/** Which part of a list is asked for. */
export interface ListPage {
  order: ListOrder;
  limit: number;
  offset: number;
}

type Value = string | number;

/** A page of the sessions that match, and how many match in all. */
export function listSessionRows(
  db: Database,
  filter: ListFilter,
  { order, limit, offset }: ListPage,
): { sessions: StoredSession[]; total: number } {
  const { sql, values } = where(filter, order);
  const count = db.query<{ n: number }, Value[]>(`SELECT count(*) AS n FROM sessions WHERE ${sql}`);
  const total = count.get(...values)!.n;
  if (offset >= total) return { sessions: [], total };
  const { by } = ORDERS[order];
  const part = `FROM sessions WHERE ${sql} ORDER BY ${by} LIMIT ? OFFSET ?`;
  // Where no index has the order, places alone are sorted; only the rows of the page are read whole.
  const page = db.query<SessionDbRow, Value[]>(
    order === "updatedAt"
      ? `SELECT ${SESSION_COLUMNS} ${part}`
      : `SELECT ${SESSION_COLUMNS} FROM sessions JOIN (SELECT rowid AS place ${part}) ON sessions.rowid = place ORDER BY ${by}`,
  );
  return { sessions: page.all(...values, limit, offset).map(fromRow), total };
}

/** The condition in SQL with its values. Every value is bound, none is written into the text. */
export function where(filter: ListFilter, order: ListOrder): { sql: string; values: Value[] } {
  const terms: string[] = [];
  const values: Value[] = [];
  const add = (sql: string, ...bound: Value[]) => {
    terms.push(sql);
    values.push(...bound);
  };
  const { agentIds, route = {} } = filter;
  if (agentIds?.length === 1) add("agent_id = ?", agentIds[0]!);
  else if (agentIds) add(`agent_id IN (${marks(agentIds)})`, ...agentIds);
  // The plus keeps SQLite from the index over all sessions where one names the few that can match.
  const isNarrow = filter.label !== undefined || filter.spawnedBy !== undefined || route.channel !== undefined;
  if (filter.archived !== undefined) add(`${isNarrow ? "+" : ""}archived = ?`, Number(filter.archived));
  if (filter.pinned !== undefined) add("pinned = ?", Number(filter.pinned));
  if (!filter.includeGlobal) add("key <> 'global'");
  if (!filter.includeUnknown) add("key <> 'unknown'");
  if (filter.label !== undefined) add("label = ?", filter.label);
  if (filter.spawnedBy !== undefined) add("spawned_by = ?", filter.spawnedBy);
  if (filter.boardFace !== undefined) add("entry ->> 'boardFace' = ?", filter.boardFace);
  if (filter.hasBoard !== undefined) {
    const boards = "SELECT 1 FROM boards WHERE session_key = sessions.key";
    add(`${filter.hasBoard ? "" : "NOT "}EXISTS (${boards})`);
  }
  if (filter.withoutSubagents) add("key NOT LIKE 'agent:%:subagent:%'");
  if (filter.talkedIn) add("last_interaction_at IS NOT NULL");
  if (filter.since !== undefined) add(`${ORDERS[order].since} >= ?`, filter.since);
  if (filter.running) add("entry ->> 'status' IN ('running', 'queued')");
  if (route.channel !== undefined) add("route_channel = ?", route.channel);
  if (route.to !== undefined) add("route_to = ?", route.to);
  if (route.accountId !== undefined) add("route_account = ?", route.accountId);
  if (filter.search) addSearch(filter.search.toLowerCase(), filter.searchAgentIds ?? [], add);
  return { sql: terms.length > 0 ? terms.join(" AND ") : "TRUE", values };
}

function addSearch(text: string, agentIds: readonly string[], add: (sql: string, ...bound: Value[]) => void): void {
  if (agentIds.length === 0) add("instr(search, ?) > 0", text);
  else {
    const inherits = `(entry ->> 'modelOverride' IS NULL AND agent_id IN (${marks(agentIds)}))`;
    add(`(instr(search, ?) > 0 OR ${inherits})`, text, ...agentIds);
  }
}

const marks = (values: readonly unknown[]): string => values.map(() => "?").join(", ");
