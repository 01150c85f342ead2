import { LIMITS } from "../../generated/limits.ts";
import { parseDuration } from "../system/heartbeat-plan.ts";
import type { Job } from "./job.ts";

/**
 * Why a job cannot be. What upstream finds only when it makes the job is `isLate`: `cron.add` answers it with another code.
 * Words as recorded from 2026.9.6.
 */
export interface Problem {
  reason: string;
  isLate?: true;
}

const late = (reason: string): Problem => ({ reason, isLate: true });

/** What can be wrong with a job beside its target and its delivery. */
export const partProblem = (job: Job): Problem | null =>
  triggerProblem(job) ?? scriptProblem(job) ?? streamProblem(job) ?? pacingProblem(job);

function triggerProblem({ trigger, schedule, payload }: Job): Problem | null {
  if (trigger === undefined) return null;
  if (schedule.kind === "at" || schedule.kind === "on-exit") {
    return { reason: "cron triggers require an every, cron, or stream schedule" };
  }
  if (payload.kind === "script") {
    return { reason: "cron script payloads cannot be combined with a condition trigger" };
  }
  const error = syntaxError(trigger.script);
  if (error !== null) return { reason: `cron trigger script has a syntax error: ${error}` };
  if (schedule.kind === "every" && schedule.everyMs < LIMITS.cronTriggerEveryMs) {
    return { reason: `cron trigger every interval must be at least ${LIMITS.cronTriggerEveryMs / 1000}s` };
  }
  return null;
}

function scriptProblem({ payload, sessionTarget }: Job): Problem | null {
  if (payload.kind !== "script") return null;
  if (sessionTarget !== "main" && sessionTarget !== "isolated") {
    return late('script cron jobs require sessionTarget="main" or "isolated"');
  }
  const error = syntaxError(payload.script);
  return error === null ? null : { reason: `cron script payload has a syntax error: ${error}` };
}

function streamProblem({ schedule, payload }: Job): Problem | null {
  if (schedule.kind !== "stream") return null;
  if (payload.kind === "command") return late("cron stream schedules cannot use command payloads");
  const { mode = "line", match } = schedule;
  if (mode === "match" && match === undefined) return late('cron stream match is required when mode="match"');
  if (mode !== "match") return match === undefined ? null : late('cron stream match requires mode="match"');
  const fault = patternFault(match!);
  return fault === null ? null : late(`cron stream match is not a safe regular expression (${fault})`);
}

function pacingProblem({ pacing, schedule }: Job): Problem | null {
  if (pacing === undefined) return null;
  if (pacing.min === undefined && pacing.max === undefined) {
    return late("cron pacing requires at least one of min or max");
  }
  for (const name of ["min", "max"] as const) {
    const text = pacing[name];
    if (text !== undefined && parseDuration(text) === null) {
      return late(`cron pacing ${name} must be a positive duration`);
    }
  }
  const { min = "0ms", max } = pacing;
  if (max !== undefined && (parseDuration(min) ?? 0) > parseDuration(max)!) {
    return late("cron pacing min must not exceed max");
  }
  if (schedule.kind === "every" || schedule.kind === "cron") return null;
  return late("cron pacing requires an every or cron schedule");
}

/** What keeps a script from being parsed, or null. Scripts are the bodies of asynchronous functions. Nothing is run. */
function syntaxError(script: string): string | null {
  try {
    new Bun.Transpiler({ loader: "js" }).scan(`async () => {\n${script}\n}`);
    return null;
  } catch (error) {
    const first = (error as AggregateError).errors?.[0] ?? error;
    const { message, position } = first as { message: string; position?: { line: number; column: number } };
    return position ? `${message} (line ${position.line - 1}, column ${position.column - 1})` : message;
  }
}

/** A repeated group, or a choice, within which something is repeated: on some lines it would be tried for years. */
const NESTED_REPETITION = /\((?:[^()\\]|\\.)*(?:[*+]|\{\d*,\d*\})(?:[^()\\]|\\.)*\)(?:[*+]|\{\d*,\d*\})/;
const REPEATED_CHOICE = /\((?:[^()\\]|\\.)*\|(?:[^()\\]|\\.)*\)(?:[*+]|\{\d*,\d*\})/;

function patternFault(pattern: string): string | null {
  try {
    new RegExp(pattern);
  } catch {
    return "invalid-regex";
  }
  return NESTED_REPETITION.test(pattern) || REPEATED_CHOICE.test(pattern) ? "unsafe-nested-repetition" : null;
}
