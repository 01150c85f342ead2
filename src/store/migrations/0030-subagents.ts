import type { Migration } from "../migrate.ts";

/** Tasks that agents gave to subagents, until their results have been told to whoever asked. */
export const subagents: Migration = {
  version: 30,
  name: "subagents",
  up: (db) => {
    db.exec(`
      CREATE TABLE subagents (
        run_id TEXT PRIMARY KEY,
        child_key TEXT NOT NULL,
        requester_key TEXT NOT NULL,
        label TEXT,
        task TEXT NOT NULL,
        cleanup TEXT NOT NULL CHECK (cleanup IN ('keep', 'delete')),
        for_owner INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        ended_at INTEGER,
        status TEXT,
        result TEXT,
        announced_at INTEGER
      ) STRICT;
      CREATE INDEX subagents_requester ON subagents (requester_key, created_at);
      CREATE INDEX subagents_child ON subagents (child_key);
      CREATE INDEX subagents_open ON subagents (created_at) WHERE announced_at IS NULL;
    `);
  },
};
