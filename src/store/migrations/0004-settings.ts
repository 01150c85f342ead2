import type { Migration } from "../migrate.ts";

export const settings: Migration = {
  version: 4,
  name: "settings",
  up: () => {},
};
