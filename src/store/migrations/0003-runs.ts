import type { Migration } from "../migrate.ts";

/**
 * Runs by the key their senders gave them. A row is written before a run is acknowledged and tells, after a restart,
 * what became of it: `input` holds the message until it is in the transcript, `outcome` how the run ended.
 */
export const runs: Migration = {
  version: 3,
  name: "runs",
  up: (db) => {
    db.exec(`
      CREATE TABLE runs (
        run_id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        session_key TEXT NOT NULL,
        request_hash TEXT NOT NULL,
        accepted_at INTEGER NOT NULL,
        started_at INTEGER,
        ended_at INTEGER,
        input TEXT,
        outcome TEXT
      ) STRICT;
      CREATE INDEX runs_unfinished ON runs (accepted_at) WHERE ended_at IS NULL;
      CREATE INDEX runs_pending ON runs (accepted_at) WHERE input IS NOT NULL;
      CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;
    `);
  },
};
