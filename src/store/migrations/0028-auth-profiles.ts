import type { Migration } from "../migrate.ts";

/**
 * Accounts with model providers. `agent_id` is empty for those that all agents share. `auth_health` is kept apart from
 * the credentials, and also for keys of the configuration and the environment, which have no profile. `auth_pins` is
 * the account that a session stays with, so that the provider's caches stay warm.
 */
export const authProfiles: Migration = {
  version: 28,
  name: "auth-profiles",
  up: (db) => {
    db.exec(`
      CREATE TABLE auth_profiles (
        agent_id TEXT NOT NULL,
        profile_id TEXT NOT NULL,
        provider TEXT NOT NULL,
        credential TEXT NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (agent_id, profile_id)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE auth_health (
        agent_id TEXT NOT NULL,
        profile_id TEXT NOT NULL,
        last_used INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        failed_at INTEGER NOT NULL,
        cooldown_until INTEGER NOT NULL,
        cooldown_model TEXT,
        disabled_until INTEGER NOT NULL,
        reason TEXT,
        PRIMARY KEY (agent_id, profile_id)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE auth_orders (
        agent_id TEXT NOT NULL,
        provider TEXT NOT NULL,
        profile_ids TEXT NOT NULL,
        PRIMARY KEY (agent_id, provider)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE auth_pins (
        session_key TEXT NOT NULL,
        provider TEXT NOT NULL,
        session_id TEXT NOT NULL,
        profile_id TEXT NOT NULL,
        source TEXT NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (session_key, provider)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX auth_pins_by_age ON auth_pins (updated_at);
    `);
  },
};
