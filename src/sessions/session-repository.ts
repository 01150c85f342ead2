import type { Database } from "bun:sqlite";
import type { Store } from "../store/store.ts";
import type { SessionEntry, StoredSession } from "./entry.ts";

/** A row as it is stored. */
export interface SessionDbRow {
  key: string;
  agent_id: string;
  title: string | null;
  preview: string | null;
  entry: string;
}

/** The columns that {@link fromRow} needs. */
export const SESSION_COLUMNS = "key, agent_id, title, preview, entry";

/** Reads and writes sessions. Every call is one transaction; `change` callbacks run inside it and must not wait. */
export class SessionRepository {
  constructor(private readonly store: Store) {}

  find(key: string): Promise<StoredSession | null> {
    return this.store.read((db) => findSession(db, key));
  }

  findById(sessionId: string): Promise<StoredSession | null> {
    return this.store.read((db) => {
      const sql = `SELECT ${SESSION_COLUMNS} FROM sessions WHERE session_id = ?`;
      const row = db.query<SessionDbRow, [string]>(sql).get(sessionId);
      return row && fromRow(row);
    });
  }

  /** Those of the keys that exist, in no particular order. */
  findMany(keys: readonly string[]): Promise<StoredSession[]> {
    return this.store.read((db) => keys.flatMap((key) => findSession(db, key) ?? []));
  }

  /**
   * Writes what `change` makes of the stored session; it gets null for one that does not exist and returns null to
   * leave everything as it is. Resolves when the result is on disk.
   */
  update<S extends StoredSession | null>(
    key: string,
    change: (session: StoredSession | null, db: Database) => S,
  ): Promise<S> {
    return this.store.write((db) => {
      const next = change(findSession(db, key), db);
      if (next !== null) putSession(db, next);
      return next;
    });
  }

  /** Removes the session if `check` does not throw. Returns what was removed; its transcripts stay if asked. */
  remove(
    key: string,
    options: { keepTranscript: boolean; check(session: StoredSession): void },
  ): Promise<StoredSession | null> {
    return this.store.write((db) => {
      const session = findSession(db, key);
      if (session === null) return null;
      options.check(session);
      db.query("DELETE FROM sessions WHERE key = ?").run(key);
      if (!options.keepTranscript) db.query("DELETE FROM transcripts WHERE session_key = ?").run(key);
      return session;
    });
  }

  /** How many sessions the agent has, and its most recently used ones, newest first. */
  stats(
    agentId: string,
    limit: number,
  ): Promise<{ count: number; recent: { key: string; updatedAt: number | null }[] }> {
    return this.store.read((db) => {
      const count = db
        .query<{ n: number }, [string]>("SELECT count(*) AS n FROM sessions WHERE agent_id = ?")
        .get(agentId)!.n;
      const newest =
        "SELECT key, updated_at AS updatedAt FROM sessions WHERE agent_id = ? ORDER BY updated_at DESC, key LIMIT ?";
      const recent = db.query<{ key: string; updatedAt: number }, [string, number]>(newest).all(agentId, limit);
      return { count, recent };
    });
  }
}

/** The session under a canonical key. For use inside a transaction. */
export function findSession(db: Database, key: string): StoredSession | null {
  const sql = `SELECT ${SESSION_COLUMNS} FROM sessions WHERE key = ?`;
  const row = db.query<SessionDbRow, [string]>(sql).get(key);
  return row && fromRow(row);
}

/** The key of the session of this agent that bears the label, or null. For use inside a transaction. */
export function keyOfLabel(db: Database, agentId: string, label: string): string | null {
  const sql = "SELECT key FROM sessions WHERE agent_id = ? AND label = ?";
  return db.query<{ key: string }, [string, string]>(sql).get(agentId, label)?.key ?? null;
}

/** Writes the whole session. For use inside a transaction. */
export function putSession(db: Database, { key, agentId, entry, title, preview }: StoredSession): void {
  const route = entry.deliveryContext;
  db.query(
    `INSERT INTO sessions (key, agent_id, session_id, updated_at, last_interaction_at, archived_at, label, spawned_by,
       route_channel, route_to, route_account, title, preview, entry)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
     ON CONFLICT (key) DO UPDATE SET agent_id = ?2, session_id = ?3, updated_at = ?4, last_interaction_at = ?5,
       archived_at = ?6, label = ?7, spawned_by = ?8, route_channel = ?9, route_to = ?10, route_account = ?11,
       title = ?12, preview = ?13, entry = ?14`,
  ).run(
    key,
    agentId,
    entry.sessionId,
    entry.updatedAt,
    entry.lastInteractionAt ?? null,
    entry.archivedAt ?? null,
    entry.label ?? null,
    entry.spawnedBy ?? entry.parentSessionKey ?? null,
    route?.channel ?? null,
    route?.to ?? null,
    route?.accountId ?? null,
    title,
    preview,
    JSON.stringify(entry),
  );
}

export const fromRow = ({ key, agent_id, title, preview, entry }: SessionDbRow): StoredSession => ({
  key,
  agentId: agent_id,
  entry: JSON.parse(entry) as SessionEntry,
  title,
  preview,
});
