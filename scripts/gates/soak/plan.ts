/** A stretch between two starts of the gateway. */
export interface Stretch {
  /** Since the beginning. */
  untilMs: number;
  /** How it ends. */
  signal: "SIGTERM" | "SIGKILL" | "end";
}

/**
 * Short lives first, to see that nothing is lost, then a long one, to see that nothing grows: what a process gains in its
 * first twenty minutes, while code is compiled and caches fill, cannot be told from a leak. Shares of the whole.
 */
const SHARES: readonly [number, Stretch["signal"]][] = [
  [0.04, "SIGKILL"],
  [0.08, "SIGTERM"],
  [0.12, "SIGKILL"],
  [0.16, "SIGKILL"],
  [0.2, "SIGTERM"],
  [0.92, "SIGKILL"],
  [0.96, "SIGTERM"],
  [1, "end"],
];

export const plan = (durationMs: number): Stretch[] =>
  SHARES.map(([share, signal]) => ({ untilMs: share * durationMs, signal }));
