import type { Database } from "bun:sqlite";
import type { Clock } from "../../platform/clock.ts";
import type { Store } from "../../store/store.ts";
import type { OutboundMessage, Receipt } from "./port.ts";

export type OutboundMethod = "send" | "poll" | "message.action";

/** A delivery as it is stored. */
export interface Delivery {
  id: string;
  method: OutboundMethod;
  idempotencyKey: string;
  channel: string;
  account: string;
  /** The session that gets a copy of what was sent. */
  mirrorKey: string | null;
  /** Null once nothing is left to be sent. */
  message: OutboundMessage | null;
  /** `sending`: an attempt is under way, or was when the gateway died. `dead`: given up. */
  state: "sending" | "queued" | "delivered" | "dead";
  /** Attempts that have failed. */
  attempts: number;
  error: string | null;
  receipt: Receipt | null;
}

/** Counts, bytes and milliseconds; values and reasons in `spec/chela/limits.yaml`. */
export interface OutboxLimits {
  outboxWaiting: number;
  outboxBytes: number;
  outboxKeys: number;
  outboxTtlMs: number;
}

export type Added = { known: Delivery } | { added: Delivery } | "full";

interface Row extends Omit<Delivery, "message" | "receipt"> {
  message: string | null;
  receipt: string | null;
}

const COLUMNS = `id, method, idempotency_key AS idempotencyKey, channel, account, mirror_key AS mirrorKey, message, state,
  attempts, error, receipt`;

/** What goes out by channels, on disk before the first attempt, until the channel has taken it or it is given up. */
export class Outbox {
  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly limits: OutboxLimits,
  ) {}

  /** Takes a delivery whose first attempt begins now, or finds the one that the same call has made before. */
  add(delivery: Omit<Delivery, "state" | "attempts" | "error" | "receipt">): Promise<Added> {
    const now = this.clock.now();
    return this.store.write((db): Added => {
      this.forgetOld(db, now);
      const known = db
        .query(`SELECT ${COLUMNS} FROM outbox WHERE method = ? AND idempotency_key = ?`)
        .get(delivery.method, delivery.idempotencyKey) as Row | null;
      if (known) return { known: parsed(known) };
      const message = JSON.stringify(delivery.message);
      const size = Buffer.byteLength(message);
      const { outboxWaiting, outboxBytes } = this.limits;
      const kept = sums(db);
      if (kept.waiting >= outboxWaiting || kept.waitingBytes + size > outboxBytes) return "full";
      // What was given up makes room for what can still be sent; its reason stays.
      if (kept.bytes + size > outboxBytes) db.query("UPDATE outbox SET message = NULL WHERE state = 'dead'").run();
      const { id, method, idempotencyKey, channel, account, mirrorKey } = delivery;
      db.query(
        `INSERT INTO outbox (id, method, idempotency_key, channel, account, mirror_key, message, state, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'sending', ?)`,
      ).run(id, method, idempotencyKey, channel, account, mirrorKey, message, now);
      return { added: { ...delivery, state: "sending", attempts: 0, error: null, receipt: null } };
    });
  }

  delivered(id: string, receipt: Receipt): Promise<void> {
    const sql =
      "UPDATE outbox SET state = 'delivered', receipt = ?, message = NULL, error = NULL, next_at = NULL WHERE id = ?";
    return this.store.write((db) => void db.query(sql).run(JSON.stringify(receipt), id));
  }

  /** An attempt failed. `nextAt` null gives up; the message is kept then while there is room, for whoever asks why. */
  failed(id: string, error: string, nextAt: number | null): Promise<void> {
    const state = nextAt === null ? "dead" : "queued";
    const failedAt = nextAt === null ? this.clock.now() : null;
    const sql =
      "UPDATE outbox SET state = ?, error = ?, next_at = ?, failed_at = ?, attempts = attempts + 1 WHERE id = ?";
    return this.store.write((db) => void db.query(sql).run(state, error, nextAt, failedAt, id));
  }

  /**
   * What was given up and nobody was told of: messages, and what was under way when the gateway died. A poll or an action
   * that failed was answered to its caller.
   */
  async givenUp(): Promise<{ count: number; oldestFailedAt: number } | null> {
    const sql = `SELECT count(*) AS count, min(coalesce(failed_at, created_at)) AS oldestFailedAt FROM outbox
      WHERE state = 'dead' AND (method = 'send' OR attempts = 0)`;
    const sums = await this.store.read((db) => db.query(sql).get() as { count: number; oldestFailedAt: number });
    return sums.count > 0 ? sums : null;
  }

  /** Takes what is due, oldest first, and marks it as being sent. */
  take(limit: number): Promise<Delivery[]> {
    const now = this.clock.now();
    return this.store.write((db) => {
      const sql = `SELECT ${COLUMNS} FROM outbox WHERE state = 'queued' AND next_at <= ? ORDER BY next_at LIMIT ?`;
      const due = (db.query(sql).all(now, limit) as Row[]).map(parsed);
      for (const { id } of due) db.query("UPDATE outbox SET state = 'sending' WHERE id = ?").run(id);
      return due;
    });
  }

  /** When the next delivery is due, or null. */
  nextAt(): Promise<number | null> {
    const sql = "SELECT min(next_at) AS at FROM outbox WHERE state = 'queued'";
    return this.store.read((db) => (db.query(sql).get() as { at: number | null }).at);
  }

  /**
   * What was under way when the gateway died: messages are tried again; of polls and actions nobody knows whether they
   * arrived, so they are given up and not done twice.
   */
  recover(unknownOutcome: string): Promise<void> {
    const now = this.clock.now();
    return this.store.write((db) => {
      db.query("UPDATE outbox SET state = 'queued', next_at = ? WHERE state = 'sending' AND method = 'send'").run(now);
      db.query("UPDATE outbox SET state = 'dead', error = ?, failed_at = ? WHERE state = 'sending'").run(
        unknownOutcome,
        now,
      );
    });
  }

  /** What waits is never forgotten; what is settled is, once it is too old or there is too much of it. */
  private forgetOld(db: Database, now: number): void {
    const { outboxTtlMs, outboxKeys } = this.limits;
    db.query("DELETE FROM outbox WHERE created_at <= ? AND state IN ('delivered', 'dead')").run(now - outboxTtlMs);
    db.query(
      `DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state IN ('delivered', 'dead')
         ORDER BY created_at DESC LIMIT -1 OFFSET ?)`,
    ).run(outboxKeys);
  }
}

const parsed = (row: Row): Delivery => ({
  ...row,
  message: row.message === null ? null : JSON.parse(row.message),
  receipt: row.receipt === null ? null : JSON.parse(row.receipt),
});

const sums = (db: Database): { waiting: number; waitingBytes: number; bytes: number } =>
  db
    .query(
      `SELECT count(*) FILTER (WHERE state IN ('queued', 'sending')) AS waiting,
         coalesce(sum(octet_length(message)) FILTER (WHERE state IN ('queued', 'sending')), 0) AS waitingBytes,
         coalesce(sum(octet_length(message)), 0) AS bytes FROM outbox WHERE message IS NOT NULL`,
    )
    .get() as { waiting: number; waitingBytes: number; bytes: number };
