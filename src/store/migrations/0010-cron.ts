import type { Migration } from "../migrate.ts";

/**
 * Notes for the next turn of a session. Scheduled jobs and the history of their runs. A run is written down before it begins: one without an end, found at
 * the next start, was cut off. Runs outlive their job.
 */
export const cron: Migration = {
  version: 10,
  name: "cron",
  up: (db) => {
    db.exec(`
      CREATE TABLE cron_jobs (
        id TEXT PRIMARY KEY,
        declaration_key TEXT UNIQUE,
        enabled INTEGER NOT NULL,
        next_run_at INTEGER,
        data TEXT NOT NULL
      ) STRICT;
      CREATE INDEX cron_jobs_due ON cron_jobs (next_run_at) WHERE next_run_at IS NOT NULL;
      CREATE TABLE cron_runs (
        seq INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL UNIQUE,
        job_id TEXT NOT NULL,
        agent_id TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        status TEXT,
        delivery_status TEXT,
        data TEXT NOT NULL
      ) STRICT;
      CREATE INDEX cron_runs_job ON cron_runs (job_id, ended_at);
      CREATE INDEX cron_runs_ended ON cron_runs (ended_at) WHERE ended_at IS NOT NULL;
      CREATE TABLE system_events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        session_key TEXT NOT NULL,
        ts INTEGER NOT NULL,
        text TEXT NOT NULL,
        trusted INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX system_events_session ON system_events (session_key, seq);
      CREATE INDEX cron_runs_unfinished ON cron_runs (seq) WHERE ended_at IS NULL;
    `);
  },
};
