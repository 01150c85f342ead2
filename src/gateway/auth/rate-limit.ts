import type { Clock } from "../../platform/clock.ts";
import { networkOf, type PeerFacts } from "../peer.ts";
import { canonicalOrigin } from "./origin.ts";

/** Each kind of credential is counted by itself, so that trouble with one does not lock out another. */
export type CredentialClass = "shared-secret" | "device-token" | "bootstrap-token";

export interface RateLimitSettings {
  maxAttempts: number;
  windowMs: number;
  lockoutMs: number;
  exemptLoopback: boolean;
}

export interface RateLimiterOptions {
  clock: Clock;
  /** Read at every attempt: the configuration can change. */
  settings(): RateLimitSettings;
  /** How many addresses are remembered; the one that failed longest ago is forgotten first. */
  maxKeys: number;
  /** The first answer's delay for local guesses; it doubles with each failure. */
  localDelayMs: number;
  localDelayMaxMs: number;
}

interface Failures {
  /** Times of the failures within the window, oldest first; never more than `maxAttempts`. */
  times: number[];
  /** Failures since the last success, for the delay of local ones. */
  streak: number;
  lockedUntil: number;
}

/**
 * Slows down guessing of credentials (docs: gateway/security/rate-limiting): an address that fails too often is locked
 * out for a while, even with the right secret. Local processes are not locked out, or any of them could lock the owner
 * out; their answers come ever later instead. Pages in a local browser are strangers and counted by their origin.
 */
export class AuthRateLimiter {
  private readonly failures = new Map<string, Failures>();

  constructor(private readonly options: RateLimiterOptions) {}

  /** Milliseconds until the next attempt is looked at, or null when it may go on now. */
  lockedForMs(kind: CredentialClass, peer: PeerFacts): number | null {
    const entry = this.failures.get(keyOf(kind, peer));
    if (entry === undefined || this.isExempt(peer)) return null;
    const left = entry.lockedUntil - this.options.clock.now();
    return left > 0 ? left : null;
  }

  /** Counts a wrong credential. Returns the milliseconds by which its answer is to be delayed. */
  failed(kind: CredentialClass, peer: PeerFacts): number {
    const { clock, localDelayMs, localDelayMaxMs } = this.options;
    const { maxAttempts, windowMs, lockoutMs } = this.options.settings();
    const now = clock.now();
    const key = keyOf(kind, peer);
    const entry = this.failures.get(key) ?? { times: [], streak: 0, lockedUntil: 0 };
    if (entry.lockedUntil <= now) {
      entry.times = [...entry.times.filter((time) => time > now - windowMs), now];
      if (entry.times.length >= maxAttempts) {
        entry.lockedUntil = now + lockoutMs;
        entry.times = [];
      }
    }
    entry.streak++;
    this.remember(key, entry);
    if (!this.isExempt(peer)) return 0;
    return Math.min(localDelayMs * 2 ** Math.min(entry.streak - 1, 20), localDelayMaxMs);
  }

  /** A right credential clears the failures of its kind. */
  succeeded(kind: CredentialClass, peer: PeerFacts): void {
    this.failures.delete(keyOf(kind, peer));
  }

  /** How many addresses are remembered, for tests and diagnosis. */
  get size(): number {
    return this.failures.size;
  }

  private isExempt(peer: PeerFacts): boolean {
    return peer.isLocalDirect && peer.origin === undefined && this.options.settings().exemptLoopback;
  }

  private remember(key: string, entry: Failures): void {
    this.failures.delete(key);
    this.failures.set(key, entry);
    if (this.failures.size <= this.options.maxKeys) return;
    const [oldest] = this.failures.keys();
    this.failures.delete(oldest!);
  }
}

/** The bucket of a peer: its network; local pages by origin. */
function keyOf(kind: CredentialClass, { remoteAddress, isLocalDirect, origin }: PeerFacts): string {
  if (isLocalDirect && origin !== undefined) return `${kind} browser-origin:${canonicalOrigin(origin) ?? "invalid"}`;
  return `${kind} ${networkOf(remoteAddress)}`;
}
