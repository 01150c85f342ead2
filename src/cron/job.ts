import { createHash } from "node:crypto";
import type { CronAddJobResult, CronRunLogEntry } from "../../generated/types.ts";
import type { Incident } from "./alert.ts";

/** Facts that are computed for answers and not stored. */
type Shown =
  | "configRevision"
  | "nextRunAtMs"
  | "lastRunAtMs"
  | "lastRunStatus"
  | "lastRunError"
  | "lastDelivered"
  | "lastDeliveryStatus"
  | "lastDeliveryError"
  | "deliverySuppressionReason"
  | "lastFailureNotificationDelivered"
  | "lastFailureNotificationDeliveryStatus"
  | "lastFailureNotificationDeliveryError"
  | "deliveryPreview";

export type JobState = CronAddJobResult["state"] & {
  /** Times the schedule could not be computed, one after another. */
  scheduleErrorCount?: number;
  /** What somebody has been told of and that has not ended. */
  incident?: Incident;
};

/** A job as it is stored. All times are epoch milliseconds. */
export type Job = Omit<CronAddJobResult, Shown | "state"> & { state: JobState };
export type Schedule = Job["schedule"];
export type Payload = Job["payload"];
export type Delivery = NonNullable<Job["delivery"]>;

/** A finished run as `cron.runs` shows it, without the name of its job, which can change. */
export type RunEntry = Omit<CronRunLogEntry, "jobName">;
export type RunStatus = "ok" | "error" | "skipped";

/** A job as answers show it: with its revision, and the newest facts of its state beside it. */
export type JobView = Job & { configRevision: string } & Partial<
    Pick<CronAddJobResult, Exclude<Shown, "configRevision" | "deliveryPreview">>
  >;

/** What a caller sees of a job (recorded from `cron.get` and `cron.update` of 2026.9.6). */
export function viewOf(job: Job): JobView {
  const { state } = job;
  return {
    ...publicJob(job),
    configRevision: revisionOf(job),
    ...given({
      nextRunAtMs: state.nextRunAtMs,
      lastRunAtMs: state.lastRunAtMs,
      lastRunStatus: state.lastRunStatus,
      lastRunError: state.lastError,
      lastDelivered: state.lastDelivered,
      lastDeliveryStatus: state.lastDeliveryStatus,
      lastDeliveryError: state.lastDeliveryError,
      deliverySuppressionReason: state.deliverySuppressionReason,
      lastFailureNotificationDelivered: state.lastFailureNotificationDelivered,
      lastFailureNotificationDeliveryStatus: state.lastFailureNotificationDeliveryStatus,
      lastFailureNotificationDeliveryError: state.lastFailureNotificationDeliveryError,
    }),
  };
}

/** A job without what only the scheduler needs to remember. */
export function publicJob(job: Job): Job {
  const { incident, ...state } = job.state;
  return { ...job, state };
}

/** Names what a job is told to do; what it has done, and when it was changed, is no part of it. */
export function revisionOf({ state, createdAtMs, updatedAtMs, ...config }: Job): string {
  return revision(config);
}

/** A revision of anything, in upstream's form. */
export function revision(value: unknown): string {
  return `sha256:${createHash("sha256").update(JSON.stringify(value, sorted)).digest("base64url")}`;
}

/** The fields that have a value. */
export function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
