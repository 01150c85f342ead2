import type { Store } from "../store/store.ts";

/** Leave to attach to one session until a time. Of its token only the hash is kept. */
export interface StoredGrant {
  tokenHash: string;
  sessionKey: string;
  /** Epoch milliseconds. */
  createdAt: number;
  expiresAt: number;
  /** Client id of whoever asked for it. */
  createdBy: string;
}

/** Grants on disk. Those that have run out are removed with the next one that is made. */
export class GrantRepository {
  constructor(
    private readonly store: Store,
    private readonly max: number,
  ) {}

  /** False when there are too many. */
  add({ tokenHash, sessionKey, createdAt, expiresAt, createdBy }: StoredGrant): Promise<boolean> {
    return this.store.write((db) => {
      db.query("DELETE FROM attach_grants WHERE expires_at <= ?").run(createdAt);
      const { count } = db.query("SELECT count(*) AS count FROM attach_grants").get() as { count: number };
      if (count >= this.max) return false;
      db.query(
        "INSERT INTO attach_grants (token_hash, session_key, created_at, expires_at, created_by) VALUES (?, ?, ?, ?, ?)",
      ).run(tokenHash, sessionKey, createdAt, expiresAt, createdBy);
      return true;
    });
  }

  /** The session of a grant that holds at this time; null when there is none. */
  sessionOf(tokenHash: string, now: number): Promise<string | null> {
    return this.store.read((db) => {
      const sql = "SELECT session_key FROM attach_grants WHERE token_hash = ? AND expires_at > ?";
      const row = db.query<{ session_key: string }, [string, number]>(sql).get(tokenHash, now);
      return row?.session_key ?? null;
    });
  }

  /** True when a grant that held at this time is no more. */
  remove(tokenHash: string, now: number): Promise<boolean> {
    return this.store.write((db) => {
      const sql = "DELETE FROM attach_grants WHERE token_hash = ? RETURNING expires_at";
      const row = db.query<{ expires_at: number }, [string]>(sql).get(tokenHash);
      return row !== null && row.expires_at > now;
    });
  }
}
