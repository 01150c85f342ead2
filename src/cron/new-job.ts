import type { CronAddParams } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { type Delivery, given, type Job, type Payload, type Schedule } from "./job.ts";
import { defaultStaggerMs } from "./schedule.ts";

const NAME_CHARS = 60;

/**
 * What upstream fills in before it looks at the schema of `cron.add`: a name from the payload, `isolated` or `main` as
 * the target, `now` for a wake mode that it does not know. Texts are trimmed; blank ones count as absent.
 */
export function fillIn(raw: Record<string, unknown>): Record<string, unknown> {
  const payload = isRecord(raw.payload) ? raw.payload : undefined;
  const schedule = isRecord(raw.schedule) ? trimmed(raw.schedule, ["expr", "at", "tz"]) : raw.schedule;
  const params: Record<string, unknown> = {
    ...trimmed(raw, ["name", "description", "displayName"]),
    sessionTarget: targetOf(raw, payload),
    wakeMode: raw.wakeMode === "next-heartbeat" ? "next-heartbeat" : "now",
  };
  if (schedule !== undefined) params.schedule = schedule;
  if (payload !== undefined) params.payload = filledPayload(payload);
  if (isRecord(raw.delivery)) params.delivery = filledDelivery(raw.delivery);
  if (params.name === undefined && payload !== undefined) params.name = nameOf(payload);
  return params;
}

/** Figures that mean nothing and blank texts count as absent. */
function filledPayload(payload: Record<string, unknown>): Record<string, unknown> {
  const next = trimmed(payload, ["model", "thinking"]);
  for (const [name, least] of Object.entries(LEAST)) {
    if (typeof next[name] === "number" && next[name] < least) delete next[name];
  }
  if (Array.isArray(next.fallbacks) && next.fallbacks.length > 0) {
    const named = next.fallbacks.filter((each) => typeof each !== "string" || each.trim() !== "");
    next.fallbacks = named;
    if (named.length === 0) delete next.fallbacks;
  }
  return next;
}

const LEAST = { timeoutSeconds: 0, noOutputTimeoutSeconds: 0, outputMaxBytes: 1 };

/** @throws GatewayError for blank addresses, in upstream's words */
function filledDelivery(delivery: Record<string, unknown>): Record<string, unknown> {
  const isBlank = (value: unknown) => typeof value === "string" && value.trim() === "";
  const refuse = (field: string) => invalidRequest(`invalid cron.add params: ${field} must be a non-empty string`);
  if (isBlank(delivery.to)) throw refuse("delivery.to");
  const { completionDestination: completion, ...others } = delivery;
  if (!isRecord(completion)) return delivery;
  // The one way that a completion can be told.
  if (completion.mode !== "webhook") return others;
  if (isBlank(completion.to)) throw refuse("delivery.completionDestination.to");
  return delivery;
}

function targetOf({ sessionTarget, sessionKey }: Record<string, unknown>, payload?: Record<string, unknown>): string {
  const wanted = typeof sessionTarget === "string" ? sessionTarget.trim() : "";
  if (wanted === "main" || wanted === "isolated" || /^session:.+/.test(wanted)) return wanted;
  // `current` is the conversation that the caller names; without one there is none.
  if (wanted === "current") return typeof sessionKey === "string" && sessionKey.trim() !== "" ? wanted : "isolated";
  return payload?.kind === "systemEvent" ? "main" : "isolated";
}

/** The first line of what the job says, else what it runs. */
function nameOf(payload: Record<string, unknown>): string | undefined {
  const { kind, message, text, argv } = payload;
  const said = [message, text, Array.isArray(argv) ? argv.join(" ") : undefined].find(
    (each) => typeof each === "string",
  );
  const line = ((said as string | undefined) ?? "").trim().split("\n")[0]!.replace(/\s+/g, " ").trim();
  if (line === "") return typeof kind === "string" ? `Cron ${kind}` : undefined;
  return line.length > NAME_CHARS ? `${line.slice(0, NAME_CHARS - 1)}…` : line;
}

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
    default:
      return schedule;
  }
}

/** Epoch milliseconds of an ISO time, one without a zone being UTC, or of epoch digits; null when it is neither. */
export function parseTime(text: string): number | null {
  const [, day, clock, zone] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(text) ?? [];
  const ms =
    day === undefined ? Number(/^\d{10,16}$/.exec(text)?.[0] ?? Number.NaN) : Date.parse(isoOf(day, clock, zone));
  return Number.isNaN(ms) ? null : ms;
}

const isoOf = (day: string, clock = "00:00", zone = "Z"): string => `${day}T${clock}${zone.toUpperCase()}`;

function settledPayload(payload: Payload): Payload {
  if (payload.kind === "script") return { timeoutSeconds: 300, toolBudget: 50, ...payload };
  return payload;
}

/** A turn of its own tells its result where the last message came from; what a session is told stays there. */
function defaultDelivery({ sessionTarget, payload }: CronAddParams): Delivery | undefined {
  return sessionTarget === "main" || payload.kind === "systemEvent" ? undefined : { mode: "announce" };
}

/** Payloads that can use tools say which; those of an operator may use all, unless told. */
export function withToolPolicy(job: Job): Job {
  const { payload } = job;
  const { scheduledToolPolicy, ...others } = job;
  if (payload.kind !== "agentTurn" && payload.kind !== "script") return others;
  return {
    ...others,
    payload: { ...payload, toolsAllow: payload.toolsAllow ?? ["*"] },
    scheduledToolPolicy: scheduledToolPolicy ?? { version: 1, mode: "trusted" },
  };
}

/** A copy with these texts trimmed, and without those that are blank. */
export function trimmed(record: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  const copy = { ...record };
  for (const name of names) {
    const value = copy[name];
    if (typeof value !== "string") continue;
    copy[name] = value.trim();
    if (copy[name] === "") delete copy[name];
  }
  return copy;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
