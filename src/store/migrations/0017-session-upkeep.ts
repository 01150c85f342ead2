import type { Migration } from "../migrate.ts";

/**
 * What new sessions of a group begin with. And an index over the few marks among the messages of a transcript, by which
 * the newest summary is found however long the transcript is.
 */
export const sessionUpkeep: Migration = {
  version: 17,
  name: "session-upkeep",
  up: (db) => {
    db.exec(`
      ALTER TABLE session_groups ADD COLUMN cwd TEXT;
      ALTER TABLE session_groups ADD COLUMN worktree INTEGER;
      CREATE INDEX messages_marks ON messages (transcript, seq) WHERE role = 'system';
    `);
  },
};
