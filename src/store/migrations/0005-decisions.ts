import type { Migration } from "../migrate.ts";

/**
 * What the defender refused or wanted reviewed, oldest first by `seq`. `findings` is JSON; `excerpt` is a bounded part
 * of the judged text with credentials masked. `enforced` is 0 when the policy only watched.
 */
export const decisions: Migration = {
  version: 5,
  name: "decisions",
  up: (db) => {
    db.exec(`
      CREATE TABLE decisions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        at INTEGER NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('review', 'block')),
        enforced INTEGER NOT NULL,
        score INTEGER NOT NULL,
        findings TEXT NOT NULL,
        direction TEXT NOT NULL,
        origin TEXT NOT NULL,
        actor TEXT,
        session_key TEXT,
        run_id TEXT,
        excerpt TEXT NOT NULL
      ) STRICT;
    `);
  },
};
