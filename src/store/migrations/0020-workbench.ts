import type { Migration } from "../migrate.ts";

/**
 * What people keep beside their conversations: cards on the progress of a session (`lifecycle` is the revision of the session
 * that a reset changes), boards, suggestions of further work, and
 * checkouts that were registered as projects. `steps` and `tabs` are JSON lists.
 */
export const workbench: Migration = {
  version: 20,
  name: "workbench",
  up: (db) => {
    db.exec(`
      CREATE TABLE progress_cards (
        session_key TEXT PRIMARY KEY REFERENCES sessions (key) ON DELETE CASCADE,
        lifecycle TEXT NOT NULL,
        revision INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        markdown TEXT,
        steps TEXT
      ) STRICT;

      CREATE TABLE boards (
        session_key TEXT PRIMARY KEY REFERENCES sessions (key) ON DELETE CASCADE,
        revision INTEGER NOT NULL,
        tabs TEXT NOT NULL
      ) STRICT;

      CREATE TABLE task_suggestions (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        prompt TEXT NOT NULL,
        tldr TEXT NOT NULL,
        cwd TEXT NOT NULL,
        session_key TEXT NOT NULL,
        agent_id TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE projects (
        id TEXT PRIMARY KEY,
        display_name TEXT NOT NULL,
        repo_root TEXT NOT NULL UNIQUE,
        created_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `);
  },
};
