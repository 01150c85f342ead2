import type { Migration } from "../migrate.ts";

/** Tasks whose results are not told but fetched by the session that gave them. */
export const subagentCollectors: Migration = {
  version: 37,
  name: "subagent-collectors",
  up: (db) => {
    db.exec("ALTER TABLE subagents ADD COLUMN collects INTEGER NOT NULL DEFAULT 0");
  },
};
