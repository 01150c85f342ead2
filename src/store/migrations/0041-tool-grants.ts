import type { Migration } from "../migrate.ts";

/** Calls of tools that a person has allowed for all times: just these arguments, for an agent, by words of this origin. */
export const toolGrants: Migration = {
  version: 41,
  name: "tool-grants",
  up: (db) => {
    db.exec(`
      CREATE TABLE tool_grants (
        agent_id TEXT NOT NULL,
        tool TEXT NOT NULL,
        origin TEXT NOT NULL,
        args_hash TEXT NOT NULL,
        approval_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (agent_id, tool, origin, args_hash)
      ) STRICT, WITHOUT ROWID;
    `);
  },
};
