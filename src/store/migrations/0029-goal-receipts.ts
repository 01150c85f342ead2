import type { Migration } from "../migrate.ts";

/** What operations on goals were answered, so that a client that heard no answer can ask again. */
export const goalReceipts: Migration = {
  version: 29,
  name: "goal-receipts",
  up: (db) => {
    db.exec(`
      CREATE TABLE goal_receipts (
        session_id TEXT NOT NULL,
        operation_id TEXT NOT NULL,
        request_hash TEXT NOT NULL,
        issued_at INTEGER NOT NULL,
        result TEXT NOT NULL,
        PRIMARY KEY (session_id, operation_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX goal_receipts_age ON goal_receipts (issued_at);
    `);
  },
};
