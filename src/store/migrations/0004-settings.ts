import type { Migration } from "../migrate.ts";

/** Small values that the gateway keeps over restarts: its own identity, the heartbeat switch. Values are JSON. */
export const settings: Migration = {
  version: 4,
  name: "settings",
  up: (db) => {
    db.exec(`
      CREATE TABLE settings (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `);
  },
};
