import type { Migration } from "../migrate.ts";

/** The ledger of runs: one line for the begin and one for the end of each. `sequence` orders it and never repeats. */
export const audit: Migration = {
  version: 11,
  name: "audit",
  up: (db) => {
    db.exec(`
      CREATE TABLE audit_events (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        event_id TEXT NOT NULL,
        source_sequence INTEGER NOT NULL,
        occurred_at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        action TEXT NOT NULL,
        status TEXT NOT NULL,
        error_code TEXT,
        actor_type TEXT NOT NULL,
        actor_id TEXT NOT NULL,
        agent_id TEXT NOT NULL,
        session_key TEXT,
        session_id TEXT,
        run_id TEXT NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX audit_events_once ON audit_events (run_id, action);
      CREATE INDEX audit_events_at ON audit_events (occurred_at);
    `);
  },
};
