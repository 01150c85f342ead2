import type { Database } from "bun:sqlite";
import { MIGRATIONS } from "./migrations/index.ts";

/** One step of the schema. Steps are append-only: a released one is never edited. */
export interface Migration {
  /** Position in the sequence, from 1, without gaps. */
  version: number;
  name: string;
  up(db: Database): void;
}

/** The database belongs to a later release. */
export class NewerDatabase extends Error {}

/**
 * Brings the schema from whatever version the file has to the newest, each step in its own transaction.
 * @throws NewerDatabase when the file was written by a newer release, because writing to it could lose data.
 */
export function migrate(db: Database, migrations: readonly Migration[] = MIGRATIONS): void {
  const current = (db.query("PRAGMA user_version").get() as { user_version: number }).user_version;
  const newest = migrations.length;
  if (current > newest) {
    throw new NewerDatabase(
      `The database is at schema version ${current}, this release knows ${newest}. Start the newer release, or restore a backup.`,
    );
  }
  for (const step of migrations.slice(current)) {
    db.transaction(() => {
      step.up(db);
      db.exec(`PRAGMA user_version = ${step.version}`);
    })();
  }
}
