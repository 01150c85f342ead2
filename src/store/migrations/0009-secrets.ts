import type { Migration } from "../migrate.ts";

/** The shared store of secrets, by name; `allowed_hosts` is a JSON list. */
export const secrets: Migration = {
  version: 9,
  name: "secrets",
  up: (db) => {
    db.exec(`
      CREATE TABLE secrets (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('secret', 'env')),
        value TEXT NOT NULL,
        allowed_hosts TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        updated_by TEXT
      ) STRICT, WITHOUT ROWID;
    `);
  },
};
