/** Times in milliseconds, lengths in characters. */
export interface ThrottleOptions {
  intervalMs: number;
  /** From this text length on the interval grows in proportion, because every delta repeats the whole text. */
  fullRateChars: number;
  now(): number;
}

/**
 * Merges what comes quickly: the first piece goes out at once, later ones together at intervals. The interval grows
 * with the text, so that all deltas of an answer together stay in proportion to its length times its logarithm.
 */
export class DeltaThrottle {
  private lastAt = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly options: ThrottleOptions,
    private readonly send: () => void,
  ) {}

  /** Something new is there; `length` is that of the whole text so far. */
  touch(length: number): void {
    if (this.timer !== undefined) return;
    const { intervalMs, fullRateChars, now } = this.options;
    const wait = this.lastAt + intervalMs * Math.max(1, length / fullRateChars) - now();
    if (wait <= 0) this.fire();
    else this.timer = setTimeout(() => this.fire(), Math.min(wait, 60_000));
  }

  /** Sends nothing more by itself. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private fire(): void {
    this.stop();
    this.lastAt = this.options.now();
    this.send();
  }
}
