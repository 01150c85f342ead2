import type { Migration } from "../migrate.ts";

/** When a message was given up, epoch milliseconds; null where that was before this was noted. */
export const outboxFailures: Migration = {
  version: 26,
  name: "outbox-failures",
  up: (db) => {
    db.exec(`
      ALTER TABLE outbox ADD COLUMN failed_at INTEGER;
      CREATE INDEX outbox_dead ON outbox (created_at) WHERE state = 'dead';
    `);
  },
};
