import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";

/** Longest wait of a timer; a later time is waited for in steps. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Calls when the time of the next thing that waits is over. `expire` ends what is due and answers when the next is,
 * or null when nothing waits.
 */
export class Expiry {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private atMs = Number.POSITIVE_INFINITY;
  private stopped = false;

  constructor(
    private readonly deps: { clock: Clock; log: Logger },
    private readonly expire: () => Promise<number | null>,
  ) {}

  /** Ends what is due now and waits for the rest. */
  async run(): Promise<void> {
    const next = await this.expire();
    clearTimeout(this.timer);
    this.atMs = Number.POSITIVE_INFINITY;
    if (next !== null) this.notLaterThan(next);
  }

  /** Something waits until then. */
  notLaterThan(atMs: number): void {
    if (this.stopped || atMs >= this.atMs) return;
    clearTimeout(this.timer);
    this.atMs = atMs;
    const wait = Math.min(Math.max(atMs - this.deps.clock.now(), 1), MAX_TIMER_MS);
    this.timer = setTimeout(() => {
      this.run().catch((error) => this.deps.log.error("what expired could not be ended", { error }));
    }, wait);
    this.timer.unref();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }
}
