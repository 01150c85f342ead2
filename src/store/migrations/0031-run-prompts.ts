import type { Migration } from "../migrate.ts";

/** What programs asked for in their runs, in the beginning of its words: by it people know a task. Null for chats. */
export const runPrompts: Migration = {
  version: 31,
  name: "run-prompts",
  up: (db) => {
    db.exec("ALTER TABLE runs ADD COLUMN prompt TEXT");
  },
};
