/** A stretch between two starts of the gateway. */
export interface Stretch {
  /** Since the beginning. */
  untilMs: number;
  /** How it ends. */
  signal: "SIGTERM" | "SIGKILL" | "end";
}

/**
 * Short lives first, to see that nothing is lost, then long ones, to see that nothing grows. Shares of the whole; two
 * thirds of the time belong to two long stretches.
 */
const SHARES: readonly [number, Stretch["signal"]][] = [
  [0.05, "SIGKILL"],
  [0.1, "SIGTERM"],
  [0.15, "SIGKILL"],
  [0.5, "SIGTERM"],
  [0.85, "SIGKILL"],
  [0.9, "SIGKILL"],
  [0.95, "SIGTERM"],
  [1, "end"],
];

export const plan = (durationMs: number): Stretch[] =>
  SHARES.map(([share, signal]) => ({ untilMs: share * durationMs, signal }));
