import type { Store } from "../../store/store.ts";
import type { RunOutcome } from "../runs/types.ts";

/** A run that a program asked for, as it is stored. Times in epoch milliseconds. */
export interface TaskRecord {
  /** Its place in the order of acceptance. */
  position: number;
  /** The time that the order of its list goes by. */
  at: number;
  runId: string;
  sessionKey: string;
  acceptedAt: number;
  startedAt: number | null;
  outcome: RunOutcome | null;
  /** The beginning of what was asked; null for runs of earlier releases. */
  prompt: string | null;
}

/** What became of a task, by what is stored of it. */
export type TaskState = "queued" | "running" | "completed" | "failed" | "cancelled" | "timed_out";

export interface TaskQuery {
  states?: readonly TaskState[];
  /** Canonical. */
  sessionKey?: string;
  agentId?: string;
  /** The newest first by this; unless told, by when they were accepted. */
  order?: TaskOrder;
  /** Only tasks behind the one at this place in that order. */
  below?: TaskPlace;
  limit: number;
}

/** `endedAt` shows tasks that have not ended last. */
export type TaskOrder = "accepted" | "updatedAt" | "endedAt";

/** A place in an order: the time that the order goes by, and the position between equals. */
export interface TaskPlace {
  at: number;
  position: number;
}

const ORDERS: Readonly<Record<TaskOrder, string>> = {
  accepted: "0",
  updatedAt: "coalesce(ended_at, started_at, accepted_at)",
  endedAt: "coalesce(ended_at, 0)",
};

/** The state of a row. An interrupted run has failed: nobody stopped it, and it has no answer. */
const STATE = `CASE
  WHEN ended_at IS NULL THEN CASE WHEN started_at IS NULL THEN 'queued' ELSE 'running' END
  ELSE CASE json_extract(outcome, '$.status')
    WHEN 'ok' THEN 'completed' WHEN 'aborted' THEN 'cancelled' WHEN 'timeout' THEN 'timed_out' ELSE 'failed' END
  END`;
const COLUMNS = "rowid AS position, run_id, session_key, accepted_at, started_at, outcome, prompt";

interface Row {
  position: number;
  at?: number;
  run_id: string;
  session_key: string;
  accepted_at: number;
  started_at: number | null;
  outcome: string | null;
  prompt: string | null;
}

/** Reads tasks out of the records of runs: those of the `agent` method are tasks, those of a chat are not. */
export class TaskRepository {
  constructor(private readonly store: Store) {}

  find(runId: string): Promise<TaskRecord | null> {
    return this.store.read((db) => {
      const row = db.query<Row, [string]>(`SELECT ${COLUMNS} FROM runs WHERE kind = 'agent' AND run_id = ?`).get(runId);
      return row && fromRow(row);
    });
  }

  /** Newest first. */
  list({ states, sessionKey, agentId, order = "accepted", below, limit }: TaskQuery): Promise<TaskRecord[]> {
    const where = ["kind = 'agent'"];
    const values: (string | number)[] = [];
    if (states) {
      where.push(`${STATE} IN (${states.map(() => "?").join(", ")})`);
      values.push(...states);
    }
    if (sessionKey !== undefined) where.push("session_key = ?") && values.push(sessionKey);
    if (agentId !== undefined) where.push("session_key GLOB ?") && values.push(`agent:${agentId}:*`);
    const by = ORDERS[order];
    if (below !== undefined) where.push(`(${by}, rowid) < (?, ?)`) && values.push(below.at, below.position);
    const sql = `SELECT ${COLUMNS}, ${by} AS at FROM runs WHERE ${where.join(" AND ")} ORDER BY at DESC, rowid DESC LIMIT ?`;
    return this.store.read((db) =>
      db
        .query<Row, (string | number)[]>(sql)
        .all(...values, limit)
        .map(fromRow),
    );
  }
}

const fromRow = (row: Row): TaskRecord => ({
  position: row.position,
  at: row.at ?? 0,
  runId: row.run_id,
  sessionKey: row.session_key,
  acceptedAt: row.accepted_at,
  startedAt: row.started_at,
  outcome: row.outcome === null ? null : (JSON.parse(row.outcome) as RunOutcome),
  prompt: row.prompt,
});
