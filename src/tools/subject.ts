import type { Roster } from "../agents/roster.ts";
import { dict, text } from "../models/settings.ts";
import type { SessionState } from "../sessions/types.ts";
import type { ToolSubject } from "./types.ts";

/** Whose tools a session's turns have. */
export function subjectOf(
  { config, roster }: { config: object; roster: Pick<Roster, "agents" | "mainKey"> },
  session: Pick<SessionState, "key" | "agentId" | "spawnDepth" | "tools" | "inheritedTools" | "inheritedSandbox">,
  who: { isOwner: boolean; provider?: string; model?: string; senderId?: string },
): ToolSubject {
  const { key, agentId, spawnDepth } = session;
  const channel = channelOf(key);
  const { permissionMode, spawnedBy } = session.tools ?? {};
  // A session that another one began is confined where that one is (KNOWN_ATTACKS 86).
  const keys = [
    { key, agentId },
    ...(spawnedBy === undefined ? [] : [{ key: spawnedBy, agentId: agentIn(spawnedBy) }]),
  ];
  return {
    agentId,
    sessionKey: key,
    ...who,
    ...(channel === undefined ? {} : { channel }),
    isSandboxed: session.inheritedSandbox === true || keys.some((each) => isSandboxed(config, roster, each)),
    ...(permissionMode === undefined ? {} : { permissionMode }),
    subagentDepth: spawnDepth,
    ...(session.inheritedTools ? { inheritedTools: session.inheritedTools } : {}),
  };
}

/** The channel that a session's key names: `telegram` of `agent:main:telegram:group:42`. */
const channelOf = (key: string): string | undefined => /^agent:[^:]+:([^:]+):(?:group|channel|direct):/.exec(key)?.[1];

const agentIn = (key: string): string => /^agent:([^:]+):/.exec(key)?.[1] ?? "";

/** Whether `sandbox.mode` of the agent, else of all, puts this session into a sandbox (docs: gateway/sandboxing). */
function isSandboxed(
  config: object,
  { agents, mainKey }: Pick<Roster, "agents" | "mainKey">,
  { key, agentId }: Pick<SessionState, "key" | "agentId">,
): boolean {
  const own = dict(dict(agents.find(({ id }) => id === agentId)?.raw).sandbox);
  const all = dict(dict(dict((config as Record<string, unknown>).agents).defaults).sandbox);
  const mode = text(own.mode) ?? text(all.mode) ?? "off";
  return mode === "all" || (mode === "non-main" && key !== `agent:${agentId}:${mainKey}`);
}
