import type { Migration } from "../migrate.ts";

/** Leave for programs to attach to a session, until `expires_at`; `token_hash` is the SHA-256 of the token in hex. */
export const attachGrants: Migration = {
  version: 25,
  name: "attach-grants",
  up: (db) => {
    db.exec(`
      CREATE TABLE attach_grants (
        token_hash TEXT PRIMARY KEY,
        session_key TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        created_by TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX attach_grants_age ON attach_grants (expires_at);
    `);
  },
};
