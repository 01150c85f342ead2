import type { Migration } from "../migrate.ts";

/**
 * What goes out by channels. `idempotency_key` is the caller's: the same call again is answered from its row. `message` is
 * null once nothing is left to be sent; the row stays for a while, so that the call is known again.
 */
export const outbox: Migration = {
  version: 18,
  name: "outbox",
  up: (db) => {
    db.exec(`
      CREATE TABLE outbox (
        id TEXT PRIMARY KEY,
        method TEXT NOT NULL,
        idempotency_key TEXT NOT NULL,
        channel TEXT NOT NULL,
        account TEXT NOT NULL,
        mirror_key TEXT,
        message TEXT,
        state TEXT NOT NULL CHECK (state IN ('sending', 'queued', 'delivered', 'dead')),
        attempts INTEGER NOT NULL DEFAULT 0,
        next_at INTEGER,
        error TEXT,
        receipt TEXT,
        created_at INTEGER NOT NULL,
        UNIQUE (method, idempotency_key)
      ) STRICT;
      CREATE INDEX outbox_due ON outbox (next_at) WHERE state = 'queued';
      CREATE INDEX outbox_age ON outbox (created_at);
    `);
  },
};
