import { createHash } from "node:crypto";
import { LIMITS } from "../../generated/limits.ts";
import { type AlertPolicy, type AlertRoute, policyOf, type SharedAlert } from "./alert-policy.ts";
import type { Job, JobState, RunEntry } from "./job.ts";
import { without } from "./outcome.ts";

/** Something that somebody has been told of and that has not ended: the same is not told again. */
export interface Incident {
  scope: "run" | "skipped" | "delivery";
  /** Of the cause and of where it was told. */
  signature: string;
}

/** What is to be told of a job. */
export interface Notice {
  route: AlertRoute;
  /** What has happened, with the job's name. */
  subject: string;
  /** The error as it is; for programs, never for a chat. */
  error?: string;
  /** What a chat may read of the cause. */
  cause?: string;
  /** When the run began; epoch milliseconds. */
  runAtMs: number;
}

/**
 * Decides after a run whether somebody is to be told: of failures in a row, of results that did not arrive, of a job that
 * has been turned off, and once of the recovery. What is told counts as told from here on, so that neither a crash nor a
 * broken receiver repeats it. (Docs: cron-jobs/delivery, Failure notifications.)
 * @param job as it is after the run
 * @returns the state to be stored with the run, and what to tell
 */
export function judgeRun(job: Job, entry: RunEntry, shared?: SharedAlert): { state: JobState; notice?: Notice } {
  const { state } = job;
  const policy = policyOf(job, shared);
  const name = `Automation "${job.displayName ?? job.name}"`;
  const runAtMs = entry.runAtMs ?? entry.ts;
  if (entry.status === "ok" && entry.completionStatus === "succeeded") {
    const { incident } = state;
    const rest = without(state, "incident", "lastFailureAlertAtMs");
    const route = incident?.scope === "delivery" ? policy?.alternate : policy?.route;
    if (incident === undefined || !route) return { state: rest };
    return told(rest, { route, subject: `${name} recovered`, cause: "The latest run went well.", runAtMs });
  }
  if (policy === null) return { state };
  const failure = failureOf(job, entry, policy);
  if (failure === null) return { state };
  const { scope, subject, route } = failure;
  const error = (scope === "delivery" ? entry.deliveryError : entry.error)?.slice(0, LIMITS.cronSummaryChars);
  const cause = scope === "delivery" ? undefined : safeCause(entry);
  const signature = signatureOf(scope, error, entry.errorReason, route);
  const notice = { route, subject: `${name} ${subject}`, runAtMs, ...(error && { error }), ...(cause && { cause }) };
  const isLast = state.autoDisabled?.atMs === entry.ts;
  if (!isLast) {
    if (state.incident?.signature === signature) return { state };
    const since = entry.ts - (state.lastFailureAlertAtMs ?? Number.NEGATIVE_INFINITY);
    if (since >= 0 && since < policy.cooldownMs) return { state };
  }
  return told({ ...state, incident: { scope, signature }, lastFailureAlertAtMs: entry.ts }, notice);
}

/** Until the receiver has answered nobody knows whether it has been told. */
const told = (state: JobState, notice: Notice) => ({
  state: { ...state, lastFailureNotificationDeliveryStatus: "unknown" as const },
  notice,
});

function failureOf({ state }: Job, entry: RunEntry, { runs, after, includeSkipped, route, alternate }: AlertPolicy) {
  const { consecutiveErrors = 0, consecutiveSkipped = 0, autoDisabled } = state;
  if (entry.status === "error" && runs && consecutiveErrors >= after) {
    const times = `${consecutiveErrors} times`;
    const isLast = autoDisabled?.atMs === entry.ts;
    return { scope: "run" as const, subject: isLast ? `failed ${times} and was turned off` : `failed ${times}`, route };
  }
  if (entry.status === "skipped" && runs && includeSkipped && consecutiveSkipped >= after) {
    return { scope: "skipped" as const, subject: `was skipped ${consecutiveSkipped} times`, route };
  }
  if (entry.status === "ok" && entry.completionStatus === "failed" && alternate !== null) {
    return { scope: "delivery" as const, subject: "delivery failed", route: alternate };
  }
  return null;
}

/** The same for the same cause, whatever ids and times its words hold. */
function signatureOf(scope: string, error = "", reason = "", route: AlertRoute): string {
  const cause = error.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\d{4,}/gi, "#");
  return createHash("sha256")
    .update(JSON.stringify([scope, reason, cause, route]))
    .digest("base64url");
}

/** Errors of commands in which nothing stands but figures. */
const PLAIN_ERROR =
  /^command (exited with code \d+|stopped by signal SIG[A-Z0-9]+|timed out|produced no output before noOutputTimeoutSeconds)$/;

/** Errors may hold paths, secrets and words of strangers: a chat gets the kind alone. */
export function safeCause({ error = "", errorReason }: Pick<RunEntry, "error" | "errorReason">): string {
  if (errorReason !== undefined) return `Cause: ${errorReason.replaceAll("_", " ")}.`;
  return PLAIN_ERROR.test(error) ? `Cause: ${error}.` : "Its history says why.";
}
