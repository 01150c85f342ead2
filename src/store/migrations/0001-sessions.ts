import type { Migration } from "../migrate.ts";

export const sessions: Migration = {
  version: 1,
  name: "sessions",
  up: () => {},
};
