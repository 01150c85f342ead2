import type { RunOutcome } from "./types.ts";

/** The longest that a timer can wait, in milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Those who wait for runs that nobody has heard of yet: a program may ask for a run before its message has come. */
export class ExpectedRuns {
  private readonly waiting = new Map<string, Set<(outcome: Promise<RunOutcome>) => void>>();

  /** `outcome` resolves when a run of this id comes and ends; `leave` must be called when it is no longer waited for. */
  wait(runId: string): { outcome: Promise<RunOutcome>; leave(): void } {
    const { promise, resolve } = Promise.withResolvers<RunOutcome>();
    const others = this.waiting.get(runId) ?? new Set();
    this.waiting.set(runId, others.add(resolve));
    return {
      outcome: promise,
      leave: () => {
        others.delete(resolve);
        if (others.size === 0 && this.waiting.get(runId) === others) this.waiting.delete(runId);
      },
    };
  }

  arrived(runId: string, outcome: Promise<RunOutcome>): void {
    for (const resolve of this.waiting.get(runId) ?? []) resolve(outcome);
    this.waiting.delete(runId);
  }
}

/** The value, or null when the time is over or the signal aborted first. */
export function withinTime<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T | null> {
  return new Promise((resolve) => {
    const done = (value: T | null) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      resolve(value);
    };
    const giveUp = () => done(null);
    const timer = setTimeout(giveUp, Math.min(ms, MAX_TIMER_MS));
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    void promise.then(done);
  });
}
