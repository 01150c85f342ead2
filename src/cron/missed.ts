import { LIMITS } from "../../generated/limits.ts";
import type { Job, RunEntry } from "./job.ts";
import { entryOf } from "./outcome.ts";
import type { RunStart } from "./run-repository.ts";
import type { NextTime } from "./schedule.ts";

/** Times at which a job was due and was not run, from one moment to another. Epoch milliseconds. */
export interface Missed {
  first: number;
  /** The newest of those that were counted. */
  last: number;
  /** Counted up to a bound. */
  count: number;
}

export function missedTimes(next: NextTime, due: number, now: number): Missed {
  let [count, last] = [1, due];
  for (let at = next(due); at !== undefined && at <= now && count < LIMITS.cronMissedCounted; at = next(at)) {
    count++;
    last = at;
  }
  return { first: due, last, count };
}

/**
 * Whether a job is run once, late, for the times that it has missed. Jobs that do not say follow the configuration, which
 * spares those with a single time: nothing would be left of them.
 */
export function runsLate({ missedRuns, schedule }: Job, { last, count }: Missed, now: number, skipByDefault: boolean) {
  if (missedRuns === undefined) return schedule.kind === "at" || !skipByDefault;
  if (missedRuns.policy !== "within") return missedRuns.policy === "once";
  // Of more times than are counted the newest is not known; there is always one within the last gap between two.
  return count >= LIMITS.cronMissedCounted || now - last <= missedRuns.windowMs;
}

/** What the history says of a job that was not run at its time. */
export function missedEntry(run: RunStart, missed: Missed): RunEntry {
  const error = `Not run: ${missedText(missed)} while the gateway could not run it.`;
  return entryOf(
    { ...run, endedAt: run.startedAt },
    { status: "skipped", error },
    { status: "not-requested", required: false },
  );
}

/** What the history says of a run that came late. */
export function lateNote(missed: Missed, now: number) {
  const message = `Run ${Math.round((now - missed.first) / 1000)} s late: ${missedText(missed)}; it is run once.`;
  return { ts: now, source: "cron-preflight" as const, severity: "warn" as const, message };
}

const missedText = ({ first, count }: Missed): string => {
  const time = new Date(first).toISOString();
  if (count === 1) return `due at ${time}`;
  return `due ${count >= LIMITS.cronMissedCounted ? "at least " : ""}${count} times since ${time}`;
};
