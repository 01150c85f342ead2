import type { Migration } from "../migrate.ts";

/** What the defender decided as a sidecar about approvals of another gateway, and whether its answer has arrived. */
export const sidecarApprovals: Migration = {
  version: 38,
  name: "sidecar-approvals",
  up: (db) => {
    db.exec(`
      CREATE TABLE sidecar_approvals (
        key TEXT PRIMARY KEY,
        at INTEGER NOT NULL,
        outcome TEXT,
        body TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX sidecar_approvals_by_age ON sidecar_approvals (at);
      CREATE INDEX sidecar_approvals_unsent ON sidecar_approvals (at) WHERE outcome IS NULL;
    `);
  },
};
