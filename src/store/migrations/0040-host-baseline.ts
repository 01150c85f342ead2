import type { Migration } from "../migrate.ts";

/**
 * What guarded paths were when they were accepted (`facts` as JSON), and what was found of them since and nobody has
 * accepted. Times are epoch milliseconds.
 */
export const hostBaseline: Migration = {
  version: 40,
  name: "host-baseline",
  up: (db) => {
    db.exec(`
      CREATE TABLE host_baseline (
        path TEXT PRIMARY KEY,
        facts TEXT NOT NULL,
        accepted_at INTEGER NOT NULL,
        accepted_by TEXT NOT NULL
      ) STRICT;
      CREATE TABLE host_findings (
        path TEXT NOT NULL,
        problem TEXT NOT NULL,
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        PRIMARY KEY (path, problem)
      ) STRICT;
    `);
  },
};
