import type { Store } from "../store/store.ts";

/** What came of a call that was made before. `answer` is null while it is at work, or when a crash cut it off. */
export interface Claim {
  digest: string;
  answer: string | null;
}

/**
 * Calls that must not be carried out twice, by key, over restarts: signed ones within their time window, and notes with an
 * idempotency key. A key is taken before the work begins.
 */
export class HookClaims {
  constructor(
    private readonly store: Store,
    private readonly max: number,
  ) {}

  /** Takes a key. Resolves with null when it was free, `full` when too many are remembered, else with what is known. */
  take(key: string, digest: string, now: number, expiresAt: number): Promise<null | "full" | Claim> {
    return this.store.write((db) => {
      db.query("DELETE FROM hook_claims WHERE expires_at <= ?").run(now);
      const known = db.query("SELECT digest, answer FROM hook_claims WHERE key = ?").get(key) as Claim | null;
      if (known) return known;
      const { n } = db.query("SELECT count(*) AS n FROM hook_claims").get() as { n: number };
      // Forgetting one before its time would let it be replayed.
      if (n >= this.max) return "full" as const;
      db.query("INSERT INTO hook_claims (key, digest, expires_at) VALUES (?, ?, ?)").run(key, digest, expiresAt);
      return null;
    });
  }

  /** Keeps what a call was answered. */
  answered(key: string, answer: string): Promise<void> {
    return this.store.write((db) => {
      db.query("UPDATE hook_claims SET answer = ? WHERE key = ?").run(answer, key);
    });
  }

  /** The call was not carried out and may come again. */
  release(key: string): Promise<void> {
    return this.store.write((db) => {
      db.query("DELETE FROM hook_claims WHERE key = ?").run(key);
    });
  }
}
