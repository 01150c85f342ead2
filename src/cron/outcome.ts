import { LIMITS } from "../../generated/limits.ts";
import { given, type Job, type JobState, type RunEntry, type RunStatus } from "./job.ts";
import { following, type NextTime } from "./schedule.ts";

const MINUTE = 60_000;
/** After so many failures in a row a recurring job is turned off. */
const FAILURES_TO_STOP = 10;
/** How long a job waits after its first, second, … failure in a row (docs: cron-jobs/managing-jobs). */
const BACKOFF_MS = [MINUTE / 2, MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE] as const;
/** A one-time job is tried again so often when what went wrong may pass. */
const ONE_TIME_RETRIES = 3;
/** Failures that another attempt can get past. */
const TRANSIENT: ReadonlySet<string> = new Set(["rate_limit", "overloaded", "timeout", "server_error", "interrupted"]);

/** What a run did, before and after its result was delivered. */
export interface Execution {
  status: RunStatus;
  error?: string;
  /** Upstream's name for the kind of failure. */
  errorReason?: RunEntry["errorReason"];
  /** The run was cut off by the end of the gateway. */
  interrupted?: true;
  summary?: string;
  /** The whole of what the summary begins, to be delivered. */
  text?: string;
  diagnostics?: RunEntry["diagnostics"];
  /** Milliseconds after the end at which the run wants its job to be due; counts only when it went well. */
  nextCheckMs?: number;
  facts?: Pick<RunEntry, "sessionId" | "sessionKey" | "model" | "provider" | "usage">;
}

export interface DeliveryReport {
  status: NonNullable<RunEntry["deliveryStatus"]>;
  error?: string;
  suppressed?: string;
  /** False when the job can do without it. */
  required: boolean;
  trace?: RunEntry["delivery"];
}

/** A run as it is recorded. */
export function entryOf(
  run: { jobId: string; runId: string; startedAt: number; endedAt: number },
  { status, error, errorReason, summary, diagnostics, facts = {} }: Execution,
  delivery: DeliveryReport,
): RunEntry {
  const { model, provider, usage, sessionId, sessionKey } = facts;
  const undelivered = delivery.required && (delivery.status === "not-delivered" || delivery.status === "unknown");
  const failed = status === "error" || (undelivered && delivery.suppressed === undefined);
  const isOpen = status !== "error" && delivery.required && delivery.status === "unknown";
  return {
    ts: run.endedAt,
    jobId: run.jobId,
    action: "finished",
    status,
    completionStatus: isOpen ? "unknown" : failed ? "failed" : "succeeded",
    ...given({ error, errorReason, summary: summary || undefined }),
    runId: run.runId,
    ...given({ diagnostics }),
    runAtMs: run.startedAt,
    durationMs: run.endedAt - run.startedAt,
    ...given({ model, provider, usage }),
    ...(delivery.trace?.delivered === undefined ? {} : { delivered: delivery.status === "delivered" }),
    deliveryStatus: delivery.status,
    ...given({
      deliveryError: delivery.error,
      deliverySuppressionReason: delivery.suppressed,
      delivery: delivery.trace,
    }),
    ...given({ sessionId, sessionKey }),
  };
}

/** Facts of the newest run; each run replaces them all. */
const RUN_FACTS: readonly (keyof JobState)[] = [
  "runningAtMs",
  "lastError",
  "lastErrorReason",
  "lastDiagnostics",
  "lastDiagnosticSummary",
  "lastDelivered",
  "lastDeliveryError",
  "deliverySuppressionReason",
  "lastFailureNotificationDelivered",
  "lastFailureNotificationDeliveryError",
];

interface AfterRun extends Pick<Execution, "interrupted" | "nextCheckMs"> {
  manual: boolean;
  next: NextTime;
}

/**
 * The job after one of its runs: what it remembers of it, when it is due next, whether it goes on at all. A job that
 * was run by hand keeps its time. (Docs: cron-jobs/managing-jobs and cron-jobs/delivery.)
 * @returns `remove` for a job that has done what it was for
 */
export function afterRun(
  job: Job,
  entry: RunEntry,
  { manual, next, interrupted, nextCheckMs }: AfterRun,
): Job | "remove" {
  const { ts: endedAt } = entry;
  const state = remembered(job, entry);
  if (entry.completionStatus === "succeeded" && job.deleteAfterRun && entry.status === "ok") return "remove";
  const after: Job = { ...job, updatedAtMs: endedAt, state };
  if (!job.enabled || (manual && state.nextRunAtMs !== undefined)) return after;
  if (job.schedule.kind === "at") return afterOneTime(after, entry, interrupted === true);
  const failures = entry.status === "error" ? (state.consecutiveErrors ?? 0) : 0;
  if (failures >= FAILURES_TO_STOP) {
    const autoDisabled = { reason: "consecutive-failures" as const, atMs: endedAt, consecutiveErrors: failures };
    return { ...after, enabled: false, state: { ...without(state, "nextRunAtMs"), autoDisabled } };
  }
  const paced = entry.status === "ok" && nextCheckMs !== undefined && !manual ? endedAt + nextCheckMs : undefined;
  const natural = paced ?? following(next, endedAt);
  const due = failures > 0 && natural !== undefined ? Math.max(natural, endedAt + backoff(failures)) : natural;
  return { ...after, state: { ...without(state, "nextRunAtMs"), ...given({ nextRunAtMs: due }) } };
}

function afterOneTime(job: Job, { status, ts, errorReason }: RunEntry, interrupted: boolean): Job {
  const state = without(job.state, "nextRunAtMs");
  if (interrupted) return { ...job, state: { ...state, nextRunAtMs: ts + LIMITS.cronMinGapMs } };
  const failures = state.consecutiveErrors ?? 0;
  const mayPass = status === "error" && errorReason !== undefined && TRANSIENT.has(errorReason);
  if (!mayPass || failures > ONE_TIME_RETRIES) return { ...job, enabled: false, state };
  return { ...job, state: { ...state, nextRunAtMs: ts + backoff(failures) } };
}

function remembered({ state, schedule }: Job, entry: RunEntry): JobState {
  const { status, error, errorReason, diagnostics, deliveryStatus, deliveryError } = entry;
  const failures = state.consecutiveErrors ?? 0;
  // A batch is not told twice: the first attempt may have done its work.
  const isDropped = schedule.kind === "stream" && status !== "ok" && !entry.runId?.startsWith("manual:");
  return {
    ...without(state, ...RUN_FACTS),
    ...(isDropped && { streamDroppedBatches: (state.streamDroppedBatches ?? 0) + 1 }),
    lastRunAtMs: entry.runAtMs,
    lastRunStatus: status,
    lastStatus: status,
    lastDurationMs: entry.durationMs,
    ...given({
      lastError: error,
      lastErrorReason: errorReason,
      lastDiagnostics: diagnostics,
      lastDiagnosticSummary: diagnostics?.summary ?? diagnostics?.entries.at(-1)?.message,
      lastDelivered: entry.delivered,
      lastDeliveryError: deliveryError,
      deliverySuppressionReason: entry.deliverySuppressionReason,
    }),
    lastDeliveryStatus: deliveryStatus,
    lastFailureNotificationDeliveryStatus: "not-requested",
    consecutiveErrors: status === "error" ? failures + 1 : status === "ok" ? 0 : failures,
    consecutiveSkipped: status === "skipped" ? (state.consecutiveSkipped ?? 0) + 1 : 0,
  };
}

/** A job whose times could not be computed, `count` times by now: they are tried again soon, or it is turned off. */
export function unscheduled(job: Job, error: unknown, count: number, now: number): Job {
  const lastError = error instanceof Error ? error.message : String(error);
  const state = { ...job.state, lastError, scheduleErrorCount: count, nextRunAtMs: now + LIMITS.cronTimerMs };
  if (count < LIMITS.cronScheduleErrors) return { ...job, state };
  const autoDisabled = { reason: "schedule-errors" as const, atMs: now, consecutiveErrors: count };
  return { ...job, enabled: false, state: { ...without(state, "nextRunAtMs"), autoDisabled } };
}

export const backoff = (failures: number): number => BACKOFF_MS[Math.min(failures, BACKOFF_MS.length) - 1] ?? 0;

export function without<T extends object>(record: T, ...names: readonly (keyof T)[]): T {
  const copy = { ...record };
  for (const name of names) delete copy[name];
  return copy;
}
