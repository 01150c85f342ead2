import type { Migration } from "../migrate.ts";

/**
 * What operators approved of nodes, what nodes declared beyond it, and what waits for a node that sleeps. It all
 * belongs to a paired device and goes with it. `data` is JSON; times are epoch milliseconds.
 */
export const nodes: Migration = {
  version: 6,
  name: "nodes",
  up: (db) => {
    db.exec(`
      ALTER TABLE devices ADD COLUMN last_seen_reason TEXT;

      CREATE TABLE node_surfaces (
        device_id TEXT PRIMARY KEY REFERENCES devices (device_id) ON DELETE CASCADE,
        data TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE node_requests (
        device_id TEXT PRIMARY KEY REFERENCES devices (device_id) ON DELETE CASCADE,
        request_id TEXT NOT NULL UNIQUE,
        data TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE node_work (
        device_id TEXT NOT NULL REFERENCES devices (device_id) ON DELETE CASCADE,
        id TEXT NOT NULL,
        type TEXT NOT NULL,
        priority TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        PRIMARY KEY (device_id, type)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE node_work_revisions (
        device_id TEXT PRIMARY KEY REFERENCES devices (device_id) ON DELETE CASCADE,
        revision INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE node_actions (
        device_id TEXT NOT NULL REFERENCES devices (device_id) ON DELETE CASCADE,
        id TEXT NOT NULL,
        idempotency_key TEXT NOT NULL,
        command TEXT NOT NULL,
        params TEXT,
        enqueued_at INTEGER NOT NULL,
        PRIMARY KEY (device_id, id)
      ) STRICT, WITHOUT ROWID;
    `);
  },
};
