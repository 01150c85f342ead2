import type { Migration } from "../migrate.ts";

/**
 * Approvals, waiting and ended. `data` is the whole record as JSON; the columns are what it is found by. `resolved_at`
 * is null while it waits.
 */
export const approvals: Migration = {
  version: 8,
  name: "approvals",
  up: (db) => {
    db.exec(`
      CREATE TABLE approvals (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        resolved_at INTEGER,
        session_key TEXT,
        data TEXT NOT NULL
      ) STRICT;
      CREATE INDEX approvals_waiting ON approvals (expires_at) WHERE resolved_at IS NULL;
      CREATE INDEX approvals_ended ON approvals (resolved_at, id) WHERE resolved_at IS NOT NULL;
    `);
  },
};
