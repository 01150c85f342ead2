import type { Clock } from "../platform/clock.ts";
import { GatewayError } from "../platform/errors.ts";
import type { Caller } from "./context.ts";

const WINDOW_MS = 60_000;

export interface WriteLimits {
  /** Calls of one method by one caller in a minute. */
  writesPerMinute: number;
  /** Callers that are remembered. */
  writers: number;
}

/**
 * Bounds how often one caller may make the same write in a minute, so that a loop that has run wild does not wear out the
 * disk or start one run after the other. Which methods that concerns says `rateLimited` in the spec. A minute begins with
 * the first write after the last one has passed (docs: gateway/security/rate-limiting, "Control-plane writes"; attack 42).
 */
export class WriteBudget {
  /** The running minute of each method and caller, the one that began longest ago first. */
  private readonly minutes = new Map<string, { since: number; count: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly limits: WriteLimits,
  ) {}

  /** Counts a write. @throws GatewayError UNAVAILABLE, retryable, when there were too many */
  spend(method: string, { deviceId, client }: Caller): void {
    const now = this.clock.now();
    const { writesPerMinute, writers } = this.limits;
    // All programs of one kind without a device share one budget.
    const key = JSON.stringify([method, deviceId ?? null, deviceId === undefined ? client.id : null]);
    const minute = this.minutes.get(key);
    if (minute === undefined || now >= minute.since + WINDOW_MS || now < minute.since) {
      this.minutes.delete(key);
      this.minutes.set(key, { since: now, count: 1 });
      if (this.minutes.size > writers) this.minutes.delete(this.minutes.keys().next().value!);
      return;
    }
    if (minute.count < writesPerMinute) {
      minute.count++;
      return;
    }
    const retryAfterMs = minute.since + WINDOW_MS - now;
    throw new GatewayError(
      "UNAVAILABLE",
      `rate limit exceeded for ${method}; retry after ${Math.ceil(retryAfterMs / 1000)}s`,
      { retryable: true, retryAfterMs, details: { method, limit: `${writesPerMinute} per ${WINDOW_MS / 1000}s` } },
    );
  }
}
