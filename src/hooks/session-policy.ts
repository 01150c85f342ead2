import type { AgentCatalogue } from "../agents/catalogue.ts";
import { uuid } from "../platform/ids.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { HookRefusal } from "./refusal.ts";
import type { HookSettings } from "./settings.ts";

/** The agent that a call is for. @throws HookRefusal when there is none of that name, or it is not open to hooks */
export function agentFor(
  agents: AgentCatalogue,
  { allowedAgentIds }: HookSettings,
  { agentId, lenientAgent = false }: { agentId?: string; lenientAgent?: boolean },
): string {
  const found = agentId === undefined ? undefined : agents.find(agentId);
  if (agentId !== undefined && !found && !lenientAgent)
    throw new HookRefusal(400, `unknown agentId "${agentId.slice(0, 100)}"`);
  if (!found && agents.roster.selectionRequired)
    throw new HookRefusal(400, "agentId is required: several agents are configured");
  const id = found?.id ?? agents.roster.defaultId;
  if (allowedAgentIds !== null && !allowedAgentIds.has(id)) {
    throw new HookRefusal(400, "agentId is not allowed by hooks.allowedAgentIds");
  }
  return id;
}

/** Where a turn takes place. */
export interface LogicalKey {
  /** Canonical; turns of one key follow one another. */
  key: string;
  /** Nobody else has it. */
  isOwn: boolean;
}

/**
 * The session key of a call: its own, else the configured one, else a new `hook:<uuid>`. A key from outside needs
 * `allowRequestSessionKey` and one of the allowed beginnings; where none are configured that is `hook:`, so that no
 * caller reaches the sessions of people (KNOWN_ATTACKS 101).
 * @throws HookRefusal for a key that the caller may not choose
 */
export function logicalKey(
  sessions: Sessions,
  settings: HookSettings,
  { sessionKey, keyFromCaller }: { sessionKey?: string; keyFromCaller: boolean },
  agentId: string,
): LogicalKey {
  if (sessionKey !== undefined && keyFromCaller && !settings.allowRequestSessionKey) throw callerKeysOff();
  const raw = sessionKey ?? settings.defaultSessionKey;
  if (raw === undefined) return { key: sessions.canonicalKey(`hook:${uuid()}`, agentId), isOwn: true };
  const prefixes = settings.prefixes.length === 0 && keyFromCaller ? ["hook:"] : settings.prefixes;
  const key = ofAgent(raw, agentId);
  for (const candidate of [raw, key]) checkPrefix(candidate, prefixes);
  return {
    key: sessions.canonicalKey(key, key.toLowerCase().startsWith("agent:") ? undefined : agentId),
    isOwn: false,
  };
}

/** A key that names another agent is made one of the agent that was chosen. */
const ofAgent = (raw: string, agentId: string): string =>
  raw.trim().replace(/^agent:[^:]+:/i, () => `agent:${agentId}:`);

function checkPrefix(key: string, prefixes: readonly string[]): void {
  const plain = key.trim().toLowerCase();
  if (prefixes.length === 0 || prefixes.some((prefix) => plain.startsWith(prefix))) return;
  throw new HookRefusal(400, `sessionKey must start with one of: ${prefixes.join(", ")}`);
}

const callerKeysOff = (): HookRefusal =>
  new HookRefusal(
    400,
    "sessionKey is disabled for externally supplied hook payload values; set hooks.allowRequestSessionKey=true to enable",
  );
