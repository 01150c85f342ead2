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
  /** Which of the channel's accounts talks, where keys tell accounts apart. */
  accountId?: string;
  peerKind?: string;
  /** The peer's or group's id on its channel. */
  peerId?: string;
}

const BACKGROUND = new Set(["cron", "subagent", "acp", "hook"]);

/** Chats of Matrix and Signal, whose ids are told apart by case; with what may stand before, and a thread behind. */
const OPAQUE = /^((?:agent:[^:]*:)?(matrix:(?:group|channel)|signal:group):)(.*?)(?::thread:(.*))?$/is;

/** A key in lower case, but for ids that mean another chat then (measured on 2026.9.6). */
export function foldedKey(raw: string): string {
  const key = raw.trim();
  const [, head, kind = "", id = "", thread] = OPAQUE.exec(key) ?? [];
  if (head === undefined) return key.toLowerCase();
  if (thread === undefined) return head.toLowerCase() + id;
  return `${head.toLowerCase()}${id}:thread:${/^matrix/i.test(kind) ? thread : thread.toLowerCase()}`;
}

/**
 * The canonical form of a key as clients give it: trimmed and {@link foldedKey in lower case}; `main` is the main session
 * of the agent, and with `session.scope: "global"` that of the default agent is `global`; a key without an agent
 * belongs to the agent named beside it, else to the default one. `global` and `unknown` stay as they are.
 * (BEHAVIOUR sections 7 and 9; docs: concepts/session.)
 * @throws GatewayError for a blank or malformed key, an unknown agent, or an agent that contradicts the key
 */
export function canonicalKey(raw: string, roster: Roster, agent?: string): string {
  const named = agent === undefined ? undefined : knownAgent(agent, roster);
  const key = foldedKey(raw);
  if (key === "") throw invalidRequest("key required");
  if (hasControlCharacters(key)) throw malformed(raw);
  if (key === "global" || key === "unknown") return key;
  if (key.startsWith("agent:")) {
    const [, owner, rest] = /^agent:([^:]+):(.+)$/s.exec(key) ?? [];
    if (owner === undefined || rest === undefined) throw malformed(raw);
    if (named !== undefined && named !== owner) {
      throw invalidRequest(`agent "${named}" does not match session key agent "${owner}"`);
    }
    return rest === "main" ? mainSessionKey(owner, roster) : key;
  }
  const isMain = key === "main";
  if (isMain && roster.scope === "global" && named === undefined) return "global";
  const owner = named ?? (roster.selectionRequired ? undefined : roster.defaultId);
  if (owner === undefined) {
    throw ownerRequired(`session key "${raw}"`, "Pass agentId or use an agent-prefixed session key.");
  }
  return isMain ? mainSessionKey(owner, roster) : `agent:${owner}:${key}`;
}

/**
 * The canonical key of a session that is only looked up. A blank one is that of no session, as upstream reads it there
 * (measured on 2026.9.6), where {@link canonicalKey} refuses it.
 */
export function lookupKey(raw: string, roster: Roster, agent?: string): string {
  if (raw.trim() !== "") return canonicalKey(raw, roster, agent);
  return `agent:${agent === undefined ? roster.defaultId : knownAgent(agent, roster)}:`;
}

/**
 * A canonical key under which a session may come to be.
 * @throws GatewayError for the namespace of programs that keep sessions of their own (measured on 2026.9.6)
 */
export function ownableKey(key: string): string {
  if (!/^agent:[^:]+:harness:/.test(key)) return key;
  throw invalidRequest("Session key namespace is reserved for agent harness-owned sessions.");
}

/** The key of an agent's main session. There is one `global` session only, so that it is the default agent's. */
export function mainSessionKey(agent: string, { scope, defaultId, mainKey }: Roster): string {
  return scope === "global" && agent === defaultId ? "global" : `agent:${agent}:${mainKey}`;
}

/** The id of a configured agent. @throws GatewayError when there is none of that name */
export function knownAgent(agent: string, roster: Roster): string {
  const id = normalAgentId(agent);
  if (!roster.agents.some((known) => known.id === id)) throw invalidRequest(`Unknown agent id "${agent}"`);
  return id;
}

/** Prefixes that name a class; with `-`, or `:` where others follow, and whatever stands behind. */
const CLASSES = [
  ["dashboard", /^dashboard:/],
  ["explicit", /^explicit:/],
  ["voice", /^voice:/],
  ["node", /^node[-:]/],
  ["tui", /^tui-/],
] as const;

/** The key of a session in which the gateway itself starts something. */
const SYSTEM = /^boot(:|$)/;

/** `channel:group:id` or `channel:channel:id`. */
const GROUP = /^([^:]*):(group|channel):(.+)$/s;

/** `direct:id`, `channel:direct:id` or `channel:account:direct:id`; older releases wrote `dm`. */
const DIRECT = /^(?:[^:]*:(?:([^:]*):)?)?(?:direct|dm):(.+)$/s;

/** A thread of what stands before it. */
const THREAD = /(?:^|:)thread:./s;

/**
 * Reads what a canonical key says. The classes and what goes before what were measured on 2026.9.6: sessions without a
 * person first, then threads, then what the first word says, then who is talked to.
 */
export function keyFacts(key: string, roster: Pick<Roster, "defaultId" | "mainKey">): KeyFacts {
  if (key === "global" || key === "unknown") {
    return { kind: key, classification: key, agentId: roster.defaultId, isMain: false, isBackground: false };
  }
  const [, agentId = roster.defaultId, rest = key] = /^agent:([^:]+):(.+)$/s.exec(key) ?? [];
  const facts: KeyFacts = { kind: "direct", classification: "custom", agentId, isMain: false, isBackground: false };
  if (rest === roster.mainKey) return { ...facts, classification: "main", isMain: true };
  const first = rest.slice(0, Math.max(0, rest.indexOf(":")));
  if (BACKGROUND.has(first)) return { ...facts, classification: first, isBackground: true };
  const peer = peerFacts(rest);
  if (/:(group|channel):/.test(key)) facts.kind = "group";
  if (THREAD.test(rest)) return { ...facts, ...peer, classification: "thread" };
  if (SYSTEM.test(rest)) return { ...facts, classification: "system", isBackground: true };
  const named = CLASSES.find(([, pattern]) => pattern.test(rest))?.[0];
  if (named !== undefined) return { ...facts, classification: named };
  return { ...facts, ...peer, classification: peer.peerKind ?? "custom" };
}

/** Whom a session talks to, as far as its key says. A direct chat's channel is told by the session, not by the key. */
function peerFacts(rest: string): Pick<KeyFacts, "channel" | "accountId" | "peerKind" | "peerId"> {
  const [, channel, peerKind, groupId] = GROUP.exec(rest) ?? [];
  if (groupId !== undefined) return { channel, peerKind, peerId: groupId };
  const [, accountId, peerId] = DIRECT.exec(rest) ?? [];
  if (peerId === undefined) return {};
  return { ...(accountId !== undefined && { accountId }), peerKind: "direct", peerId };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: keys with control characters are what this is about
const hasControlCharacters = (key: string): boolean => /[\u0000-\u001f\u007f]/.test(key);

const malformed = (raw: string) => invalidRequest(`malformed session key "${raw}"`);
