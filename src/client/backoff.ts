import { LIMITS } from "../../generated/limits.ts";

/**
 * Waiting times between attempts: doubling from one second to thirty, each up to a quarter shorter by chance, so that
 * the clients of a restarted gateway do not come back all at once.
 */
export class Backoff {
  private attempts = 0;

  constructor(
    private readonly random: () => number = Math.random,
    private readonly bounds: { minMs: number; maxMs: number } = {
      minMs: LIMITS.clientReconnectMinMs,
      maxMs: LIMITS.clientReconnectMaxMs,
    },
  ) {}

  /** Milliseconds to wait now. `hintMs` is what the gateway asked for. */
  next(hintMs?: number): number {
    const { minMs, maxMs } = this.bounds;
    const full = Math.min(maxMs, minMs * 2 ** Math.min(this.attempts++, 30));
    const wait = full * (1 - this.random() / 4);
    return hintMs === undefined ? wait : Math.min(Math.max(hintMs, 0), maxMs);
  }

  /** Begins anew after a success. */
  reset(): void {
    this.attempts = 0;
  }
}
