import type { Migration } from "../migrate.ts";

/** Nodes of older releases, which are known by a name and a token. `data` is JSON; `token_hash` is set once approved. */
export const namedNodes: Migration = {
  version: 24,
  name: "named-nodes",
  up: (db) => {
    db.exec(`
      CREATE TABLE named_nodes (
        node_id TEXT PRIMARY KEY,
        request_id TEXT UNIQUE,
        requested_at INTEGER,
        token_hash TEXT,
        created_at INTEGER,
        approved_at INTEGER,
        data TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `);
  },
};
