import type { Migration } from "../migrate.ts";

/**
 * What a person is known by, in small letters; several names may be one person's. Profiles that were merged into another
 * name it in `merged_into`. Pictures, and the mentions that wait for people. `user_profiles.identity` is no longer used.
 */
export const people: Migration = {
  version: 27,
  name: "people",
  up: (db) => {
    db.exec(`
      CREATE TABLE user_identities (
        identity TEXT PRIMARY KEY,
        profile_id TEXT NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX user_identities_profile ON user_identities (profile_id);
      INSERT INTO user_identities (identity, profile_id)
        SELECT lower(trim(identity)), id FROM user_profiles WHERE identity IS NOT NULL ORDER BY created_at
        ON CONFLICT DO NOTHING;
      UPDATE user_profiles SET identity = NULL;
      ALTER TABLE user_profiles ADD COLUMN merged_into TEXT;
      CREATE TABLE user_avatars (
        profile_id TEXT PRIMARY KEY REFERENCES user_profiles (id) ON DELETE CASCADE,
        mime TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        bytes BLOB NOT NULL
      ) STRICT;
      CREATE TABLE user_mentions (
        id TEXT PRIMARY KEY,
        profile_id TEXT NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
        sender_id TEXT NOT NULL,
        session_key TEXT NOT NULL,
        agent_id TEXT NOT NULL,
        message_id TEXT NOT NULL,
        excerpt TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        dismissed INTEGER NOT NULL DEFAULT 0,
        UNIQUE (profile_id, message_id)
      ) STRICT;
      CREATE INDEX user_mentions_age ON user_mentions (created_at);
    `);
  },
};
