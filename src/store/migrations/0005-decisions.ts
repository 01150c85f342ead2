import type { Migration } from "../migrate.ts";

export const decisions: Migration = {
  version: 5,
  name: "decisions",
  up: () => {},
};
