import type { Migration } from "../migrate.ts";

export const runs: Migration = {
  version: 3,
  name: "runs",
  up: () => {},
};
