import type { Migration } from "../migrate.ts";

/** What a message says, as SQL: its text, or its text parts one below the other. Pictures, thoughts and calls are not said. */
const TEXT = (row: string): string => `CASE json_type(${row}.body, '$.content')
  WHEN 'text' THEN ${row}.body ->> '$.content'
  ELSE (SELECT group_concat(value ->> 'text', char(10)) FROM json_each(${row}.body, '$.content') WHERE value ->> 'type' = 'text')
END`;

const IS_SAID = (row: string): string => `${row}.role IN ('user', 'assistant')`;

/** Where a message stands, in one number that its row in the index bears: transcript, then position. */
const PLACE = (row: string): string => `(${row}.transcript << 32) | ${row}.seq`;

/**
 * The full-text index over what was said, kept by triggers in the transaction that stores or removes a message; it
 * holds no texts of its own. And the groups that sessions are sorted into (`category` in their records) with the order
 * of the sections of a session list.
 */
export const sessionSearch: Migration = {
  version: 7,
  name: "session-search",
  up: (db) => {
    db.exec(`
      CREATE VIRTUAL TABLE message_search USING fts5(
        text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
      );
      INSERT INTO message_search (rowid, text)
        SELECT ${PLACE("m")}, ${TEXT("m")} FROM messages AS m WHERE ${IS_SAID("m")};
      CREATE TRIGGER messages_said AFTER INSERT ON messages WHEN ${IS_SAID("new")} BEGIN
        INSERT INTO message_search (rowid, text) VALUES (${PLACE("new")}, ${TEXT("new")});
      END;
      CREATE TRIGGER messages_unsaid AFTER DELETE ON messages WHEN ${IS_SAID("old")} BEGIN
        DELETE FROM message_search WHERE rowid = ${PLACE("old")};
      END;

      CREATE TABLE session_groups (
        name TEXT PRIMARY KEY,
        position INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE session_sections (
        id TEXT PRIMARY KEY,
        position INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX sessions_by_category ON sessions (entry ->> '$.category', key);
      INSERT INTO session_groups (name, position)
        SELECT category, row_number() OVER (ORDER BY first) FROM (
          SELECT entry ->> '$.category' AS category, min(rowid) AS first FROM sessions
          WHERE entry ->> '$.category' IS NOT NULL GROUP BY 1
        );
    `);
  },
};
