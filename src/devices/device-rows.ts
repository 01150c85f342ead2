import type { DeviceRole, PairedDevice, PairingRequest, StoredToken } from "./types.ts";

/** Rows of the database and what they stand for. An absent value is null in a row and undefined elsewhere. */

interface FactColumns {
  display_name: string | null;
  platform: string | null;
  device_family: string | null;
  client_id: string | null;
  client_mode: string | null;
  remote_ip: string | null;
}

export type DeviceRow = FactColumns & {
  device_id: string;
  public_key: string;
  operator_label: string | null;
  role: DeviceRole;
  roles: string;
  scopes: string;
  approved_via: PairedDevice["approvedVia"];
  created_at: number;
  approved_at: number;
  last_seen_at: number | null;
  last_seen_reason: string | null;
};

export type TokenRow = {
  device_id: string;
  role: DeviceRole;
  seed: string;
  hash: string;
  scopes: string;
  created_at: number;
  rotated_at: number | null;
  revoked_at: number | null;
  last_used_at: number | null;
};

export type RequestRow = FactColumns & {
  request_id: string;
  device_id: string;
  public_key: string;
  role: DeviceRole;
  roles: string;
  scopes: string;
  silent: number;
  is_repair: number;
  requested_at: number;
  retried_at: number;
};

const factsOf = (row: FactColumns) => ({
  displayName: row.display_name ?? undefined,
  platform: row.platform ?? undefined,
  deviceFamily: row.device_family ?? undefined,
  clientId: row.client_id ?? undefined,
  clientMode: row.client_mode ?? undefined,
});

export const deviceOf = (row: DeviceRow): PairedDevice => ({
  deviceId: row.device_id,
  publicKey: row.public_key,
  ...factsOf(row),
  operatorLabel: row.operator_label ?? undefined,
  role: row.role,
  roles: JSON.parse(row.roles),
  scopes: JSON.parse(row.scopes),
  remoteIp: row.remote_ip ?? undefined,
  approvedVia: row.approved_via,
  createdAtMs: row.created_at,
  approvedAtMs: row.approved_at,
  lastSeenAtMs: row.last_seen_at ?? undefined,
  lastSeenReason: row.last_seen_reason ?? undefined,
});

export const tokenOf = (row: TokenRow): StoredToken => ({
  role: row.role,
  scopes: JSON.parse(row.scopes),
  seed: row.seed,
  hash: row.hash,
  createdAtMs: row.created_at,
  rotatedAtMs: row.rotated_at ?? undefined,
  revokedAtMs: row.revoked_at ?? undefined,
  lastUsedAtMs: row.last_used_at ?? undefined,
});

export const requestOf = (row: RequestRow): PairingRequest => ({
  requestId: row.request_id,
  deviceId: row.device_id,
  publicKey: row.public_key,
  ...factsOf(row),
  role: row.role,
  roles: JSON.parse(row.roles),
  scopes: JSON.parse(row.scopes),
  remoteIp: row.remote_ip ?? undefined,
  silent: row.silent === 1,
  isRepair: row.is_repair === 1,
  ts: row.requested_at,
  retriedAtMs: row.retried_at,
});

const factColumns = (source: PairedDevice | PairingRequest): FactColumns => ({
  display_name: source.displayName ?? null,
  platform: source.platform ?? null,
  device_family: source.deviceFamily ?? null,
  client_id: source.clientId ?? null,
  client_mode: source.clientMode ?? null,
  remote_ip: source.remoteIp ?? null,
});

export const deviceRow = (device: PairedDevice): DeviceRow => ({
  device_id: device.deviceId,
  public_key: device.publicKey,
  ...factColumns(device),
  operator_label: device.operatorLabel ?? null,
  role: device.role,
  roles: JSON.stringify(device.roles),
  scopes: JSON.stringify(device.scopes),
  approved_via: device.approvedVia,
  created_at: device.createdAtMs,
  approved_at: device.approvedAtMs,
  last_seen_at: device.lastSeenAtMs ?? null,
  last_seen_reason: device.lastSeenReason ?? null,
});

export const tokenRow = (deviceId: string, token: StoredToken): TokenRow => ({
  device_id: deviceId,
  role: token.role,
  seed: token.seed,
  hash: token.hash,
  scopes: JSON.stringify(token.scopes),
  created_at: token.createdAtMs,
  rotated_at: token.rotatedAtMs ?? null,
  revoked_at: token.revokedAtMs ?? null,
  last_used_at: token.lastUsedAtMs ?? null,
});

export const requestRow = (request: PairingRequest): RequestRow => ({
  request_id: request.requestId,
  device_id: request.deviceId,
  public_key: request.publicKey,
  ...factColumns(request),
  role: request.role,
  roles: JSON.stringify(request.roles),
  scopes: JSON.stringify(request.scopes),
  silent: request.silent ? 1 : 0,
  is_repair: request.isRepair ? 1 : 0,
  requested_at: request.ts,
  retried_at: request.retriedAtMs,
});
