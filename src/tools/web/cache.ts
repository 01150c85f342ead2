import type { Clock } from "../../platform/clock.ts";

/** Results of calls that may be made again soon; the one used longest ago goes when there are too many. */
export class ResultCache<T> {
  private readonly entries = new Map<string, { value: T; until: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly maxEntries: number,
  ) {}

  /** Nothing when `maxAgeMs` is 0. */
  find(key: string, maxAgeMs: number): T | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    const left = entry.until - this.clock.now();
    this.entries.delete(key);
    if (left <= 0) return undefined;
    this.entries.set(key, entry);
    return maxAgeMs > 0 ? entry.value : undefined;
  }

  keep(key: string, value: T, ageMs: number): void {
    if (ageMs <= 0) return;
    this.entries.delete(key);
    this.entries.set(key, { value, until: this.clock.now() + ageMs });
    const [oldest] = this.entries.keys();
    if (this.entries.size > this.maxEntries && oldest !== undefined) this.entries.delete(oldest);
  }
}
