import { createHash } from "node:crypto";
import { LIMITS } from "../../generated/limits.ts";
import type { Schedule } from "./job.ts";

/** The first time after a moment at which a job is due, or undefined when there is none. Epoch milliseconds. */
export type NextTime = (after: number) => number | undefined;

/**
 * How the times of a schedule follow each other. Loads the cron library only for cron expressions.
 *
 * `every` counts from its anchor, so that a restart does not move it. Cron expressions have five fields, six with
 * seconds before them, or seven with years behind them; without a time zone they mean that of this machine. One with a
 * single time of day is due once on each of its days: when the clocks skip it, right then, and when it comes twice, the
 * first time. Any other is due whenever the clock on the wall shows one of its times.
 * `staggerMs` spreads jobs of the same time: each is moved by its own fixed part of it.
 * (Docs: automation/cron-jobs/schedules.)
 *
 * @param jobId decides the job's part of the stagger
 * @throws Error with the library's words when the expression or the time zone makes no sense
 */
export async function nextTimes(schedule: Schedule, jobId: string): Promise<NextTime> {
  switch (schedule.kind) {
    case "at": {
      const at = Date.parse(schedule.at);
      return (after) => (at > after ? at : undefined);
    }
    case "every": {
      const { everyMs, anchorMs = 0 } = schedule;
      return (after) => anchorMs + Math.max(1, Math.floor((after - anchorMs) / everyMs) + 1) * everyMs;
    }
    case "cron": {
      const { Cron } = await import("./lazy/croner.ts");
      const pattern = new Cron(schedule.expr.trim(), { paused: true, timezone: schedule.tz ?? localZone() });
      const moved = staggerOf(jobId, schedule.staggerMs ?? 0);
      return (after) => {
        const next = pattern.nextRun(new Date(after - moved))?.getTime();
        return next === undefined ? undefined : next + moved;
      };
    }
    default:
      // Due when something happens, not at a time.
      return () => undefined;
  }
}

/** When a job is due again after a moment at which it ran, with some pause between the two. */
export function following(next: NextTime, ran: number): number | undefined {
  const at = next(ran);
  return at !== undefined && at < ran + LIMITS.cronMinGapMs ? next(ran + LIMITS.cronMinGapMs) : at;
}

/** A recurring job whose expression is on every full hour is spread over five minutes unless it says otherwise. */
export function defaultStaggerMs(expr: string): number | undefined {
  const fields = expr.trim().split(/\s+/);
  const [minute, hour] = fields.length >= 6 ? fields.slice(1) : fields;
  const atFullMinute = fields.length < 6 || fields[0] === "0";
  return atFullMinute && minute === "0" && /^\*(\/\d+)?$/.test(hour ?? "") ? 300_000 : undefined;
}

function staggerOf(jobId: string, staggerMs: number): number {
  if (staggerMs <= 0) return 0;
  return createHash("sha256").update(jobId).digest().readUInt32BE(0) % staggerMs;
}

const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
