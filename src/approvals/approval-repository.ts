import type { Database } from "bun:sqlite";
import { uuid } from "../platform/ids.ts";
import type { Store } from "../store/store.ts";
import { mintGrant } from "./grant-repository.ts";
import type { Approval, ApprovalKind } from "./types.ts";

export interface ApprovalBounds {
  approvalsWaitingMax: number;
  approvalsKept: number;
  approvalsKeptMs: number;
  approvalGrantsKept: number;
}

/** Where a page of ended approvals begins: after this one. */
export interface HistoryPlace {
  resolvedAtMs: number;
  id: string;
}

/** Approvals in the database. Every change is one transaction, so that of two decisions the first one counts. */
export class ApprovalRepository {
  constructor(
    private readonly store: Store,
    private readonly bounds: ApprovalBounds,
  ) {}

  /** Stores a new approval, or says why not: the id is in use, which gives its owner, or too many wait. */
  create(approval: Approval): Promise<{ taken: Approval } | "full" | "created"> {
    return this.store.write((db) => {
      const taken = byId(db, approval.id);
      if (taken !== null) return { taken };
      const { approvalsWaitingMax, approvalsKept, approvalsKeptMs } = this.bounds;
      const { waiting } = db.query("SELECT count(*) AS waiting FROM approvals WHERE resolved_at IS NULL").get() as {
        waiting: number;
      };
      if (waiting >= approvalsWaitingMax) return "full";
      db.query("DELETE FROM approvals WHERE resolved_at <= ?").run(approval.createdAtMs - approvalsKeptMs);
      db.query(
        `DELETE FROM approvals WHERE id IN (SELECT id FROM approvals WHERE resolved_at IS NOT NULL
           ORDER BY resolved_at DESC, id DESC LIMIT -1 OFFSET ?)`,
      ).run(approvalsKept);
      save(db, approval);
      return "created";
    });
  }

  find(id: string): Promise<Approval | null> {
    return this.store.read((db) => byId(db, id));
  }

  /** Approvals of a kind whose id begins so and that wait, or ended after `endedAfterMs`. */
  withPrefix(prefix: string, kind: ApprovalKind, endedAfterMs: number): Promise<Approval[]> {
    return this.store.read((db) =>
      db
        .query(
          `SELECT data FROM approvals WHERE resolved_at IS NULL AND kind = ?1 AND substr(id, 1, length(?2)) = ?2
           UNION ALL
           SELECT data FROM approvals WHERE resolved_at > ?3 AND kind = ?1 AND substr(id, 1, length(?2)) = ?2`,
        )
        .all(kind, prefix, endedAfterMs)
        .map(parse),
    );
  }

  /** Those that wait at `now`, oldest first. */
  waiting(kind: ApprovalKind, now: number): Promise<Approval[]> {
    return this.store.read((db) =>
      db
        .query(
          `SELECT data FROM approvals WHERE resolved_at IS NULL AND expires_at > ?2 AND kind = ?1
           ORDER BY created_at, rowid`,
        )
        .all(kind, now)
        .map(parse),
    );
  }

  /** Those of one session that wait at `now`, oldest first, at most `limit`. */
  waitingIn(sessionKey: string, now: number, limit: number): Promise<Approval[]> {
    return this.store.read((db) =>
      db
        .query(
          `SELECT data FROM approvals WHERE resolved_at IS NULL AND expires_at > ?2 AND session_key = ?1
           ORDER BY created_at, rowid LIMIT ?3`,
        )
        .all(sessionKey, now, limit)
        .map(parse),
    );
  }

  /**
   * Changes one approval by what `decide` makes of it; null for an unknown id. A permission for all times that an
   * automation got is written along with it.
   */
  change(id: string, decide: (approval: Approval) => Approval): Promise<Approval | null> {
    return this.store.write((db) => {
      const before = byId(db, id);
      if (before === null) return null;
      const after = decide(before);
      if (after === before) return before;
      save(db, after);
      const isNew = before.decision !== after.decision;
      if (isNew && after.decision === "allow-always") mintGrant(db, uuid(), after, this.bounds.approvalGrantsKept);
      return after;
    });
  }

  /** Ends those whose time is over, and gives them, oldest first. */
  expire(now: number, end: (approval: Approval) => Approval): Promise<Approval[]> {
    return this.store.write((db) => {
      const due = db
        .query("SELECT data FROM approvals WHERE resolved_at IS NULL AND expires_at <= ? ORDER BY expires_at, rowid")
        .all(now);
      const ended = due.map((row) => end(parse(row)));
      for (const approval of ended) save(db, approval);
      return ended;
    });
  }

  /** When the next one that waits expires, or null when none waits. */
  nextExpiry(): Promise<number | null> {
    return this.store.read((db) => {
      const row = db.query("SELECT min(expires_at) AS next FROM approvals WHERE resolved_at IS NULL").get();
      return (row as { next: number | null }).next;
    });
  }

  /** Ended approvals since `sinceMs`, newest first, at most `limit`. */
  ended(filter: { kind?: ApprovalKind; after?: HistoryPlace; sinceMs: number; limit: number }): Promise<Approval[]> {
    const { kind = null, after, sinceMs, limit } = filter;
    return this.store.read((db) =>
      db
        .query(
          `SELECT data FROM approvals WHERE resolved_at > ?1 AND (?2 IS NULL OR kind = ?2)
             AND (?3 IS NULL OR (resolved_at, id) < (?3, ?4))
           ORDER BY resolved_at DESC, id DESC LIMIT ?5`,
        )
        .all(sinceMs, kind, after?.resolvedAtMs ?? null, after?.id ?? null, limit)
        .map(parse),
    );
  }
}

const parse = (row: unknown): Approval => JSON.parse((row as { data: string }).data) as Approval;

function byId(db: Database, id: string): Approval | null {
  const row = db.query("SELECT data FROM approvals WHERE id = ?").get(id);
  return row === null ? null : parse(row);
}

function save(db: Database, approval: Approval): void {
  const { id, kind, createdAtMs, expiresAtMs, resolvedAtMs, source } = approval;
  db.query(
    `INSERT INTO approvals (id, kind, created_at, expires_at, resolved_at, session_key, data)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
       ON CONFLICT (id) DO UPDATE SET resolved_at = ?5, data = ?7`,
  ).run(id, kind, createdAtMs, expiresAtMs, resolvedAtMs ?? null, source.sessionKey ?? null, JSON.stringify(approval));
}
