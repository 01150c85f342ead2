import { invalidRequest } from "../platform/errors.ts";

const NAME_CHARS = 60;

/** What a payload of each kind says. */
const TEXTS = ["message", "text", "script", "model", "thinking"];
/** Figures below these mean nothing and count as absent. */
const LEAST = { timeoutSeconds: 0, noOutputTimeoutSeconds: 0, outputMaxBytes: 1 };

type Fields = Record<string, unknown>;

/**
 * What upstream fills in before it looks at the schema of `cron.add`: a name from the payload, `isolated` or `main` as
 * the target, `now` for a wake mode that it does not know. Texts are trimmed; blank ones count as absent.
 * @throws GatewayError for blank addresses, in upstream's words
 */
export function fillIn(raw: Fields): Fields {
  const payload = isRecord(raw.payload) ? raw.payload : undefined;
  const params: Fields = {
    ...trimmed(raw, ["name", "description", "displayName"]),
    ...parts(raw),
    sessionTarget: targetOf(raw, payload),
    wakeMode: raw.wakeMode === "next-heartbeat" ? "next-heartbeat" : "now",
  };
  if (isRecord(raw.delivery)) params.delivery = filledDelivery(raw.delivery);
  if (params.name === undefined && payload !== undefined) params.name = nameOf(payload);
  return params;
}

/**
 * The same for the patch of `cron.update`. A time that is null is to be taken away; the schema that we follow has
 * no null there, so that its name goes to a list of its own. Other figures that are null stay what they are.
 */
export function fillInPatch(params: Fields): Fields {
  if (!isRecord(params.patch)) return params;
  const { wakeMode, sessionTarget, ...others } = params.patch;
  const patch: Fields = { ...others, ...parts(others) };
  if (wakeMode === "now" || wakeMode === "next-heartbeat") patch.wakeMode = wakeMode;
  if (typeof sessionTarget !== "string" || sessionTarget.trim() !== "") {
    if (sessionTarget !== undefined) patch.sessionTarget = sessionTarget;
  }
  if (isRecord(patch.payload)) {
    const payload = { ...patch.payload };
    if (payload.timeoutSeconds === null) patch.clearPayload = ["timeoutSeconds"];
    for (const name of Object.keys(LEAST)) if (payload[name] === null) delete payload[name];
    patch.payload = payload;
  }
  return { ...params, patch };
}

/** Schedule, payload and condition in the form that the schema knows. */
function parts({ schedule, payload, trigger }: Fields): Fields {
  const found: Fields = {};
  if (schedule !== undefined) found.schedule = isRecord(schedule) ? filledSchedule(schedule) : schedule;
  if (payload !== undefined) found.payload = isRecord(payload) ? filledPayload(payload) : payload;
  if (trigger !== undefined) found.trigger = isRecord(trigger) ? stripped(trigger, ["script"]) : trigger;
  return found;
}

function filledSchedule(schedule: Fields): Fields {
  const next = trimmed(schedule, ["expr", "at", "tz", "cwd", "kind", "mode"]);
  if (typeof next.kind === "string") next.kind = next.kind.toLowerCase();
  // A way of reading that nobody knows, and a folder that is none, count as absent.
  if (next.mode !== "line" && next.mode !== "match") delete next.mode;
  if (next.cwd === null) delete next.cwd;
  if (next.kind === "on-exit" && typeof next.command === "string") next.command = next.command.trim();
  for (const name of ["everyMs", "anchorMs", "staggerMs", "batchMs", "maxBatchBytes"]) {
    const value = next[name];
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number)) next[name] = Math.floor(number);
  }
  return next;
}

function filledPayload(payload: Fields): Fields {
  const next = stripped(payload, TEXTS);
  for (const name of ["model", "thinking"]) if (next[name] === "") delete next[name];
  for (const [name, least] of Object.entries(LEAST)) {
    const value = next[name];
    if (typeof value === "string" || (typeof value === "number" && value < least)) delete next[name];
  }
  if (Array.isArray(next.fallbacks) && next.fallbacks.length > 0) {
    const named = next.fallbacks.filter((each) => typeof each !== "string" || each.trim() !== "");
    next.fallbacks = named;
    if (named.length === 0) delete next.fallbacks;
  }
  return next;
}

function filledDelivery(delivery: Fields): Fields {
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

function targetOf({ sessionTarget, sessionKey }: Fields, payload?: Fields): string {
  const wanted = typeof sessionTarget === "string" ? sessionTarget.trim() : "";
  if (wanted === "main" || wanted === "isolated" || wanted.startsWith("session:")) return wanted;
  // `current` is the conversation that the caller names; without one there is none.
  if (wanted === "current") return typeof sessionKey === "string" && sessionKey.trim() !== "" ? wanted : "isolated";
  return payload?.kind === "systemEvent" ? "main" : "isolated";
}

/** The first line of what the job says, else what it runs. */
function nameOf(payload: Fields): string | undefined {
  const { kind, message, text, argv } = payload;
  const said = [message, text, Array.isArray(argv) ? argv.join(" ") : undefined].find(
    (each) => typeof each === "string",
  );
  const line = ((said as string | undefined) ?? "").trim().split("\n")[0]!.replace(/\s+/g, " ").trim();
  if (line === "") return typeof kind === "string" ? `Cron ${kind}` : undefined;
  return line.length > NAME_CHARS ? `${line.slice(0, NAME_CHARS - 1)}…` : line;
}

/** A copy with these texts trimmed, and without those that are blank. */
function trimmed(record: Fields, names: readonly string[]): Fields {
  const copy = stripped(record, names);
  for (const name of names) if (copy[name] === "") delete copy[name];
  return copy;
}

/** A copy with these texts trimmed. */
function stripped(record: Fields, names: readonly string[]): Fields {
  const copy = { ...record };
  for (const name of names) if (typeof copy[name] === "string") copy[name] = (copy[name] as string).trim();
  return copy;
}

export const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
