import type { Migration } from "../migrate.ts";

/** Notes that a scheduled job keeps for its own runs. They go with their job. */
export const cronScratch: Migration = {
  version: 21,
  name: "cron-scratch",
  up: (db) => {
    db.exec(`
      CREATE TABLE cron_scratch (
        job_id TEXT PRIMARY KEY REFERENCES cron_jobs (id) ON DELETE CASCADE,
        content TEXT,
        revision INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
    `);
  },
};
