import type { Migration } from "../migrate.ts";

/**
 * What nodes were asked for, by a hash of who asked and the idempotency key. `answer` is JSON and absent while the node
 * is at work; times are epoch milliseconds.
 */
export const nodeInvocations: Migration = {
  version: 23,
  name: "node-invocations",
  up: (db) => {
    db.exec(`
      CREATE TABLE node_invocations (
        id TEXT PRIMARY KEY,
        device_id TEXT NOT NULL REFERENCES devices (device_id) ON DELETE CASCADE,
        began_at INTEGER NOT NULL,
        ended_at INTEGER,
        answer TEXT
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX node_invocations_ended ON node_invocations (ended_at) WHERE ended_at IS NOT NULL;
      CREATE INDEX node_invocations_device ON node_invocations (device_id);
    `);
  },
};
