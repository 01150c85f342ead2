import type { Migration } from "../migrate.ts";

/** Calls of hooks that must not be carried out twice, until `expires_at`; `answer` is what they were answered. */
export const hooks: Migration = {
  version: 15,
  name: "hooks",
  up: (db) => {
    db.exec(`
      CREATE TABLE hook_claims (
        key TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        answer TEXT,
        expires_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX hook_claims_age ON hook_claims (expires_at);
    `);
  },
};
