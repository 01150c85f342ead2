import type { PairedDevice as PairedDeviceShape, PendingDevice } from "../../generated/types.ts";
import type { PairedDevice, PairingRequest, StoredToken } from "./types.ts";

/** A paired device as clients see it: nothing of a token but what it allows and when it was made and used. */
export function deviceShape(device: PairedDevice, tokens: readonly StoredToken[]): PairedDeviceShape {
  const { lastSeenAtMs } = device;
  return {
    ...device,
    ...(lastSeenAtMs !== undefined && { lastSeenReason: device.lastSeenReason ?? "connect" }),
    tokens: [...tokens]
      .sort((a, b) => (a.role < b.role ? -1 : 1))
      .map(({ role, scopes, createdAtMs, rotatedAtMs, revokedAtMs, lastUsedAtMs }) => ({
        role,
        scopes,
        createdAtMs,
        rotatedAtMs,
        revokedAtMs,
        lastUsedAtMs,
      })),
  };
}

/** A waiting request as clients see it. */
export function requestShape({ retriedAtMs: _, ...request }: PairingRequest): PendingDevice {
  return request;
}
