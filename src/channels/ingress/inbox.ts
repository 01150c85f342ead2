import type { Database } from "bun:sqlite";
import type { Clock } from "../../platform/clock.ts";
import type { Store } from "../../store/store.ts";

/** An event as it came, and by what it is known again. */
export interface NewEvent {
  key: string;
  event: Record<string, unknown>;
}

/** An event that waits for its channel's transport. */
export interface WaitingEvent {
  seq: number;
  receivedAt: number;
  event: Record<string, unknown>;
}

/** Counts, bytes and milliseconds; values and reasons in `spec/chela/limits.yaml`. */
export interface InboxLimits {
  channelInboxEvents: number;
  channelInboxBytes: number;
  channelInboxTtlMs: number;
  channelInboxKeys: number;
}

/**
 * Events that came by webhook, on disk before the sender is told so, until the transport of their channel takes them. The
 * key of one that was taken stays, so that it is not taken twice.
 */
export class Inbox {
  private readonly listeners = new Set<(channel: string, account: string) => void>();

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly limits: InboxLimits,
  ) {}

  /**
   * Adds events in their order. All or none: `full` when they do not fit beside those that wait.
   * @returns how many are new; the others were there before
   */
  async add(channel: string, account: string, events: readonly NewEvent[]): Promise<{ accepted: number } | "full"> {
    const now = this.clock.now();
    const result = await this.store.write((db) => {
      this.forgetOld(db, now);
      const fresh = events.filter(({ key }, index) => {
        const isFirst = events.findIndex((other) => other.key === key) === index;
        return isFirst && !isKnown(db, channel, account, key);
      });
      const texts = fresh.map(({ event }) => JSON.stringify(event));
      const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
      const waiting = waitingSums(db);
      const { channelInboxEvents, channelInboxBytes } = this.limits;
      if (waiting.events + fresh.length > channelInboxEvents || waiting.bytes + bytes > channelInboxBytes)
        return "full";
      const insert = db.query(
        "INSERT INTO channel_inbox (channel, account, event_key, event, received_at) VALUES (?, ?, ?, ?, ?)",
      );
      for (const [index, { key }] of fresh.entries()) insert.run(channel, account, key, texts[index]!, now);
      return { accepted: fresh.length };
    });
    if (result !== "full" && result.accepted > 0) for (const listener of this.listeners) listener(channel, account);
    return result;
  }

  /** What waits for an account, oldest first. */
  waiting(channel: string, account: string, limit: number): Promise<WaitingEvent[]> {
    return this.store.read((db) => {
      const rows = db
        .query(
          `SELECT seq, received_at AS receivedAt, event FROM channel_inbox
           WHERE channel = ? AND account = ? AND event IS NOT NULL ORDER BY seq LIMIT ?`,
        )
        .all(channel, account, limit) as { seq: number; receivedAt: number; event: string }[];
      return rows.map((row) => ({ ...row, event: JSON.parse(row.event) }));
    });
  }

  /** What the channel has taken over; only its key stays. */
  taken(seqs: readonly number[]): Promise<void> {
    return this.store.write((db) => {
      const take = db.query("UPDATE channel_inbox SET event = NULL WHERE seq = ?");
      for (const seq of seqs) take.run(seq);
    });
  }

  /** Calls back after events have come. Returns the function that ends this. */
  onArrival(listener: (channel: string, account: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private forgetOld(db: Database, now: number): void {
    const { channelInboxTtlMs, channelInboxKeys } = this.limits;
    db.query("DELETE FROM channel_inbox WHERE received_at <= ?").run(now - channelInboxTtlMs);
    db.query(
      `DELETE FROM channel_inbox WHERE seq IN (
         SELECT seq FROM channel_inbox WHERE event IS NULL ORDER BY seq DESC LIMIT -1 OFFSET ?)`,
    ).run(channelInboxKeys);
  }
}

function isKnown(db: Database, channel: string, account: string, key: string): boolean {
  const sql = "SELECT 1 FROM channel_inbox WHERE channel = ? AND account = ? AND event_key = ?";
  return db.query(sql).get(channel, account, key) !== null;
}

const waitingSums = (db: Database): { events: number; bytes: number } =>
  db
    .query(
      "SELECT count(*) AS events, coalesce(sum(octet_length(event)), 0) AS bytes FROM channel_inbox WHERE event IS NOT NULL",
    )
    .get() as { events: number; bytes: number };
