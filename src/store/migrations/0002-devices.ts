import type { Migration } from "../migrate.ts";

/**
 * Paired devices with a token per role, requests that wait for approval, and setup codes. Of a secret only the hash
 * is here. Times are epoch milliseconds; roles and scopes are JSON lists of text.
 */
export const devices: Migration = {
  version: 2,
  name: "devices",
  up: (db) => {
    db.exec(`
      CREATE TABLE devices (
        device_id TEXT PRIMARY KEY,
        public_key TEXT NOT NULL,
        display_name TEXT,
        operator_label TEXT,
        platform TEXT,
        device_family TEXT,
        client_id TEXT,
        client_mode TEXT,
        role TEXT NOT NULL,
        roles TEXT NOT NULL,
        scopes TEXT NOT NULL,
        remote_ip TEXT,
        approved_via TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        approved_at INTEGER NOT NULL,
        last_seen_at INTEGER
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX devices_by_approval ON devices (approved_at);

      CREATE TABLE device_tokens (
        device_id TEXT NOT NULL REFERENCES devices (device_id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        seed TEXT NOT NULL,
        hash TEXT NOT NULL,
        scopes TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        rotated_at INTEGER,
        revoked_at INTEGER,
        last_used_at INTEGER,
        PRIMARY KEY (device_id, role)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE device_requests (
        request_id TEXT PRIMARY KEY,
        device_id TEXT NOT NULL UNIQUE,
        public_key TEXT NOT NULL,
        display_name TEXT,
        platform TEXT,
        device_family TEXT,
        client_id TEXT,
        client_mode TEXT,
        role TEXT NOT NULL,
        roles TEXT NOT NULL,
        scopes TEXT NOT NULL,
        remote_ip TEXT,
        silent INTEGER NOT NULL,
        is_repair INTEGER NOT NULL,
        requested_at INTEGER NOT NULL,
        retried_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX device_requests_by_retry ON device_requests (retried_at);

      CREATE TABLE device_setups (
        setup_id TEXT PRIMARY KEY,
        hash TEXT NOT NULL UNIQUE,
        created_at INTEGER NOT NULL,
        data TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `);
  },
};
