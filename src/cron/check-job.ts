import { channelId } from "../channels/ids.ts";
import { isChannel } from "../channels/names.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { type Problem, partProblem } from "./check-parts.ts";
import { refusedVariables } from "./command.ts";
import type { Job } from "./job.ts";
import { parseTime } from "./new-job.ts";
import { type NextTime, nextTimes } from "./schedule.ts";
import { isWebhookUrl } from "./webhook.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const FURTHEST_YEARS = 10;

/**
 * Holds a job against what a scheduler can do with it, in upstream's words where it has any.
 * @param isNewTime whether somebody wants these times now; a single one of a job that stays as it is may have passed
 * @returns the times of its schedule
 * @throws GatewayError
 */
export async function checkJob(
  job: Job,
  method: "cron.add" | "cron.update",
  now: number,
  isNewTime: boolean,
): Promise<NextTime> {
  const refuse = (reason: string) => invalidRequest(`invalid ${method} params: ${reason}`);
  const plain = harnessProblem(job) ?? targetProblem(job) ?? deliveryProblem(job) ?? channelProblem(job);
  const problem = plain === null ? (partProblem(job) ?? isolatedProblem(job)) : { reason: plain };
  if (problem?.isLate && method === "cron.add") throw new GatewayError("UNAVAILABLE", `Error: ${problem.reason}`);
  if (problem !== null) throw refuse(problem.reason);
  if (job.schedule.kind === "at") checkMoment(job.schedule.at, now, isNewTime);
  const variables = job.payload.kind === "command" ? refusedVariables(job.payload) : [];
  if (variables.length > 0) {
    throw refuse(`payload.env may not set ${variables.join(", ")}: it steers what programs run`);
  }
  const unserved = job.enabled ? unservedPart(job) : null;
  if (unserved !== null) throw refuse(`${unserved} is not available in this gateway`);
  try {
    const next = await nextTimes(job.schedule, job.id);
    if (next(now) !== undefined || job.schedule.kind !== "cron") return next;
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  throw refuse(`cron expression "${job.schedule.expr}" has no upcoming run time and would never fire`);
}

function isolatedProblem({ sessionTarget, payload }: Job): Problem | null {
  if (sessionTarget === "main" || payload.kind !== "systemEvent") return null;
  const kinds = 'payload.kind="agentTurn", "command", or "script"';
  const reason = `isolated cron jobs require ${kinds}; script payloads do not support current/session targets`;
  return { reason, isLate: true };
}

/** Sessions that programs keep for themselves are nobody's target (measured on 2026.9.6). */
function harnessProblem({ sessionTarget, sessionKey = "" }: Job): string | null {
  const key = sessionTarget === "current" ? sessionKey : (/^session:(.+)/.exec(sessionTarget)?.[1] ?? "");
  if (!/^(agent:[^:]+:)?harness:/i.test(key.trim())) return null;
  return "Session key namespace is reserved for agent harness-owned sessions.";
}

function targetProblem({ sessionTarget, payload }: Job): string | null {
  if (sessionTarget === "session:") return "invalid cron sessionTarget session id";
  if (sessionTarget !== "main" || payload.kind === "systemEvent" || payload.kind === "script") return null;
  if (payload.kind === "heartbeat") return null;
  return 'main cron jobs require payload.kind="systemEvent" or "script"';
}

function deliveryProblem({ sessionTarget, delivery }: Job): string | null {
  if (delivery === undefined) return null;
  if (delivery.mode === "announce" && sessionTarget === "main") {
    return 'cron channel delivery config is only supported for sessionTarget="isolated"';
  }
  if (delivery.mode === "webhook" && !isWebhookUrl(delivery.to)) {
    return "cron webhook delivery requires delivery.to to be a valid http(s) URL";
  }
  const { failureDestination: failure } = delivery;
  if (failure !== undefined && sessionTarget === "main" && delivery.mode !== "webhook") {
    return 'cron delivery.failureDestination is only supported for sessionTarget="isolated" unless delivery.mode="webhook"';
  }
  if (failure?.mode === "webhook" && !isWebhookUrl(failure.to ?? "")) {
    return "cron failure destination webhook requires delivery.failureDestination.to to be a valid http(s) URL";
  }
  const completion = delivery.mode === "announce" ? delivery.completionDestination : undefined;
  if (completion !== undefined && !isWebhookUrl(completion.to)) {
    return "cron completion destination webhook requires delivery.completionDestination.to to be a valid http(s) URL";
  }
  return null;
}

/** Names of channels that no channel has. Words as recorded from 2026.9.6. */
function channelProblem({ delivery, failureAlert }: Job): string | null {
  const alert = failureAlert === false ? undefined : failureAlert;
  const named = {
    "delivery.channel": delivery?.channel,
    "delivery.failureDestination.channel": delivery?.failureDestination?.channel,
    "failureAlert.channel": alert?.channel,
  };
  for (const [field, channel] of Object.entries(named)) {
    if (channel === undefined || channel === "last" || isChannel(channelId(channel))) continue;
    return `${field} is not a known channel: ${channel}`;
  }
  return null;
}

/** What of an enabled job would never run here. A disabled one may hold it, so that upstream's jobs can be kept. */
export function unservedPart({ trigger, payload }: Job): string | null {
  if (trigger !== undefined) return "a trigger script";
  return payload.kind === "script" || payload.kind === "skillCollectionReview"
    ? `payload.kind="${payload.kind}"`
    : null;
}

/** @throws GatewayError for a single time that is none, has passed or is too far away */
export function checkMoment(at: string, now: number, isNewTime: boolean): void {
  const ms = parseTime(at);
  if (ms === null) throw invalidRequest(`Invalid schedule.at: expected ISO-8601 timestamp (got ${at})`);
  const iso = new Date(ms).toISOString();
  if (!isNewTime) return;
  if (ms < now - MINUTE) {
    const minutes = Math.floor((now - ms) / MINUTE);
    throw invalidRequest(
      `schedule.at is in the past: ${iso} (${minutes} minutes ago). Current time: ${new Date(now).toISOString()}`,
    );
  }
  const years = (ms - now) / (365.25 * DAY);
  if (years > FURTHEST_YEARS) {
    throw invalidRequest(
      `schedule.at is too far in the future: ${iso} (${Math.floor(years)} years ahead). Maximum allowed: ${FURTHEST_YEARS} years`,
    );
  }
}
