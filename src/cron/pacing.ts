import { parseDuration } from "../system/heartbeat-plan.ts";
import type { Job } from "./job.ts";

/** Runs at work that may say when their job is to look again, and what they have said. */
export class Pacing {
  private readonly runs = new Map<string, { bounds: NonNullable<Job["pacing"]>; proposedMs?: number }>();

  /** Lets a turn of this job propose its next time until `close`. Nothing for a job without pacing. */
  open(runId: string, { pacing }: Job): void {
    if (pacing !== undefined) this.runs.set(runId, { bounds: pacing });
  }

  /** Milliseconds after the turn's end at which the job is due, as was proposed last; undefined when nothing was. */
  close(runId: string): number | undefined {
    const proposed = this.runs.get(runId)?.proposedMs;
    this.runs.delete(runId);
    return proposed;
  }

  /**
   * Takes a turn's wish for its job's next time, brought within the job's bounds without a word.
   * (Docs: cron-jobs/schedules, Dynamic cadence.)
   * @param text a duration such as `30m`
   * @returns the milliseconds that count, or why there are none
   */
  propose(runId: string, text: string): { ms: number } | { error: string } {
    const run = this.runs.get(runId);
    if (run === undefined) return { error: "next_check is for the running turn of a job with pacing" };
    const wanted = parseDuration(text);
    if (wanted === null) return { error: `in must be a positive duration, such as 30m (got ${text})` };
    const { min, max } = run.bounds;
    const least = Math.max(wanted, min === undefined ? 0 : parseDuration(min)!);
    run.proposedMs = Math.min(least, max === undefined ? Number.POSITIVE_INFINITY : parseDuration(max)!);
    return { ms: run.proposedMs };
  }
}
