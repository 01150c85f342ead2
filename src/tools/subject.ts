import type { Roster } from "../agents/roster.ts";
import { dict, text } from "../models/settings.ts";
import type { SessionState } from "../sessions/types.ts";
import type { ToolSubject } from "./types.ts";

/** Whose tools a session's turns have. */
export function subjectOf(
  { config, roster }: { config: object; roster: Pick<Roster, "agents" | "mainKey"> },
  session: Pick<SessionState, "key" | "agentId" | "spawnDepth">,
  who: { isOwner: boolean; provider?: string; model?: string; senderId?: string },
): ToolSubject {
  const { key, agentId, spawnDepth } = session;
  const channel = channelOf(key);
  return {
    agentId,
    sessionKey: key,
    ...who,
    ...(channel === undefined ? {} : { channel }),
    isSandboxed: isSandboxed(config, roster, session),
    subagentDepth: spawnDepth,
  };
}

/** The channel that a session's key names: `telegram` of `agent:main:telegram:group:42`. */
const channelOf = (key: string): string | undefined => /^agent:[^:]+:([^:]+):(?:group|channel|direct):/.exec(key)?.[1];

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
