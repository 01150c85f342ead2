import type { Database } from "bun:sqlite";
import { LIMITS } from "../../generated/limits.ts";
import type { StoredSession } from "./entry.ts";
import { findSession } from "./session-columns.ts";

/** How many sessions up the line of parents an event tells of. */
const MAX_ANCESTORS = 8;

/** A session with the keys of those that descend directly from it, in order of the keys. */
export interface WithChildren {
  session: StoredSession;
  childSessions: string[];
}

/** A session among those it descends from, the nearest first. */
export interface Family extends WithChildren {
  ancestors: WithChildren[];
}

/** Where the session stands now. Ends where parents go in a circle. For use inside a transaction or a read. */
export function familyOf(db: Database, session: StoredSession): Family {
  const ancestors: WithChildren[] = [];
  const seen = new Set([session.key]);
  let parent = session.entry.parentSessionKey;
  while (parent !== undefined && !seen.has(parent) && ancestors.length < MAX_ANCESTORS) {
    seen.add(parent);
    const next = findSession(db, parent);
    if (!next) break;
    ancestors.push({ session: next, childSessions: childKeys(db, next.key) });
    parent = next.entry.parentSessionKey;
  }
  return { session, childSessions: childKeys(db, session.key), ancestors };
}

/** Keys of the sessions that descend directly from this one, as many as are shown. For use inside a read. */
export function childKeys(db: Database, parent: string): string[] {
  const sql = "SELECT key FROM sessions WHERE spawned_by = ? ORDER BY key LIMIT ?";
  const rows = db.query<{ key: string }, [string, number]>(sql).all(parent, LIMITS.sessionChildrenShown);
  return rows.map(({ key }) => key);
}

/** Those of the keys from which a session descends. Most pages have few, which is found out in one query for all. */
export function parentsAmong(db: Database, keys: readonly string[]): string[] {
  const sql = "SELECT value AS key FROM json_each(?) WHERE EXISTS (SELECT 1 FROM sessions WHERE spawned_by = value)";
  const rows = db.query<{ key: string }, [string]>(sql).all(JSON.stringify(keys));
  return rows.map(({ key }) => key);
}
