import { LIMITS } from "../../generated/limits.ts";
import type { RunEntry } from "./job.ts";
import { entryOf } from "./outcome.ts";
import type { RunStart } from "./run-repository.ts";
import type { NextTime } from "./schedule.ts";

/** How many times a job was due from one moment to another; counted up to a bound. */
export function missedTimes(next: NextTime, due: number, now: number): number {
  let count = 1;
  for (let at = next(due); at !== undefined && at <= now && count < LIMITS.cronMissedCounted; at = next(at)) count++;
  return count;
}

/** What the history says of a job that was not run at its time. */
export function missedEntry(run: RunStart, due: number, count: number): RunEntry {
  const error = `Not run: ${missedText(due, count)} while the gateway was not running.`;
  return entryOf(
    { ...run, endedAt: run.startedAt },
    { status: "skipped", error },
    { status: "not-requested", required: false },
  );
}

/** What the history says of a run that came late. */
export function lateNote(due: number, count: number, now: number) {
  const message = `Run ${Math.round((now - due) / 1000)} s late: ${missedText(due, count)}; it is run once.`;
  return { ts: now, source: "cron-preflight" as const, severity: "warn" as const, message };
}

const missedText = (due: number, count: number): string => {
  const first = new Date(due).toISOString();
  if (count === 1) return `due at ${first}`;
  return `due ${count >= LIMITS.cronMissedCounted ? "at least " : ""}${count} times since ${first}`;
};
