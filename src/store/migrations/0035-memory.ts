import type { Migration } from "../migrate.ts";

/**
 * What agents remember, as it is searched: the files and transcripts that were read (`hash`, `mtime` and `size` say
 * whether they have changed since), their pieces with the lines they stand on, the words of these, and vectors by the
 * model that made them and the hash of the text, which outlive the pieces so that the same text is not asked for twice.
 */
export const memory: Migration = {
  version: 35,
  name: "memory",
  up: (db) => {
    db.exec(`
      CREATE TABLE memory_files (
        id INTEGER PRIMARY KEY,
        agent_id TEXT NOT NULL,
        source TEXT NOT NULL,
        path TEXT NOT NULL,
        session_key TEXT,
        is_extra INTEGER NOT NULL,
        mtime INTEGER NOT NULL,
        size INTEGER NOT NULL,
        hash TEXT NOT NULL,
        UNIQUE (agent_id, source, path)
      ) STRICT;
      CREATE TABLE memory_chunks (
        id INTEGER PRIMARY KEY,
        file INTEGER NOT NULL REFERENCES memory_files (id) ON DELETE CASCADE,
        start_line INTEGER NOT NULL,
        end_line INTEGER NOT NULL,
        hash TEXT NOT NULL,
        text TEXT NOT NULL
      ) STRICT;
      CREATE INDEX memory_chunks_by_file ON memory_chunks (file);
      CREATE INDEX memory_chunks_by_hash ON memory_chunks (hash);
      CREATE TABLE memory_vectors (
        model TEXT NOT NULL,
        hash TEXT NOT NULL,
        vector BLOB NOT NULL,
        made_at INTEGER NOT NULL,
        PRIMARY KEY (model, hash)
      ) STRICT;
      CREATE VIRTUAL TABLE memory_search USING fts5(
        text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
      );
      CREATE TRIGGER memory_chunks_added AFTER INSERT ON memory_chunks BEGIN
        INSERT INTO memory_search (rowid, text) VALUES (new.id, new.text);
      END;
      CREATE TRIGGER memory_chunks_gone AFTER DELETE ON memory_chunks BEGIN
        DELETE FROM memory_search WHERE rowid = old.id;
      END;
    `);
  },
};
