import type { Database } from "bun:sqlite";
import { LIMITS } from "../../generated/limits.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Store } from "../store/store.ts";
import type { StoredSession } from "./entry.ts";
import { type ListFilter, type ListPage, listSessionRows } from "./list-query.ts";
import { childKeys, type Family, familyOf, parentsAmong } from "./relatives.ts";
import { findSession, fromRow, putSession, SESSION_COLUMNS, type SessionDbRow } from "./session-columns.ts";

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

  /** A page of the sessions that match, and how many match in all. */
  list(filter: ListFilter, page: ListPage): Promise<{ sessions: StoredSession[]; total: number }> {
    return this.store.read((db) => listSessionRows(db, filter, page));
  }

  /** Keys of the children of each parent that has any, in order of the keys. */
  children(parents: readonly string[]): Promise<Map<string, string[]>> {
    return this.store.read((db) => {
      return new Map(parentsAmong(db, parents).map((parent) => [parent, childKeys(db, parent)]));
    });
  }

  /** A session with its children, and those it descends from. */
  family(session: StoredSession): Promise<Family> {
    return this.store.read((db) => familyOf(db, session));
  }

  /** Up to `limit` sessions that bear the label and are neither archived nor nobody's, in order of their keys. */
  findByLabel(label: string, limit: number): Promise<StoredSession[]> {
    return this.all("label = ? AND +archived = 0 ORDER BY key LIMIT ?", label, limit);
  }

  /** Up to `limit` sessions whose key ends in a UUID that begins with these hexadecimal digits, in order of their keys. */
  findByUuid(prefix: string, limit: number): Promise<StoredSession[]> {
    return this.all("key_uuid >= ? AND key_uuid < ? ORDER BY key LIMIT ?", prefix, `${prefix}g`, limit);
  }

  /** Up to `limit` sessions whose key ends in a UUID and whose names contain the text (lower case), by key. */
  findNamedWithUuid(text: string, limit: number): Promise<StoredSession[]> {
    return this.all("key_uuid IS NOT NULL AND instr(search, ?) > 0 ORDER BY key LIMIT ?", text, limit);
  }

  private all(condition: string, ...values: (string | number)[]): Promise<StoredSession[]> {
    return this.store.read((db) => {
      const sql = `SELECT ${SESSION_COLUMNS} FROM sessions WHERE ${condition}`;
      return db
        .query<SessionDbRow, (string | number)[]>(sql)
        .all(...values)
        .map(fromRow);
    });
  }

  /** Those of the keys that exist, in no particular order. */
  findMany(keys: readonly string[]): Promise<StoredSession[]> {
    return this.store.read((db) => keys.flatMap((key) => findSession(db, key) ?? []));
  }

  /**
   * Writes what `change` makes of the stored session; it gets null for one that does not exist and returns null to
   * leave everything as it is. Resolves when the result is on disk. `committed` is called then, before anybody else
   * learns of it and in the order of the commits, so that events told from there are never out of order.
   */
  update<S extends StoredSession | null>(
    key: string,
    change: (session: StoredSession | null, db: Database) => S,
    committed?: (family: Family) => void,
  ): Promise<S> {
    const written = this.store.write((db) => {
      const next = change(findSession(db, key), db);
      if (next === null) return { next, family: null };
      putSession(db, next);
      return { next, family: committed ? familyOf(db, next) : null };
    });
    return written.then(({ next, family }) => {
      if (family) committed?.(family);
      return next;
    });
  }

  /**
   * Writes what `make` makes, unless a request with this claim made a session before: then that one is the answer.
   * `committed` as in {@link update}, for a session that was made.
   * @throws GatewayError when the earlier request was another one
   */
  create(
    key: string,
    claim: CreationClaim | null,
    make: (session: StoredSession | null, db: Database) => StoredSession,
    committed: (family: Family) => void,
  ): Promise<{ session: StoredSession; replayed: boolean }> {
    const written = this.store.write((db) => {
      const earlier = claim && claimed(db, claim);
      if (earlier) return { session: earlier, family: null };
      const session = make(findSession(db, key), db);
      putSession(db, session);
      if (claim) remember(db, claim, key);
      return { session, family: familyOf(db, session) };
    });
    return written.then(({ session, family }) => {
      if (family) committed(family);
      return { session, replayed: family === null };
    });
  }

  /**
   * Removes the session if `check` does not throw. Returns what was removed; its transcripts stay if asked.
   * `committed` as in {@link update}, with what was removed.
   */
  remove(
    key: string,
    options: { keepTranscript: boolean; check(session: StoredSession): void },
    committed: (session: StoredSession) => void,
  ): Promise<StoredSession | null> {
    const written = this.store.write((db) => {
      const session = findSession(db, key);
      if (session === null) return null;
      options.check(session);
      db.query("DELETE FROM sessions WHERE key = ?").run(key);
      db.query("DELETE FROM goal_receipts WHERE session_id = ?").run(session.entry.sessionId);
      // What stays is found by those who know its id; a later session of this key has branches of its own.
      if (options.keepTranscript) db.query("UPDATE transcripts SET branch = 0 WHERE session_key = ?").run(key);
      else db.query("DELETE FROM transcripts WHERE session_key = ?").run(key);
      return session;
    });
    return written.then((session) => {
      if (session) committed(session);
      return session;
    });
  }

  /** The keys of all sessions of an agent. */
  keysOf(agentId: string): Promise<string[]> {
    return this.store.read((db) =>
      db
        .query<{ key: string }, [string]>("SELECT key FROM sessions WHERE agent_id = ?")
        .all(agentId)
        .map(({ key }) => key),
    );
  }

  /**
   * Sessions whose key is a beginning and a UUID: those not used since `before`, and those beyond the newest `keep`. Pinned
   * ones are left out.
   */
  stale(prefix: string, { before, keep, limit }: { before: number; keep: number; limit: number }): Promise<string[]> {
    return this.store.read((db) => {
      const sql = `SELECT key FROM
          (SELECT key, updated_at, row_number() OVER (ORDER BY updated_at DESC) AS nth FROM sessions
           WHERE key >= ?1 AND key < ?1 || 'g' AND length(key) = length(?1) + 36 AND pinned = 0)
        WHERE updated_at < ?2 OR nth > ?3 ORDER BY nth DESC LIMIT ?4`;
      const rows = db.query<{ key: string }, [string, number, number, number]>(sql).all(prefix, before, keep, limit);
      return rows.map(({ key }) => key);
    });
  }

  /** How many sessions the agent has, and how many of them are not archived. */
  count(agentId: string): Promise<{ all: number; unarchived: number }> {
    return this.store.read((db) => {
      const sql =
        "SELECT count(*) AS 'all', count(*) FILTER (WHERE archived = 0) AS unarchived FROM sessions WHERE agent_id = ?";
      return db.query<{ all: number; unarchived: number }, [string]>(sql).get(agentId)!;
    });
  }

  /** The agent's sessions that are neither archived nor pinned, those first that were used longest ago. */
  oldest(agentId: string, limit: number): Promise<StoredSession[]> {
    return this.all("agent_id = ? AND archived = 0 AND pinned = 0 ORDER BY updated_at LIMIT ?", agentId, limit);
  }

  /** The size of the database. */
  bytes(): Promise<number> {
    return this.store.read((db) => {
      const sql = "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()";
      return db.query<{ bytes: number }, []>(sql).get()!.bytes;
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

/** What makes a request for a session the same as another: who asks, under which key, for what. */
export interface CreationClaim {
  principal: string;
  idempotencyKey: string;
  /** Equal for equal requests. */
  request: string;
  /** Epoch milliseconds. */
  now: number;
}

/** The session that the claim made before, if it still exists. */
function claimed(db: Database, { principal, idempotencyKey, request, now }: CreationClaim): StoredSession | null {
  db.query("DELETE FROM session_creations WHERE created_at < ?").run(now - LIMITS.idempotencyTtlMs);
  const sql = "SELECT request, session_key FROM session_creations WHERE principal = ? AND idempotency_key = ?";
  const row = db.query<{ request: string; session_key: string }, [string, string]>(sql).get(principal, idempotencyKey);
  if (!row) return null;
  if (row.request !== request) {
    throw invalidRequest("session creation idempotency key was reused with different parameters");
  }
  return findSession(db, row.session_key);
}

function remember(db: Database, { principal, idempotencyKey, request, now }: CreationClaim, key: string): void {
  db.query(
    `INSERT INTO session_creations (principal, idempotency_key, request, session_key, created_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET request = excluded.request, session_key = excluded.session_key, created_at = excluded.created_at`,
  ).run(principal, idempotencyKey, request, key, now);
}
