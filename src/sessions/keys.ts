import type { Roster } from "../agents/roster.ts";
import { agentId as normalAgentId, ownerRequired } from "../agents/roster.ts";
import { invalidRequest } from "../platform/errors.ts";

/** What a canonical session key says of its session. */
export interface KeyFacts {
  kind: "direct" | "group" | "global" | "unknown";
  classification: string;
  agentId: string;
  isMain: boolean;
  /** True for sessions that no person talks in: scheduled runs, subagents, hooks. */
  isBackground: boolean;
  channel?: string;
  peerKind?: string;
  /** The peer's or group's id on its channel. */
  peerId?: string;
}

const BACKGROUND = new Set(["cron", "subagent", "acp", "hook"]);

/**
 * The canonical form of a key as clients give it: trimmed and in lower case; `main` is the main session of the agent;
 * a key without an agent belongs to the agent named beside it, else to the default one. `global` and `unknown` stay
 * as they are. (BEHAVIOUR sections 7 and 9; docs: concepts/session.)
 * @throws GatewayError for a blank or malformed key, an unknown agent, or an agent that contradicts the key
 */
export function canonicalKey(raw: string, roster: Roster, agent?: string): string {
  const named = agent === undefined ? undefined : knownAgent(agent, roster);
  const key = raw.trim().toLowerCase();
  if (key === "") throw invalidRequest("key required");
  if (hasControlCharacters(key)) throw malformed(raw);
  if (key === "global" || key === "unknown") return key;
  if (key.startsWith("agent:")) {
    const [, owner, rest] = /^agent:([^:]+):(.+)$/s.exec(key) ?? [];
    if (owner === undefined || rest === undefined) throw malformed(raw);
    if (named !== undefined && named !== owner) {
      throw invalidRequest(`agent "${named}" does not match session key agent "${owner}"`);
    }
    return `agent:${owner}:${rest === "main" ? roster.mainKey : rest}`;
  }
  const isMain = key === "main" || key === roster.mainKey;
  if (isMain && roster.scope === "global" && named === undefined) return "global";
  const owner = named ?? (roster.selectionRequired ? undefined : roster.defaultId);
  if (owner === undefined) {
    throw ownerRequired(`session key "${raw}"`, "Pass agentId or use an agent-prefixed session key.");
  }
  return `agent:${owner}:${isMain ? roster.mainKey : key}`;
}

/** The id of a configured agent. @throws GatewayError when there is none of that name */
export function knownAgent(agent: string, roster: Roster): string {
  const id = normalAgentId(agent);
  if (!roster.agents.some((known) => known.id === id)) throw invalidRequest(`Unknown agent id "${agent}"`);
  return id;
}

/** Reads what a canonical key says. */
export function keyFacts(key: string, roster: Pick<Roster, "defaultId" | "mainKey">): KeyFacts {
  if (key === "global" || key === "unknown") {
    return { kind: key, classification: key, agentId: roster.defaultId, isMain: false, isBackground: false };
  }
  const [, agentId = roster.defaultId, rest = key] = /^agent:([^:]+):(.+)$/s.exec(key) ?? [];
  const parts = rest.split(":");
  const first = parts[0] ?? "";
  const facts = { kind: "direct", agentId, isMain: false, isBackground: false } as const;
  if (rest === roster.mainKey) return { ...facts, classification: "main", isMain: true };
  if (parts.length > 1 && BACKGROUND.has(first)) return { ...facts, classification: first, isBackground: true };
  if (parts.length > 1 && first === "dashboard") return { ...facts, classification: "dashboard" };
  if (parts.length > 2 && parts.at(-2) === "thread") return { ...facts, classification: "thread" };
  const [channel, peerKind = "", ...peer] = parts;
  if (peer.length > 0 && (peerKind === "group" || peerKind === "channel")) {
    return { ...facts, kind: "group", classification: peerKind, channel, peerKind, peerId: peer.join(":") };
  }
  if (peer.length > 0 && peerKind === "direct") {
    return { ...facts, classification: "direct", peerKind, peerId: peer.join(":") };
  }
  return { ...facts, classification: "custom" };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: keys with control characters are what this is about
const hasControlCharacters = (key: string): boolean => /[\u0000-\u001f\u007f]/.test(key);

const malformed = (raw: string) => invalidRequest(`malformed session key "${raw}"`);
