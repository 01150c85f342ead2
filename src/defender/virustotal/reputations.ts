import type { Store } from "../../store/store.ts";

/** What is asked about: a file by the SHA-256 of its content, an address by the SHA-256 of its text. */
export interface Subject {
  kind: "file" | "url";
  /** Hex. */
  sha256: string;
  /** What the service is asked by. */
  id: string;
}

/** What engines said of a subject; all counts are 0 for one that nobody has shown to them. */
export interface Reputation {
  isKnown: boolean;
  malicious: number;
  suspicious: number;
  /** Engines that have found nothing. */
  clean: number;
  /** When the engines last looked, in epoch milliseconds; null when that is not told. */
  analysedAt: number | null;
}

export interface ReputationBounds {
  reputationRows: number;
  reputationAgeMs: number;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Answers of the service with the time they were given, and the calls of the last day. Both survive a restart. */
export class ReputationRepository {
  constructor(
    private readonly store: Store,
    private readonly bounds: ReputationBounds,
  ) {}

  async find({ kind, sha256 }: Subject): Promise<(Reputation & { fetchedAt: number }) | null> {
    const row = await this.store.read(
      (db) =>
        db
          .query(
            `SELECT known, malicious, suspicious, clean, analysed_at AS analysedAt, fetched_at AS fetchedAt
             FROM reputations WHERE kind = ? AND sha256 = ?`,
          )
          .get(kind, sha256) as (Omit<Reputation, "isKnown"> & { known: number; fetchedAt: number }) | null,
    );
    if (row === null) return null;
    const { known, ...counts } = row;
    return { isKnown: known === 1, ...counts };
  }

  /** Keeps an answer in the place of the one before; the oldest go when there are too many. */
  async keep({ kind, sha256 }: Subject, found: Reputation, now: number): Promise<void> {
    const { isKnown, malicious, suspicious, clean, analysedAt } = found;
    const { reputationRows, reputationAgeMs } = this.bounds;
    await this.store.write((db) => {
      db.query(
        `INSERT OR REPLACE INTO reputations (kind, sha256, fetched_at, known, malicious, suspicious, clean, analysed_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ).run(kind, sha256, now, isKnown ? 1 : 0, malicious, suspicious, clean, analysedAt);
      db.query("DELETE FROM reputations WHERE fetched_at < ?").run(now - reputationAgeMs);
      db.query(
        `DELETE FROM reputations WHERE rowid IN
         (SELECT rowid FROM reputations ORDER BY fetched_at DESC, rowid DESC LIMIT -1 OFFSET ?)`,
      ).run(reputationRows);
    });
  }

  /** Notes a call if it is within what the key may do. */
  take(now: number, perMinute: number, perDay: number): Promise<boolean> {
    return this.store.write((db) => {
      db.query("DELETE FROM reputation_calls WHERE at <= ? OR at > ?").run(now - DAY, now + DAY);
      const { day, minute } = db
        .query("SELECT count(*) AS day, count(*) FILTER (WHERE at > ?) AS minute FROM reputation_calls")
        .get(now - MINUTE) as { day: number; minute: number };
      if (day >= perDay || minute >= perMinute) return false;
      db.query("INSERT INTO reputation_calls (at) VALUES (?)").run(now);
      return true;
    });
  }

  /** Calls of the last day. */
  async calls(now: number): Promise<number> {
    const row = await this.store.read((db) =>
      db.query("SELECT count(*) AS calls FROM reputation_calls WHERE at > ?").get(now - DAY),
    );
    return (row as { calls: number }).calls;
  }
}
