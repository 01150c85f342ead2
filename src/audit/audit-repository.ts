import { uuid } from "../platform/ids.ts";
import type { Store } from "../store/store.ts";
import type { AuditEvent, NewAuditEvent } from "./events.ts";

/** Which lines are asked for. */
export interface AuditQuery {
  agentId?: string;
  sessionKey?: string;
  runId?: string;
  kind?: string;
  status?: string;
  /** Epoch milliseconds, both included. */
  after?: number;
  before?: number;
  /** Only lines before this number. */
  below?: number;
  limit: number;
}

interface Row {
  sequence: number;
  event_id: string;
  source_sequence: number;
  occurred_at: number;
  kind: AuditEvent["kind"];
  action: AuditEvent["action"];
  status: AuditEvent["status"];
  error_code: AuditEvent["errorCode"] | null;
  actor_type: AuditEvent["actor"]["type"];
  actor_id: string;
  agent_id: string;
  session_key: string | null;
  session_id: string | null;
  run_id: string;
}

const INSERT = `INSERT INTO audit_events
  (event_id, source_sequence, occurred_at, kind, action, status, error_code, actor_type, actor_id, agent_id, session_key, session_id, run_id)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run_id, action) DO NOTHING`;

/** Columns that a line must have this value in, by the name of the filter. */
const EQUAL = {
  agentId: "agent_id",
  sessionKey: "session_key",
  runId: "run_id",
  kind: "kind",
  status: "status",
} as const;

/** The ledger on disk, bounded in lines and in age. */
export class AuditRepository {
  constructor(
    private readonly store: Store,
    private readonly bounds: { maxRows: number; maxAgeMs: number },
  ) {}

  /** What was added is on its way to the disk now. */
  hasten(): void {
    this.store.hasten();
  }

  /** Writes a line soon; the second of a run and action is left out. Resolves when it is on disk. */
  async add(event: NewAuditEvent): Promise<void> {
    const { actor } = event;
    await this.store.writeSoon((db) => {
      db.query(INSERT).run(
        uuid(),
        event.sourceSequence,
        event.occurredAt,
        event.kind,
        event.action,
        event.status,
        event.errorCode ?? null,
        actor.type,
        actor.id,
        event.agentId,
        event.sessionKey ?? null,
        event.sessionId ?? null,
        event.runId,
      );
      db.query("DELETE FROM audit_events WHERE sequence <= (SELECT max(sequence) FROM audit_events) - ?").run(
        this.bounds.maxRows,
      );
      db.query("DELETE FROM audit_events WHERE occurred_at < ?").run(event.occurredAt - this.bounds.maxAgeMs);
    });
  }

  /**
   * Writes the missing last line of every run that has begun, as one that failed at `now`: for the time before any run
   * begins, when those that have not ended never will. Returns how many.
   */
  async closeUnfinished(now: number): Promise<number> {
    const sql = `INSERT INTO audit_events (event_id, source_sequence, occurred_at, kind, action, status, error_code,
        actor_type, actor_id, agent_id, session_key, session_id, run_id)
      SELECT ?, source_sequence + 1, ?, kind, 'agent.run.finished', 'failed', 'run_failed',
        actor_type, actor_id, agent_id, session_key, session_id, run_id FROM audit_events WHERE sequence = ?`;
    const unfinished = `SELECT sequence FROM audit_events AS begun WHERE action = 'agent.run.started' AND NOT EXISTS (
        SELECT 1 FROM audit_events WHERE run_id = begun.run_id AND action = 'agent.run.finished'
      ) ORDER BY sequence`;
    return this.store.write((db) => {
      const begun = db.query<{ sequence: number }, []>(unfinished).all();
      const insert = db.query(sql);
      for (const { sequence } of begun) insert.run(uuid(), now, sequence);
      return begun.length;
    });
  }

  /** The lines, newest first. */
  list(query: AuditQuery): Promise<AuditEvent[]> {
    const where: string[] = [];
    const values: (string | number)[] = [];
    const demand = (condition: string, value: string | number | undefined): void => {
      if (value === undefined) return;
      where.push(condition);
      values.push(value);
    };
    for (const [name, column] of Object.entries(EQUAL)) demand(`${column} = ?`, query[name as keyof typeof EQUAL]);
    demand("occurred_at >= ?", query.after);
    demand("occurred_at <= ?", query.before);
    demand("sequence < ?", query.below);
    const conditions = where.length > 0 ? `WHERE ${where.join(" AND ")}` : "";
    return this.store.read((db) =>
      db
        .query<Row, (string | number)[]>(`SELECT * FROM audit_events ${conditions} ORDER BY sequence DESC LIMIT ?`)
        .all(...values, query.limit)
        .map(fromRow),
    );
  }
}

const fromRow = (row: Row): AuditEvent => ({
  sequence: row.sequence,
  eventId: row.event_id,
  sourceSequence: row.source_sequence,
  occurredAt: row.occurred_at,
  redaction: "metadata_only",
  agentId: row.agent_id,
  ...(row.session_key === null ? {} : { sessionKey: row.session_key }),
  ...(row.session_id === null ? {} : { sessionId: row.session_id }),
  runId: row.run_id,
  kind: row.kind,
  action: row.action,
  status: row.status,
  ...(row.error_code === null ? {} : { errorCode: row.error_code }),
  actor: { type: row.actor_type, id: row.actor_id },
});
