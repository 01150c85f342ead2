import type { Store } from "../../store/store.ts";

export type SubagentStatus = "ok" | "error" | "timeout" | "cancelled" | "interrupted";

/** A task that one session's agent gave to a subagent. Times in epoch milliseconds. */
export interface SubagentRecord {
  runId: string;
  childKey: string;
  requesterKey: string;
  label: string | null;
  task: string;
  cleanup: "keep" | "delete";
  /** Whether it was given in a turn of the owner. */
  forOwner: boolean;
  /** Whether the result waits to be fetched and is not told. */
  collects: boolean;
  createdAt: number;
  endedAt: number | null;
  status: SubagentStatus | null;
  result: string | null;
  /** When the result was given to the requester, or found to be nobody's. */
  announcedAt: number | null;
}

interface Row {
  run_id: string;
  child_key: string;
  requester_key: string;
  label: string | null;
  task: string;
  cleanup: "keep" | "delete";
  for_owner: number;
  collects: number;
  created_at: number;
  ended_at: number | null;
  status: SubagentStatus | null;
  result: string | null;
  announced_at: number | null;
}

type Fresh = Pick<
  SubagentRecord,
  "runId" | "childKey" | "requesterKey" | "label" | "task" | "cleanup" | "forOwner" | "collects" | "createdAt"
>;

/** Stores the tasks of subagents, so that no result is lost to a restart. */
export class SubagentRepository {
  constructor(
    private readonly store: Store,
    private readonly maxRows: number,
  ) {}

  /**
   * Writes a task down unless its requester has `maxChildren` at work already, or the gateway `maxActive`.
   * @returns false when there are too many; then nothing was written
   */
  add(task: Fresh, { maxChildren, maxActive }: { maxChildren: number; maxActive: number }): Promise<boolean> {
    return this.store.write((db) => {
      const count = (where: string, ...values: string[]): number =>
        (db.query(`SELECT count(*) AS n FROM subagents WHERE ended_at IS NULL${where}`).get(...values) as { n: number })
          .n;
      if (count(" AND requester_key = ?", task.requesterKey) >= maxChildren || count("") >= maxActive) return false;
      db.query(
        `INSERT INTO subagents (run_id, child_key, requester_key, label, task, cleanup, for_owner, collects, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ).run(
        task.runId,
        task.childKey,
        task.requesterKey,
        task.label,
        task.task,
        task.cleanup,
        task.forOwner ? 1 : 0,
        task.collects ? 1 : 0,
        task.createdAt,
      );
      db.query(
        `DELETE FROM subagents WHERE run_id IN (
           SELECT run_id FROM subagents WHERE announced_at IS NOT NULL ORDER BY created_at DESC LIMIT -1 OFFSET ?)`,
      ).run(this.maxRows);
      return true;
    });
  }

  remove(runId: string): Promise<void> {
    return this.store.write((db) => {
      db.query("DELETE FROM subagents WHERE run_id = ?").run(runId);
    });
  }

  /** Writes down how a task ended, unless that is known. `told` when nobody is to be told. */
  ended(runId: string, end: { at: number; status: SubagentStatus; result: string | null; told?: true }): Promise<void> {
    return this.store.write((db) => {
      db.query(
        "UPDATE subagents SET ended_at = ?, status = ?, result = ?, announced_at = ? WHERE run_id = ? AND ended_at IS NULL",
      ).run(end.at, end.status, end.result, end.told ? end.at : null, runId);
    });
  }

  announced(runId: string, at: number): Promise<void> {
    return this.store.write((db) => {
      db.query("UPDATE subagents SET announced_at = ? WHERE run_id = ?").run(at, runId);
    });
  }

  find(runId: string): Promise<SubagentRecord | null> {
    return this.all("run_id = ?", runId).then(([found]) => found ?? null);
  }

  /** The tasks that a session gave, the newest first. */
  of(requesterKey: string, limit: number): Promise<SubagentRecord[]> {
    return this.all(`requester_key = ? ORDER BY created_at DESC, rowid DESC LIMIT ${Math.trunc(limit)}`, requesterKey);
  }

  /** Those of a session's tasks that have not ended. */
  activeOf(requesterKey: string): Promise<SubagentRecord[]> {
    return this.all("requester_key = ? AND ended_at IS NULL", requesterKey);
  }

  /** Who gave the task that a session was made for; null for a session that is no subagent's. */
  async requesterOf(childKey: string): Promise<string | null> {
    const [found] = await this.all("child_key = ? ORDER BY created_at DESC LIMIT 1", childKey);
    return found?.requesterKey ?? null;
  }

  /** Tasks whose end has not been told, the oldest first. */
  untold(): Promise<SubagentRecord[]> {
    return this.all("announced_at IS NULL ORDER BY created_at, rowid");
  }

  private all(where: string, ...values: string[]): Promise<SubagentRecord[]> {
    return this.store.read((db) =>
      db
        .query<Row, string[]>(`SELECT * FROM subagents WHERE ${where}`)
        .all(...values)
        .map(fromRow),
    );
  }
}

const fromRow = (row: Row): SubagentRecord => ({
  runId: row.run_id,
  childKey: row.child_key,
  requesterKey: row.requester_key,
  label: row.label,
  task: row.task,
  cleanup: row.cleanup,
  forOwner: row.for_owner === 1,
  collects: row.collects === 1,
  createdAt: row.created_at,
  endedAt: row.ended_at,
  status: row.status,
  result: row.result,
  announcedAt: row.announced_at,
});
