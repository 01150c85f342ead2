import { LIMITS } from "../../generated/limits.ts";
import type { CronAddParams } from "../../generated/types.ts";
import { uuid } from "../platform/ids.ts";
import { type Delivery, given, type Job, type Payload, type Schedule } from "./job.ts";
import { defaultStaggerMs } from "./schedule.ts";

/** A job as `cron.add` makes it, not scheduled yet. */
export function newJob(params: CronAddParams, now: number): Job {
  const { schedule, payload, sessionTarget, wakeMode } = params;
  return withToolPolicy({
    id: uuid(),
    ...given({
      declarationKey: params.declarationKey,
      displayName: params.displayName,
      owner: params.owner,
      agentId: params.agentId?.trim() || undefined,
      sessionKey: params.sessionKey?.trim() || undefined,
    }),
    name: params.name,
    ...given({ description: params.description }),
    enabled: params.enabled ?? true,
    ...given({ deleteAfterRun: params.deleteAfterRun ?? (schedule.kind === "at" ? true : undefined) }),
    createdAtMs: now,
    updatedAtMs: now,
    schedule: settledSchedule(schedule, now),
    ...given({ pacing: params.pacing, trigger: params.trigger }),
    sessionTarget,
    wakeMode,
    payload: settledPayload(payload),
    ...given({ delivery: params.delivery ?? defaultDelivery(params), failureAlert: params.failureAlert }),
    ...given({ missedRuns: params.missedRuns }),
    state: schedule.kind === "stream" ? { streamSourceIdentity: uuid() } : {},
  });
}

/** A schedule with what was left open: the moment that intervals are counted from, the stagger, the time in UTC. */
export function settledSchedule(schedule: Schedule, now: number): Schedule {
  switch (schedule.kind) {
    case "at": {
      const at = parseTime(schedule.at);
      return at === null ? schedule : { ...schedule, at: new Date(at).toISOString() };
    }
    case "every":
      return { ...schedule, anchorMs: schedule.anchorMs ?? now };
    case "cron":
      return { ...schedule, ...given({ staggerMs: schedule.staggerMs ?? defaultStaggerMs(schedule.expr) }) };
    case "stream":
      return {
        ...schedule,
        ...given({
          batchMs: within(schedule.batchMs, LIMITS.cronStreamBatchMinMs, LIMITS.cronStreamBatchMaxMs),
          maxBatchBytes: within(schedule.maxBatchBytes, LIMITS.cronStreamBatchMinBytes, LIMITS.cronStreamBatchMaxBytes),
        }),
      };
    default:
      return schedule;
  }
}

const within = (value: number | undefined, least: number, most: number): number | undefined =>
  value === undefined ? undefined : Math.min(Math.max(value, least), most);

/** Epoch milliseconds of an ISO time, one without a zone being UTC, or of epoch digits; null when it is neither. */
export function parseTime(text: string): number | null {
  const [, day, clock, zone] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(text) ?? [];
  const ms =
    day === undefined ? Number(/^\d{10,16}$/.exec(text)?.[0] ?? Number.NaN) : Date.parse(isoOf(day, clock, zone));
  return Number.isNaN(ms) ? null : ms;
}

const isoOf = (day: string, clock = "00:00", zone = "Z"): string => `${day}T${clock}${zone.toUpperCase()}`;

export function settledPayload(payload: Payload): Payload {
  if (payload.kind === "script") return { timeoutSeconds: 300, toolBudget: 50, ...payload };
  return payload;
}

/** A turn of its own tells its result where the last message came from; what a session is told stays there. */
function defaultDelivery({ sessionTarget, payload }: CronAddParams): Delivery | undefined {
  return sessionTarget === "main" || payload.kind === "systemEvent" ? undefined : { mode: "announce" };
}

/** What can use tools, itself or in a condition, says which; what belongs to an operator may use all, unless told. */
export function withToolPolicy(job: Job): Job {
  const { payload, trigger } = job;
  const { scheduledToolPolicy, ...others } = job;
  if (payload.kind !== "agentTurn" && payload.kind !== "script" && trigger === undefined) return others;
  if (payload.kind === "heartbeat" || payload.kind === "skillCollectionReview") return others;
  return {
    ...others,
    payload: { ...payload, toolsAllow: payload.toolsAllow ?? ["*"] },
    scheduledToolPolicy: scheduledToolPolicy ?? { version: 1, mode: "trusted" },
  };
}
