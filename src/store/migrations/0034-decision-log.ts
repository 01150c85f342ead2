import type { Migration } from "../migrate.ts";

/**
 * Every decision of the defender, in two chains: `kept` of what was not simply allowed, `passed` of the rest. `body` is
 * JSON, and `hash` covers it together with the hash before it. `decision_chains` tells where each chain begins (what is
 * older was let go) and ends; `mac` covers that under a key of this host. What was stored before there were chains is
 * let go: it was never in a release.
 */
export const decisionLog: Migration = {
  version: 34,
  name: "decision-log",
  up: (db) => {
    db.exec(`
      DROP TABLE decisions;
      CREATE TABLE decision_log (
        chain TEXT NOT NULL CHECK (chain IN ('kept', 'passed')),
        seq INTEGER NOT NULL,
        id TEXT NOT NULL UNIQUE,
        at INTEGER NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('allow', 'review', 'block')),
        session_key TEXT,
        body TEXT NOT NULL,
        hash TEXT NOT NULL,
        PRIMARY KEY (chain, seq)
      ) STRICT;
      CREATE TABLE decision_chains (
        chain TEXT PRIMARY KEY,
        first_seq INTEGER NOT NULL,
        before_first TEXT NOT NULL,
        last_seq INTEGER NOT NULL,
        last_hash TEXT NOT NULL,
        mac TEXT NOT NULL
      ) STRICT;
      CREATE TABLE quarantine (
        id TEXT PRIMARY KEY,
        decision_id TEXT NOT NULL,
        at INTEGER NOT NULL,
        direction TEXT NOT NULL,
        origin TEXT NOT NULL,
        session_key TEXT,
        score INTEGER NOT NULL,
        finding TEXT NOT NULL,
        chars INTEGER NOT NULL,
        digest TEXT NOT NULL,
        sealed BLOB NOT NULL,
        released_at INTEGER,
        released_by TEXT
      ) STRICT;
      CREATE INDEX quarantine_at ON quarantine (at);
      CREATE INDEX quarantine_digest ON quarantine (digest) WHERE released_at IS NOT NULL;
    `);
  },
};
