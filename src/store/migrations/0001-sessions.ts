import type { Migration } from "../migrate.ts";

/**
 * Sessions and what was said in them. A session's record is one JSON document (`entry`); what lists are filtered and
 * sorted by stands beside it in columns of its own. A session keeps its transcripts in sequence: a reset ends one and begins
 * another under the same session id; the one without an end is at work. `session_creations` remembers for a while which
 * session an idempotency key made.
 */
export const sessions: Migration = {
  version: 1,
  name: "sessions",
  up: (db) => {
    db.exec(`
      CREATE TABLE sessions (
        key TEXT PRIMARY KEY,
        agent_id TEXT NOT NULL,
        session_id TEXT NOT NULL,
        updated_at INTEGER NOT NULL,
        last_interaction_at INTEGER,
        activity_at INTEGER NOT NULL,
        archived INTEGER NOT NULL,
        pinned INTEGER NOT NULL,
        label TEXT,
        spawned_by TEXT,
        key_uuid TEXT,
        route_channel TEXT,
        route_to TEXT,
        route_account TEXT,
        title TEXT,
        preview TEXT,
        search TEXT NOT NULL,
        entry TEXT NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX sessions_by_id ON sessions (session_id);
      CREATE UNIQUE INDEX sessions_by_label ON sessions (label, agent_id) WHERE label IS NOT NULL;
      CREATE INDEX sessions_listed ON sessions (archived, pinned DESC, updated_at DESC, key);
      CREATE INDEX sessions_listed_by_agent ON sessions (agent_id, archived, pinned DESC, updated_at DESC, key);
      CREATE INDEX sessions_by_agent ON sessions (agent_id, updated_at DESC, key);
      CREATE INDEX sessions_by_parent ON sessions (spawned_by, key) WHERE spawned_by IS NOT NULL;
      CREATE INDEX sessions_by_uuid ON sessions (key_uuid) WHERE key_uuid IS NOT NULL;
      CREATE INDEX sessions_by_route ON sessions (route_channel, route_to, route_account, updated_at DESC)
        WHERE route_channel IS NOT NULL;

      CREATE TABLE transcripts (
        id INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL,
        session_key TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        messages INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE UNIQUE INDEX transcripts_at_work ON transcripts (session_id) WHERE ended_at IS NULL;
      CREATE INDEX transcripts_by_session ON transcripts (session_id);
      CREATE INDEX transcripts_by_key ON transcripts (session_key);

      CREATE TABLE messages (
        transcript INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        id TEXT NOT NULL,
        role TEXT NOT NULL,
        recorded_at INTEGER NOT NULL,
        idempotency_key TEXT,
        body TEXT NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX messages_by_seq ON messages (transcript, seq);
      CREATE UNIQUE INDEX messages_by_id ON messages (transcript, id);
      CREATE UNIQUE INDEX messages_by_idempotency ON messages (transcript, idempotency_key)
        WHERE idempotency_key IS NOT NULL;

      CREATE TABLE session_creations (
        principal TEXT NOT NULL,
        idempotency_key TEXT NOT NULL,
        request TEXT NOT NULL,
        session_key TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (principal, idempotency_key)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX session_creations_by_time ON session_creations (created_at);
    `);
  },
};
