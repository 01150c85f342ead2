import type { Migration } from "../migrate.ts";

/**
 * People who use the gateway, and what they prefer. `identity` is the name by which a proxy in front of the gateway
 * knows a person; the owner's profile has none. `value` is JSON.
 */
export const users: Migration = {
  version: 22,
  name: "users",
  up: (db) => {
    db.exec(`
      CREATE TABLE user_profiles (
        id TEXT PRIMARY KEY,
        identity TEXT UNIQUE,
        display_name TEXT,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE user_preferences (
        profile_id TEXT NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (profile_id, key)
      ) STRICT, WITHOUT ROWID;
    `);
  },
};
