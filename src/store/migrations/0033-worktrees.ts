import type { Migration } from "../migrate.ts";

/** Checkouts made for pieces of work; `removed_at` and `snapshot_ref` of those that were taken away and can be had back. */
export const worktrees: Migration = {
  version: 33,
  name: "worktrees",
  up: (db) => {
    db.exec(`
      CREATE TABLE worktrees (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        repo_fingerprint TEXT NOT NULL,
        repo_root TEXT NOT NULL,
        path TEXT NOT NULL,
        branch TEXT NOT NULL,
        base_ref TEXT NOT NULL,
        snapshot_ref TEXT,
        created_at INTEGER NOT NULL,
        last_active_at INTEGER NOT NULL,
        removed_at INTEGER,
        UNIQUE (repo_fingerprint, name)
      ) STRICT;
    `);
  },
};
