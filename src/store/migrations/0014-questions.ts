import type { Migration } from "../migrate.ts";

/**
 * Questions of agents, waiting and ended (`data` is the whole record as JSON); the one document of which commands run
 * without asking; and the standing permissions of automations, kept after they were revoked.
 */
export const questions: Migration = {
  version: 14,
  name: "questions",
  up: (db) => {
    db.exec(`
      CREATE TABLE questions (
        id TEXT PRIMARY KEY,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        resolved_at INTEGER,
        data TEXT NOT NULL
      ) STRICT;
      CREATE INDEX questions_waiting ON questions (expires_at) WHERE resolved_at IS NULL;
      CREATE INDEX questions_ended ON questions (resolved_at) WHERE resolved_at IS NOT NULL;

      CREATE TABLE exec_approvals_config (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        document TEXT NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE approval_grants (
        grant_id TEXT PRIMARY KEY,
        approval_id TEXT NOT NULL,
        agent_id TEXT NOT NULL,
        cron_job_id TEXT NOT NULL,
        cron_job_name TEXT,
        command TEXT NOT NULL,
        cwd TEXT,
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        revoked_at INTEGER,
        revoked_by TEXT,
        last_used_at INTEGER,
        use_count INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE INDEX approval_grants_age ON approval_grants (created_at);
    `);
  },
};
