import type { Migration } from "../migrate.ts";

export const devices: Migration = {
  version: 2,
  name: "devices",
  up: () => {},
};
