import { uuid } from "../platform/ids.ts";
import { coversAll, union } from "./scopes.ts";
import { activeToken, type TokenKey, withNewToken } from "./tokens.ts";
import type { ApprovedVia, DeviceFacts, DeviceRole, DeviceState, PairedDevice, PairingRequest } from "./types.ts";

/** What a device wants when it connects, its key already proven. */
export interface PairingWish {
  deviceId: string;
  publicKey: string;
  role: DeviceRole;
  scopes: readonly string[];
  facts: DeviceFacts;
  remoteIp?: string;
}

/** Why a wish needs an approval. */
export type PairingReason = "not-paired" | "metadata-upgrade" | "role-upgrade" | "scope-upgrade";

/** What stands between the wish and what was approved, or null when it is covered (docs: gateway/pairing). */
export function pairingGap(state: DeviceState, wish: PairingWish): PairingReason | null {
  const { device } = state;
  if (device === null) return "not-paired";
  const isSamePlatform = isPinned(platformName(device.platform), platformName(wish.facts.platform));
  if (!isSamePlatform || !isPinned(device.deviceFamily, wish.facts.deviceFamily)) return "metadata-upgrade";
  if (activeToken(state, wish.role) === undefined) return "role-upgrade";
  if (wish.role === "operator" && !coversAll(device.scopes, wish.scopes)) return "scope-upgrade";
  return null;
}

/**
 * Platform and family decide which commands a node may run, so the values of the approval count. Only ASCII letters
 * are folded: a look-alike from another alphabet is a different value (GHSA-r65x-2hqr-j5hf). What follows the first
 * space of a platform is its version, which a system update may change.
 */
function isPinned(approved: string | undefined, claimed: string | undefined): boolean {
  return approved === undefined || plain(approved) === plain(claimed ?? "");
}

const plain = (text: string): string => text.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
const platformName = (text: string | undefined): string | undefined => text?.trim().replace(/\s.*$/s, "");

/**
 * The request that stands for a wish. One that waits already and covers it is kept, with the newest facts; otherwise
 * a new one takes its place under a new id, so that nobody approves more than they have seen.
 */
export function requestFor(state: DeviceState, wish: PairingWish, silent: boolean, now: number): PairingRequest {
  const { request: waiting, device } = state;
  const { deviceId, publicKey, role, facts, remoteIp } = wish;
  const isCovered = waiting?.role === role && wish.scopes.every((scope) => waiting.scopes.includes(scope));
  if (waiting !== null && isCovered) return { ...waiting, ...facts, retriedAtMs: now };
  return {
    requestId: uuid(),
    deviceId,
    publicKey,
    ...facts,
    role,
    roles: union(waiting?.roles ?? [], [role]),
    scopes: union(waiting?.scopes ?? [], wish.scopes),
    ...(remoteIp !== undefined && { remoteIp }),
    silent,
    isRepair: device !== null,
    ts: now,
    retriedAtMs: now,
  };
}

/** What an approval gives. */
export type Grant = Omit<PairingWish, "role"> & { role: DeviceRole; roles: readonly DeviceRole[]; via: ApprovedVia };

/** The state after an approval: what was approved before stays, each role of the grant gets a new token. */
export function approve(key: TokenKey, state: DeviceState, grant: Grant, now: number): DeviceState {
  const { deviceId, publicKey, role, roles, scopes, facts, remoteIp, via } = grant;
  const before = state.device;
  const device: PairedDevice = {
    deviceId,
    publicKey,
    ...facts,
    operatorLabel: before?.operatorLabel,
    role,
    roles: union(before?.roles ?? [], roles),
    scopes: union(before?.scopes ?? [], roles.includes("operator") ? scopes : []),
    remoteIp: remoteIp ?? before?.remoteIp,
    approvedVia: via,
    createdAtMs: before?.createdAtMs ?? now,
    approvedAtMs: now,
    lastSeenAtMs: before?.lastSeenAtMs,
  };
  return roles.reduce<DeviceState>(
    (next, each) =>
      withNewToken(key, next, deviceId, { role: each, scopes: each === "operator" ? device.scopes : [], now }),
    { ...state, device, request: null },
  );
}

/** The facts of a request, without what belongs to the request itself. */
export function factsOf(source: DeviceFacts): DeviceFacts {
  const { displayName, platform, deviceFamily, clientId, clientMode } = source;
  return { displayName, platform, deviceFamily, clientId, clientMode };
}
