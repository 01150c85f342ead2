import { LIMITS } from "../../generated/limits.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError } from "../platform/errors.ts";

const WINDOW_MS = 60_000;

/**
 * Bounds how often one caller may write in a minute, method by method, so that a loop that has run wild does not wear
 * out the disk (docs: gateway/security/rate-limiting, "Control-plane writes"; attack 42).
 */
export class WriteBudget {
  /** Times of the writes of the last minute, by method and caller, oldest first. */
  private readonly times = new Map<string, number[]>();

  constructor(private readonly clock: Clock) {}

  /** Counts a write. @throws GatewayError when there were too many */
  spend(method: string, caller: string): void {
    const now = this.clock.now();
    const key = JSON.stringify([method, caller]);
    const recent = (this.times.get(key) ?? []).filter((time) => time > now - WINDOW_MS && time <= now);
    if (recent.length >= LIMITS.configWritesPerMinute) {
      const retryAfterMs = recent[0]! + WINDOW_MS - now;
      throw new GatewayError(
        "UNAVAILABLE",
        `rate limit exceeded for ${method}; retry after ${Math.ceil(retryAfterMs / 1000)}s`,
        { retryable: true, retryAfterMs, details: { method, limit: `${LIMITS.configWritesPerMinute} per 60s` } },
      );
    }
    this.times.delete(key);
    this.times.set(key, [...recent, now]);
    // Whoever wrote longest ago is forgotten first.
    if (this.times.size > LIMITS.configWriters) this.times.delete(this.times.keys().next().value!);
  }
}
