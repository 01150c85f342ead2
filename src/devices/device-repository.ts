import type { Database } from "bun:sqlite";
import { GatewayError } from "../platform/errors.ts";
import type { Store } from "../store/store.ts";
import {
  type DeviceRow,
  deviceOf,
  deviceRow,
  type RequestRow,
  requestOf,
  requestRow,
  type TokenRow,
  tokenOf,
  tokenRow,
} from "./device-rows.ts";
import type { DeviceRole, DeviceState, PairedDevice, PairingRequest, StoredToken } from "./types.ts";

export interface DeviceBounds {
  /** Milliseconds after the device's last try when a request that nobody decided is gone. */
  pairingRequestTtlMs: number;
  pairingRequestsMax: number;
  /** Requests of one address; requests of local clients, which have none, count together. */
  pairingRequestsPerAddress: number;
  pairedDevicesMax: number;
}

/** What a change makes of a device. Without `state` nothing is written. */
export interface DeviceChange<T> {
  state?: DeviceState;
  result: T;
}

/**
 * Devices in the database. A device with its tokens and its request is read, changed and written as a whole in one
 * transaction; what the change is, a pure function decides.
 */
export class DeviceRepository {
  constructor(
    private readonly store: Store,
    private readonly bounds: DeviceBounds,
  ) {}

  read(deviceId: string, now: number): Promise<DeviceState> {
    return this.store.read((db) => this.stateOf(db, deviceId, now));
  }

  /** Every paired device with its tokens, latest approval first, and every waiting request, newest first. */
  readAll(
    now: number,
  ): Promise<{ paired: { device: PairedDevice; tokens: StoredToken[] }[]; requests: PairingRequest[] }> {
    return this.store.read((db) => {
      const tokens = Map.groupBy(
        (db.query("SELECT * FROM device_tokens ORDER BY role").all() as TokenRow[]).map((row) => ({
          deviceId: row.device_id,
          token: tokenOf(row),
        })),
        ({ deviceId }) => deviceId,
      );
      const devices = db.query("SELECT * FROM devices ORDER BY approved_at DESC, device_id").all() as DeviceRow[];
      const requests = db
        .query("SELECT * FROM device_requests WHERE retried_at > ? ORDER BY requested_at DESC, request_id")
        .all(now - this.bounds.pairingRequestTtlMs) as RequestRow[];
      return {
        paired: devices.map((row) => ({
          device: deviceOf(row),
          tokens: (tokens.get(row.device_id) ?? []).map(({ token }) => token),
        })),
        requests: requests.map(requestOf),
      };
    });
  }

  /** Looks a token up by its hash, which tells nobody how much of a guess was right. */
  hasActiveToken(hash: string, role: DeviceRole): Promise<boolean> {
    return this.store.read(
      (db) =>
        db
          .query("SELECT 1 FROM device_tokens WHERE hash = ? AND role = ? AND revoked_at IS NULL LIMIT 1")
          .get(hash, role) !== null,
    );
  }

  /** Changes one device. Resolves with the decision's result when the change is on disk. */
  change<T>(deviceId: string, now: number, decide: (state: DeviceState) => DeviceChange<T>): Promise<T> {
    return this.store.write((db) => this.apply(db, deviceId, now, decide));
  }

  /** Changes the device that a waiting request is of. `decide` gets null when there is no such request. */
  changeByRequest<T>(
    requestId: string,
    now: number,
    decide: (state: (DeviceState & { request: PairingRequest }) | null) => DeviceChange<T>,
  ): Promise<T> {
    return this.store.write((db) => {
      const row = db.query("SELECT device_id FROM device_requests WHERE request_id = ?").get(requestId);
      const deviceId = (row as { device_id: string } | null)?.device_id;
      if (deviceId === undefined) return decide(null).result;
      return this.apply(db, deviceId, now, (state) =>
        decide(state.request === null ? null : { ...state, request: state.request }),
      );
    });
  }

  /** Other devices that were paired silently and call themselves the same: program, mode and name. */
  silentTwins({ deviceId, clientId, clientMode, displayName }: PairedDevice): Promise<string[]> {
    return this.store.read((db) => {
      const rows = db
        .query(
          `SELECT device_id FROM devices WHERE approved_via = 'silent' AND device_id <> ?1
             AND client_id IS ?2 AND client_mode IS ?3 AND display_name IS ?4`,
        )
        .all(deviceId, clientId ?? null, clientMode ?? null, displayName ?? null) as { device_id: string }[];
      return rows.map((row) => row.device_id);
    });
  }

  /** Removes the given devices unless they changed since `approvedBeforeMs`. Returns those that are gone. */
  removeStale(deviceIds: readonly string[], approvedBeforeMs: number): Promise<string[]> {
    return this.store.write((db) => {
      const remove = db.query(
        "DELETE FROM devices WHERE device_id = ? AND approved_via = 'silent' AND approved_at < ? RETURNING device_id",
      );
      return deviceIds.filter((deviceId) => remove.get(deviceId, approvedBeforeMs) !== null);
    });
  }

  private apply<T>(db: Database, deviceId: string, now: number, decide: (state: DeviceState) => DeviceChange<T>): T {
    const before = this.stateOf(db, deviceId, now);
    const { state: after, result } = decide(before);
    if (after !== undefined) this.save(db, deviceId, before, after, now);
    return result;
  }

  private stateOf(db: Database, deviceId: string, now: number): DeviceState {
    const device = db.query("SELECT * FROM devices WHERE device_id = ?").get(deviceId) as DeviceRow | null;
    const tokens = db
      .query("SELECT * FROM device_tokens WHERE device_id = ? ORDER BY role")
      .all(deviceId) as TokenRow[];
    const request = db
      .query("SELECT * FROM device_requests WHERE device_id = ? AND retried_at > ?")
      .get(deviceId, now - this.bounds.pairingRequestTtlMs) as RequestRow | null;
    return {
      device: device && deviceOf(device),
      tokens: tokens.map(tokenOf),
      request: request && requestOf(request),
    };
  }

  private save(db: Database, deviceId: string, before: DeviceState, after: DeviceState, now: number): void {
    if (after.device === null) db.query("DELETE FROM devices WHERE device_id = ?").run(deviceId);
    else if (after.device !== before.device) {
      if (before.device === null) this.requireRoom(db);
      insert(db, "devices", deviceRow(after.device));
    }
    const known = new Set(before.tokens);
    for (const token of after.tokens) {
      if (!known.has(token)) insert(db, "device_tokens", tokenRow(deviceId, token));
    }
    if (after.request === before.request) return;
    db.query("DELETE FROM device_requests WHERE device_id = ?").run(deviceId);
    if (after.request === null) return;
    insert(db, "device_requests", requestRow(after.request));
    this.evict(db, after.request, now);
  }

  private requireRoom(db: Database): void {
    const { count } = db.query("SELECT count(*) AS count FROM devices").get() as { count: number };
    if (count < this.bounds.pairedDevicesMax) return;
    throw new GatewayError("UNAVAILABLE", "too many devices are paired; remove those that are no longer used");
  }

  /** Keeps the queue short: what is too old goes, then the oldest of the same address, then the oldest of the busiest. */
  private evict(db: Database, { requestId, remoteIp }: PairingRequest, now: number): void {
    const { pairingRequestTtlMs, pairingRequestsMax, pairingRequestsPerAddress } = this.bounds;
    db.query("DELETE FROM device_requests WHERE retried_at <= ?").run(now - pairingRequestTtlMs);
    db.query(
      `DELETE FROM device_requests WHERE request_id IN (
         SELECT request_id FROM device_requests WHERE remote_ip IS ?1 AND request_id <> ?2
         ORDER BY requested_at DESC, request_id LIMIT -1 OFFSET ?3)`,
    ).run(remoteIp ?? null, requestId, pairingRequestsPerAddress - 1);
    db.query(
      `DELETE FROM device_requests WHERE request_id IN (
         SELECT request_id FROM (
           SELECT request_id, requested_at, count(*) OVER (PARTITION BY remote_ip) AS crowd FROM device_requests)
         WHERE request_id <> ?1 ORDER BY crowd, requested_at DESC LIMIT -1 OFFSET ?2)`,
    ).run(requestId, pairingRequestsMax - 1);
  }
}

/** Writes a row whole, in the place of the one with the same key. Column names come from this file alone. */
function insert(db: Database, table: string, row: DeviceRow | TokenRow | RequestRow): void {
  const columns = Object.keys(row);
  const marks = columns.map(() => "?").join(", ");
  const updates = columns.map((column) => `${column} = excluded.${column}`).join(", ");
  const key = table === "device_tokens" ? "device_id, role" : table === "devices" ? "device_id" : "request_id";
  db.query(
    `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${marks}) ON CONFLICT (${key}) DO UPDATE SET ${updates}`,
  ).run(...(Object.values(row) as (string | number | null)[]));
}
