import type { Database, SQLQueryBindings } from "bun:sqlite";
import type { CronRunsParams } from "../../generated/types.ts";
import type { Store } from "../store/store.ts";
import type { RunEntry } from "./job.ts";

/** What is written down before a run begins. */
export interface RunStart {
  runId: string;
  jobId: string;
  /** Whose job it is. */
  agentId: string;
  /** Epoch milliseconds. */
  startedAt: number;
}

export interface RunEnd extends RunStart {
  entry: RunEntry;
}

/** Which runs `cron.runs` shows. */
export interface RunQuery extends Omit<CronRunsParams, "id" | "scope" | "limit" | "offset"> {
  /** Jobs whose name fits `query`; their runs fit, too. */
  namedJobs?: readonly string[];
  limit: number;
  offset: number;
}

/** The history of runs in the database. */
export class RunRepository {
  constructor(private readonly store: Store) {}

  /** One page of finished runs, newest first unless told, and how many there are in all. */
  page(query: RunQuery): Promise<{ entries: RunEntry[]; total: number }> {
    const { where, values } = conditions(query);
    const order = query.sortDir === "asc" ? "ASC" : "DESC";
    return this.store.read((db) => {
      const { total } = db.query(`SELECT COUNT(*) AS total FROM cron_runs WHERE ${where}`).get(...values) as {
        total: number;
      };
      const found = db
        .query(`SELECT data FROM cron_runs WHERE ${where} ORDER BY ended_at ${order}, seq ${order} LIMIT ? OFFSET ?`)
        .all(...values, query.limit, query.offset) as { data: string }[];
      return { entries: found.map(({ data }) => JSON.parse(data) as RunEntry), total };
    });
  }

  /** Runs that have begun and not ended, oldest first. */
  unfinished(): Promise<RunStart[]> {
    return this.store.read(
      (db) =>
        db
          .query(
            `SELECT run_id AS runId, job_id AS jobId, agent_id AS agentId, started_at AS startedAt
               FROM cron_runs WHERE ended_at IS NULL ORDER BY seq`,
          )
          .all() as RunStart[],
    );
  }

  /** Writes down at once a run that never began, such as a missed one. */
  record(run: RunEnd, perJob: number): Promise<void> {
    return this.store.write((db) => {
      if (beginRun(db, run)) endRun(db, run, perJob);
    });
  }

  /** Completes a run that has ended, for instance by what became of its alert. */
  amend(runId: string, change: (entry: RunEntry) => RunEntry): Promise<void> {
    return this.store.write((db) => {
      const row = db.query("SELECT data FROM cron_runs WHERE run_id = ? AND ended_at IS NOT NULL").get(runId);
      if (row === null) return;
      const entry = change(JSON.parse((row as { data: string }).data) as RunEntry);
      db.query("UPDATE cron_runs SET data = ? WHERE run_id = ?").run(JSON.stringify(entry), runId);
    });
  }

  /** Forgets runs that ended before a moment. */
  prune(before: number): Promise<void> {
    return this.store.write((db) => {
      db.query("DELETE FROM cron_runs WHERE ended_at < ?").run(before);
    });
  }
}

/** Writes down a run before it begins. False when there is one of that id. */
export function beginRun(db: Database, { runId, jobId, agentId, startedAt }: RunStart): boolean {
  const insert = `INSERT INTO cron_runs (run_id, job_id, agent_id, started_at, data) VALUES (?, ?, ?, ?, '{}')
                    ON CONFLICT (run_id) DO NOTHING`;
  return db.query(insert).run(runId, jobId, agentId, startedAt).changes > 0;
}

/** Ends a run; of its job no more than the newest are kept. */
export function endRun(db: Database, { runId, jobId, entry }: RunEnd, perJob: number): void {
  const { ts, status = null, deliveryStatus = null } = entry;
  db.query("UPDATE cron_runs SET ended_at = ?, status = ?, delivery_status = ?, data = ? WHERE run_id = ?").run(
    ts,
    status,
    deliveryStatus,
    JSON.stringify(entry),
    runId,
  );
  db.query(
    `DELETE FROM cron_runs WHERE seq IN (
       SELECT seq FROM cron_runs WHERE job_id = ? AND ended_at IS NOT NULL
        ORDER BY ended_at DESC, seq DESC LIMIT -1 OFFSET ?)`,
  ).run(jobId, perJob);
}

function conditions(query: RunQuery): { where: string; values: SQLQueryBindings[] } {
  const parts = ["ended_at IS NOT NULL"];
  const values: SQLQueryBindings[] = [];
  const oneOf = (column: string, wanted: readonly string[]) => {
    parts.push(`${column} IN (${wanted.map(() => "?").join(", ")})`);
    values.push(...wanted);
  };
  if (query.jobId !== undefined) oneOf("job_id", [query.jobId]);
  if (query.agentId !== undefined) oneOf("agent_id", [query.agentId]);
  if (query.runId !== undefined) oneOf("run_id", [query.runId]);
  const statuses = query.statuses ?? (query.status === undefined || query.status === "all" ? [] : [query.status]);
  if (statuses.length > 0) oneOf("status", statuses);
  const deliveries = query.deliveryStatuses ?? (query.deliveryStatus === undefined ? [] : [query.deliveryStatus]);
  if (deliveries.length > 0) oneOf("delivery_status", deliveries);
  const text = query.query?.trim().toLowerCase();
  if (text) {
    const named = query.namedJobs ?? [];
    const says = ["summary", "error"].map((field) => `instr(lower(coalesce(data ->> '${field}', '')), ?) > 0`);
    parts.push(`(${[...says, "instr(job_id, ?) > 0", `job_id IN (${named.map(() => "?").join(", ")})`].join(" OR ")})`);
    values.push(text, text, text, ...named);
  }
  return { where: parts.join(" AND "), values };
}
