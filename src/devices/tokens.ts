import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { createPrivateFile, readPrivateFile } from "../platform/private-file.ts";
import { coversAll, expand } from "./scopes.ts";
import type { DeviceRole, DeviceState, StoredToken } from "./types.ts";

/**
 * Derives device tokens, so that a device that comes back with the shared secret gets the token it has already, as
 * upstream gives it, although only hashes are stored. The key lies in a file of its own: whoever reads the database
 * alone can make no token. A lost key costs nothing but new tokens.
 */
export class TokenKey {
  private readonly path: string;
  private key: Buffer | undefined;

  constructor(stateDir: string) {
    this.path = join(stateDir, "identity", "device-tokens.key");
  }

  /** 43 characters of base64url, as long as upstream's tokens. */
  token(deviceId: string, role: DeviceRole, seed: string): string {
    return this.mac("device-token", deviceId, role, seed);
  }

  /** A name for what a client may keep for later: equal as long as its credential is, telling nothing about it. */
  recoveryScope(credential: string): string {
    return this.mac("recovery-scope", credential);
  }

  private mac(...parts: string[]): string {
    this.key ??= this.load();
    return createHmac("sha256", this.key).update(parts.join("\0")).digest("base64url");
  }

  private load(): Buffer {
    const known = readPrivateFile(this.path);
    if (known !== null && known.trim().length >= 43) return Buffer.from(known.trim(), "base64url");
    createPrivateFile(this.path, `${randomBytes(32).toString("base64url")}\n`);
    const key = Buffer.from(readPrivateFile(this.path)?.trim() ?? "", "base64url");
    // An empty or damaged file must not silently become a key that anybody can guess.
    if (key.length !== 32) throw new Error(`${this.path} holds no usable key; remove it to get a new one`);
    return key;
  }
}

export const hashToken = (token: string): string => createHash("sha256").update(token).digest("hex");

/** Compares in constant time. The hash of what was presented has a fixed length, so lengths tell nothing. */
export function matchesHash(token: string, hash: string): boolean {
  const presented = Buffer.from(hashToken(token), "hex");
  const stored = Buffer.from(hash, "hex");
  return presented.length === stored.length && timingSafeEqual(presented, stored);
}

/** The token that counts for a role now, if any. */
export const activeToken = (state: DeviceState, role: DeviceRole): StoredToken | undefined =>
  state.tokens.find((token) => token.role === role && token.revokedAtMs === undefined);

/** When the token was made that counts now. */
export const issuedAtMs = ({ createdAtMs, rotatedAtMs }: StoredToken): number => rotatedAtMs ?? createdAtMs;

/** The state with a new token for the role; the one before it stops to count. */
export function withNewToken(
  key: TokenKey,
  state: DeviceState,
  deviceId: string,
  { role, scopes, now }: { role: DeviceRole; scopes: readonly string[]; now: number },
): DeviceState {
  const before = state.tokens.find((token) => token.role === role);
  const seed = randomBytes(16).toString("hex");
  const token: StoredToken = {
    role,
    scopes: expand(scopes),
    seed,
    hash: hashToken(key.token(deviceId, role, seed)),
    createdAtMs: before?.createdAtMs ?? now,
    ...(before !== undefined && { rotatedAtMs: now }),
    ...(before?.lastUsedAtMs !== undefined && { lastUsedAtMs: before.lastUsedAtMs }),
  };
  return { ...state, tokens: [...state.tokens.filter((other) => other.role !== role), token] };
}

/** True when the token's own scopes include all that is wanted. */
export const allows = (token: StoredToken, scopes: readonly string[]): boolean => coversAll(token.scopes, scopes);
