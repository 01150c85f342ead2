import { LIMITS } from "../../generated/limits.ts";
import { nestsDeeper } from "../platform/json.ts";
import { HookRefusal } from "./refusal.ts";
import type { HookMapping, WakeMode } from "./settings.ts";
import { isTemplate, ownWords, render, type TemplateFacts } from "./template.ts";

/** A note for a session, as a call asks for it. */
export interface WakeAction {
  kind: "wake";
  text: string;
  mode: WakeMode;
  agentId?: string;
  /** The caller's wish; subject to the rules for keys. */
  sessionKey?: string;
}

/** A turn of an agent, as a call asks for it. */
export interface AgentAction {
  kind: "agent";
  message: string;
  /** What the configuration itself asks for, without what a caller filled in. */
  asked?: string;
  name: string;
  agentId?: string;
  sessionKey?: string;
  /** Whether the key came from outside; one of the configuration is as good as its text. */
  keyFromCaller: boolean;
  sessionMode: "isolated" | "persistent";
  wakeMode: WakeMode;
  deliver: boolean;
  channel?: string;
  to?: string;
  accountId?: string;
  model?: string;
  thinking?: string;
  timeoutSeconds?: number;
  unsafe: boolean;
  /** An agent that is not there is replaced by the default one; callers must name one that is. */
  lenientAgent: boolean;
}

export type HookAction = WakeAction | AgentAction;

/** `POST /wake`. Unknown fields are not looked at. @throws HookRefusal with upstream's words */
export function wakeAction(payload: Record<string, unknown>): WakeAction {
  const text = textIn(payload.text);
  if (text === undefined) throw bad("text required");
  const agentId = namedIn(payload, "agentId");
  const sessionKey = namedIn(payload, "sessionKey");
  const mode = payload.mode === "next-heartbeat" ? "next-heartbeat" : "now";
  if (sessionKey !== undefined && mode !== "now") throw bad("sessionKey requires mode=now");
  return { kind: "wake", text, mode, agentId, sessionKey };
}

/**
 * `POST /agent` (docs: config-hooks, "Hook agent payload").
 * @param channels ids of the channels that are configured
 * @throws HookRefusal with upstream's words
 */
export function agentAction(payload: Record<string, unknown>, channels: readonly string[]): AgentAction {
  const message = textIn(payload.message);
  if (message === undefined) throw bad("message required");
  const { sessionMode = "isolated", deliver, model } = payload;
  const agentId = namedIn(payload, "agentId");
  if (sessionMode !== "isolated" && sessionMode !== "persistent")
    throw bad("sessionMode must be isolated or persistent");
  const sessionKey = textIn(payload.sessionKey);
  if (sessionMode === "persistent" && sessionKey === undefined) {
    throw bad("sessionKey is required when sessionMode is persistent");
  }
  if (model !== undefined && textIn(model) === undefined) throw bad("model required");
  return {
    kind: "agent",
    message,
    name: textIn(payload.name) ?? "Hook",
    agentId,
    sessionKey,
    keyFromCaller: sessionKey !== undefined,
    sessionMode,
    wakeMode: payload.wakeMode === "next-heartbeat" ? "next-heartbeat" : "now",
    deliver: deliver !== false,
    ...(deliver === false ? {} : destinationIn(payload, channels)),
    model: textIn(model),
    thinking: textIn(payload.thinking),
    timeoutSeconds: secondsIn(payload.timeoutSeconds),
    unsafe: false,
    lenientAgent: false,
  };
}

/** A destination is whole or not there. */
function destinationIn(payload: Record<string, unknown>, channels: readonly string[]) {
  const accountId = textIn(payload.accountId);
  const to = textIn(payload.to);
  if (payload.channel === undefined && to === undefined) {
    if (accountId !== undefined) throw bad("accountId requires channel and to for hook delivery");
    return {};
  }
  const named = typeof payload.channel === "string" ? payload.channel.trim().toLowerCase() : payload.channel;
  const known = ["last", ...channels];
  if (named !== undefined && !known.some((id) => id === named)) throw bad(`channel must be ${known.join("|")}`);
  if (named === undefined || to === undefined) throw bad("channel and to must be set together for hook delivery");
  if (named === "last") throw bad("channel must name a concrete channel for hook delivery");
  return { channel: named as string, to, accountId };
}

/** The first mapping that a call is for, or null. */
export function mappingFor(
  mappings: readonly HookMapping[],
  path: string,
  payload: Record<string, unknown>,
): HookMapping | null {
  const fits = (mapping: HookMapping) =>
    (mapping.path === undefined || mapping.path === path) &&
    (mapping.source === undefined || mapping.source === payload.source);
  return mappings.find(fits) ?? null;
}

/**
 * What a mapping makes of a call: one action, or with `forEach` one for each item of that list, which the templates then
 * see as a list of one. `dropped` counts items above `maxItems`.
 * @throws HookRefusal when a text turns out empty
 */
export function mappedActions(
  mapping: HookMapping,
  facts: TemplateFacts,
  maxItems: number,
): { actions: HookAction[]; dropped: number } {
  const { forEach } = mapping;
  if (forEach === undefined) return { actions: [mappedAction(mapping, facts)], dropped: 0 };
  const list = Object.hasOwn(facts.payload, forEach) ? facts.payload[forEach] : undefined;
  const items = Array.isArray(list) ? list : [];
  const actions = items
    .slice(0, maxItems)
    .map((item) => mappedAction(mapping, { ...facts, payload: { ...facts.payload, [forEach]: [item] } }));
  return { actions, dropped: Math.max(0, items.length - maxItems) };
}

function mappedAction(mapping: HookMapping, facts: TemplateFacts): HookAction {
  const filled = (template: string | undefined): string | undefined =>
    template === undefined ? undefined : textIn(render(template, facts));
  const { agentId, wakeMode, sessionKey, sessionMode, deliver, unsafe, timeoutSeconds } = mapping;
  if (mapping.action === "wake") {
    const text = filled(mapping.textTemplate);
    if (text === undefined) throw bad("hook mapping requires text");
    return { kind: "wake", text, mode: wakeMode, agentId };
  }
  const message = filled(mapping.messageTemplate);
  if (message === undefined) throw bad("hook mapping requires message");
  const key = filled(sessionKey);
  if (sessionKey !== undefined && key === undefined) throw bad("the session key of the hook mapping is empty");
  return {
    kind: "agent",
    message,
    asked: ownWords(mapping.messageTemplate ?? ""),
    name: filled(mapping.name) ?? "Hook",
    agentId,
    sessionKey: key,
    keyFromCaller: sessionKey !== undefined && isTemplate(sessionKey),
    sessionMode,
    wakeMode,
    deliver,
    channel: mapping.channel ?? "last",
    to: filled(mapping.to),
    model: filled(mapping.model),
    thinking: filled(mapping.thinking),
    timeoutSeconds,
    unsafe,
    lenientAgent: true,
  };
}

const bad = (message: string): HookRefusal => new HookRefusal(400, message);

function textIn(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  return text === "" ? undefined : text;
}

/** A name that may be left out but not be empty. */
function namedIn(payload: Record<string, unknown>, field: string): string | undefined {
  const value = payload[field];
  if (value === undefined) return undefined;
  const name = textIn(value);
  if (name === undefined) throw bad(`${field} must be a non-empty string`);
  return name;
}

/** Whole seconds, if there is at least one; anything else is not looked at. */
function secondsIn(value: unknown): number | undefined {
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
  const seconds = Math.floor(value);
  return seconds >= 1 ? seconds : undefined;
}

/** The object in a body. An empty body or one of another kind is an empty object, as upstream has it. @throws HookRefusal */
export function payloadOf(body: string): Record<string, unknown> {
  if (body.trim() === "") return {};
  let value: unknown;
  if (nestsDeeper(body, LIMITS.jsonDepth)) throw bad("the body nests too deep");
  try {
    value = JSON.parse(body);
  } catch {
    throw bad("the body is not JSON");
  }
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
