import type { Migration } from "../migrate.ts";

/**
 * What engines said of files and addresses (`kind`), each by its SHA-256 in hex. `known` is 0 for one that nobody had shown
 * to them. `reputation_calls` holds when the service was asked, for the last day. Times are epoch milliseconds.
 */
export const reputations: Migration = {
  version: 39,
  name: "reputations",
  up: (db) => {
    db.exec(`
      CREATE TABLE reputations (
        kind TEXT NOT NULL CHECK (kind IN ('file', 'url')),
        sha256 TEXT NOT NULL,
        fetched_at INTEGER NOT NULL,
        known INTEGER NOT NULL CHECK (known IN (0, 1)),
        malicious INTEGER NOT NULL,
        suspicious INTEGER NOT NULL,
        clean INTEGER NOT NULL,
        analysed_at INTEGER,
        PRIMARY KEY (kind, sha256)
      ) STRICT;
      CREATE INDEX reputations_fetched ON reputations (fetched_at);
      CREATE TABLE reputation_calls (at INTEGER NOT NULL) STRICT;
    `);
  },
};
