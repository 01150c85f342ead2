import type { Migration } from "../migrate.ts";

/**
 * Marks transcripts that were left by a rewind or a switch of branches, so that a session can go back to them. Those that
 * a reset ended are not marked.
 */
export const branches: Migration = {
  version: 13,
  name: "branches",
  up: (db) => db.exec("ALTER TABLE transcripts ADD COLUMN branch INTEGER NOT NULL DEFAULT 0"),
};
