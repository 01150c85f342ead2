import type { Database } from "bun:sqlite";
import type { Store } from "../store/store.ts";
import type { SetupAccess } from "./setups.ts";
import type { DeviceRole } from "./types.ts";

export interface SetupRow {
  setupId: string;
  /** Hex SHA-256 of the token. */
  hash: string;
  access: SetupAccess;
  createdAtMs: number;
  expiresAtMs: number;
  /** The device and role that presented the code first. */
  deviceId?: string;
  role?: DeviceRole;
  deviceName?: string;
  consumedAtMs?: number;
  completedAtMs?: number;
}

export interface SetupBounds {
  setupCodesMax: number;
  /** Milliseconds for which a code's outcome can be asked for. */
  setupOutcomeTtlMs: number;
}

/** Setup codes in the database, found by the hash of their token. */
export class SetupRepository {
  constructor(
    private readonly store: Store,
    private readonly bounds: SetupBounds,
  ) {}

  /** Stores a code. Beyond the bound the oldest go. */
  create(setup: SetupRow): Promise<void> {
    return this.store.write((db) => {
      const { setupCodesMax, setupOutcomeTtlMs } = this.bounds;
      db.query("DELETE FROM device_setups WHERE created_at <= ?").run(setup.createdAtMs - setupOutcomeTtlMs);
      save(db, setup);
      db.query(
        `DELETE FROM device_setups WHERE setup_id IN (
           SELECT setup_id FROM device_setups ORDER BY created_at DESC, setup_id LIMIT -1 OFFSET ?)`,
      ).run(setupCodesMax);
    });
  }

  find(setupId: string, now: number): Promise<SetupRow | null> {
    const oldest = now - this.bounds.setupOutcomeTtlMs;
    return this.store.read((db) => {
      const row = db.query("SELECT data FROM device_setups WHERE setup_id = ? AND created_at > ?").get(setupId, oldest);
      return row === null ? null : parse(row);
    });
  }

  change<T>(hash: string, decide: (setup: SetupRow | null) => { setup?: SetupRow; result: T }): Promise<T> {
    return this.store.write((db) => {
      const row = db.query("SELECT data FROM device_setups WHERE hash = ?").get(hash);
      const { setup, result } = decide(row === null ? null : parse(row));
      if (setup !== undefined) save(db, setup);
      return result;
    });
  }
}

const parse = (row: unknown): SetupRow => JSON.parse((row as { data: string }).data) as SetupRow;

function save(db: Database, setup: SetupRow): void {
  db.query(
    `INSERT INTO device_setups (setup_id, hash, created_at, data) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (setup_id) DO UPDATE SET data = ?4`,
  ).run(setup.setupId, setup.hash, setup.createdAtMs, JSON.stringify(setup));
}
