import type { Migration } from "../migrate.ts";

/** Where answers of runs go that are to be sent to a channel, until the outbox has them. */
export const replyRoutes: Migration = {
  version: 36,
  name: "reply-routes",
  up: (db) => {
    db.exec(`
      CREATE TABLE reply_routes (
        run_id TEXT PRIMARY KEY,
        session_key TEXT NOT NULL,
        place TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `);
  },
};
