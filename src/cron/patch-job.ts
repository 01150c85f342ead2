import type { CronUpdateParams } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Delivery, Job, JobState, Payload, Schedule } from "./job.ts";
import { settledPayload, settledSchedule, withToolPolicy } from "./new-job.ts";
import { isRecord } from "./normalise.ts";
import { without } from "./outcome.ts";

export type JobPatch = CronUpdateParams["patch"];

/** What a payload of each kind cannot do without. */
const NEEDED: Readonly<Record<string, string>> = {
  systemEvent: "text",
  agentTurn: "message",
  command: "argv",
  script: "script",
};

/**
 * A job with a patch laid over it; null takes a field away. A payload of the same kind is patched, one of another kind
 * replaces the old. Its times are to be computed anew when `rescheduled` says so.
 * @throws GatewayError when what remains lacks something
 */
export function patched(job: Job, patch: JobPatch, now: number): { job: Job; rescheduled: boolean } {
  const { schedule, payload, clearPayload = [], delivery, state, name, description, enabled, ...plain } = patch;
  const next = laidOver({ ...job, updatedAtMs: now }, plain);
  if (name !== undefined && name.trim() === "") {
    throw invalidRequest("invalid cron.update params: automation name is required");
  }
  if (name !== undefined) next.name = name.trim();
  if (description !== undefined) next.description = description.trim();
  if (next.description === "") delete next.description;
  if (schedule !== undefined) next.schedule = settledSchedule(schedule, now);
  if (payload !== undefined) next.payload = patchedPayload(job.payload, payload, clearPayload);
  if (delivery !== undefined) next.delivery = patchedDelivery(job.delivery, delivery as Record<string, unknown>);
  if (patch.failureAlert) next.failureAlert = patchedAlert(job.failureAlert, patch.failureAlert);
  if (enabled !== undefined) next.enabled = enabled;
  // A job of the main session says what it says there.
  if (next.sessionTarget === "main" && (next.delivery as Delivery | undefined)?.mode === "none") delete next.delivery;
  const changes = (field: "schedule" | "pacing" | "trigger") =>
    patch[field] !== undefined && JSON.stringify(next[field]) !== JSON.stringify(job[field]);
  const moved = changes("schedule");
  const activated = moved || changes("pacing") || changes("trigger");
  const turnedOn = enabled === true && !job.enabled;
  const turned = turnedOn || (enabled === false && job.enabled);
  next.state = patchedState(job.state, { ...state }, { activated: activated || turned, turnedOn, now });
  const rescheduled = moved || turned;
  if (rescheduled) next.state = renewedSource(next.state as JobState, next.schedule as Schedule);
  // Nothing runs for a job that is off (recorded from 2026.9.6).
  const isIdle = !job.enabled && next.enabled === false && (next.schedule as Schedule).kind === "stream";
  if (isIdle) next.state = { ...(next.state as JobState), streamStatus: "stopped" };
  return { job: withToolPolicy(next as unknown as Job), rescheduled };
}

/** Of a job that is turned on again. */
export const FRESH_START = { consecutiveErrors: 0, scheduleErrorCount: 0 };

const SOURCE_FACTS = [
  "streamSourceIdentity",
  "streamStatus",
  "streamError",
  "streamConsecutiveFailures",
  "streamRestartExhausted",
  "streamDroppedBatches",
  "streamCoalescedBatches",
  "streamLastStartedAtMs",
  "streamLastExitAtMs",
] as const satisfies (keyof JobState)[];

/**
 * What is remembered of the command that a job listens to, when that is replaced, turned off or on: it is another one
 * from then on, so that what the old one still has to say begins nothing, and may fail again.
 */
export function renewedSource(state: JobState, schedule: Schedule): JobState {
  if (schedule.kind !== "stream") return without(state, ...SOURCE_FACTS);
  return { ...without(state, "streamRestartExhausted", "streamError"), streamSourceIdentity: uuid() };
}

function patchedState(
  state: JobState,
  { runningAtMs, ...facts }: JobState,
  { activated, turnedOn, now }: { activated: boolean; turnedOn: boolean; now: number },
): JobState {
  const { autoDisabled, ...others } = state;
  // What is told of a job begins anew with it.
  const kept = turnedOn ? without(others, "incident", "lastFailureAlertAtMs") : others;
  return {
    ...kept,
    ...facts,
    ...(activated ? { scheduleActivatedAtMs: now } : {}),
    // Whoever turns a job on again gives it a fresh start.
    ...(turnedOn ? FRESH_START : autoDisabled ? { autoDisabled } : {}),
  };
}

function patchedPayload(old: Payload, patch: NonNullable<JobPatch["payload"]>, cleared: readonly string[]): Payload {
  const base: Record<string, unknown> =
    old.kind === patch.kind ? { ...old } : "toolsAllow" in old && old.toolsAllow ? { toolsAllow: old.toolsAllow } : {};
  const next = laidOver(base, patch);
  for (const name of cleared) delete next[name];
  const needed = NEEDED[patch.kind];
  if (needed !== undefined && next[needed] === undefined) {
    throw invalidRequest(`invalid cron.update params: cron.update payload.kind="${patch.kind}" requires ${needed}`);
  }
  return settledPayload(next as unknown as Payload);
}

function patchedDelivery(old: Delivery | undefined, patch: Record<string, unknown>): Delivery {
  const base: Record<string, unknown> = { mode: "announce", ...old };
  // Where a webhook goes is no recipient of a channel.
  if (old?.mode === "webhook" && patch.mode !== undefined && patch.mode !== "webhook") delete base.to;
  const next = laidOver(base, patch);
  const destination = patch.failureDestination;
  if (isRecord(destination) && isRecord(base.failureDestination)) {
    next.failureDestination = laidOver(base.failureDestination, destination);
  } else if (isRecord(destination)) next.failureDestination = laidOver({}, destination);
  if (next.mode !== "announce") delete next.completionDestination;
  if (next.mode === "webhook" && next.to === undefined) {
    throw invalidRequest(
      "invalid cron.update params: cron webhook delivery requires delivery.to to be a valid http(s) URL",
    );
  }
  return next as unknown as Delivery;
}

/** False turns alerts off; fields are laid over those that are there, null takes the whole or a field away. */
function patchedAlert(old: Job["failureAlert"], patch: NonNullable<JobPatch["failureAlert"]>): Job["failureAlert"] {
  return patch === false ? false : laidOver(old === false ? {} : { ...old }, patch);
}

/** The fields of a patch over what is there; null takes a field away. */
function laidOver(base: object, patch: object): Record<string, unknown> {
  const next: Record<string, unknown> = { ...base };
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete next[field];
    else if (value !== undefined) next[field] = value;
  }
  return next;
}
