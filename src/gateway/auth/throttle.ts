import type { Clock } from "../../platform/clock.ts";

export interface FailureThrottleOptions {
  clock: Clock;
  /** Failures within the window that are answered as such; further ones are told to wait. */
  max: number;
  windowMs: number;
  /** How many callers are remembered; the one that failed longest ago is forgotten first. */
  maxKeys: number;
}

/** Counts failures of callers within a window that begins with the first one. It shuts out nobody who succeeds. */
export class FailureThrottle {
  private readonly failures = new Map<string, { count: number; since: number }>();

  constructor(private readonly options: FailureThrottleOptions) {}

  /** Counts a failure. Returns the milliseconds until the window ends when there were too many, else null. */
  failed(key: string): number | null {
    const { clock, max, windowMs, maxKeys } = this.options;
    const now = clock.now();
    const known = this.failures.get(key);
    const entry = known !== undefined && now - known.since < windowMs ? known : { count: 0, since: now };
    entry.count++;
    this.failures.delete(key);
    this.failures.set(key, entry);
    if (this.failures.size > maxKeys) this.failures.delete(this.failures.keys().next().value!);
    return entry.count > max ? entry.since + windowMs - now : null;
  }

  succeeded(key: string): void {
    this.failures.delete(key);
  }

  /** How many callers are remembered. */
  get size(): number {
    return this.failures.size;
  }
}
