import type { GatewayConfig } from "../../generated/config.ts";
import { agentId as normalAgentId } from "../agents/roster.ts";

/** What an agent's heartbeat would do, as health and status show it. */
export interface HeartbeatPlan {
  /** False without an interval, and for an agent that has none of its own where another one has. */
  enabled: boolean;
  /** The interval as configured, for instance `24h`. */
  every: string;
  everyMs: number | null;
  prompt: string;
  target: string;
  ackMaxChars: number;
  /** Another model than the agent's. */
  model?: string;
  timeoutSeconds?: number;
  activeHours?: { start?: string; end?: string; timezone?: string };
  /** Leaves the files of the workspace out. */
  lightContext?: boolean;
  /** A session of its own that begins anew each time. */
  isolatedSession?: boolean;
}

/** Upstream's defaults for what the configuration leaves open. */
const DEFAULT_EVERY = "24h";
const DEFAULT_TARGET = "owner";
const DEFAULT_ACK_MAX_CHARS = 300;
const DEFAULT_PROMPT = "Look at what is waiting for you and act on it. If nothing needs attention, answer NO_REPLY.";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The heartbeat of an agent from the configuration: its own settings over the defaults of all agents. */
export function heartbeatPlan(config: GatewayConfig, agentId: string): HeartbeatPlan {
  const agents = config.agents as AgentsConfig | undefined;
  const all = Object.entries(agents?.entries ?? {}).map(([id, entry]): AgentEntry => ({ ...entry, id }));
  const listed = all.length > 0 ? all : (agents?.list ?? []);
  const own = listed.find((agent) => normalAgentId(agent.id) === agentId)?.heartbeat;
  const heartbeat: HeartbeatConfig = { ...agents?.defaults?.heartbeat, ...own };
  const every = heartbeat.every ?? DEFAULT_EVERY;
  const everyMs = parseDuration(every);
  const othersAlone = own === undefined && listed.some((agent) => agent.heartbeat !== undefined);
  const { model, timeoutSeconds, activeHours, lightContext, isolatedSession } = heartbeat;
  return {
    enabled: everyMs !== null && !othersAlone,
    every,
    everyMs,
    ...(model === undefined ? {} : { model }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(activeHours === undefined ? {} : { activeHours }),
    ...(lightContext === undefined ? {} : { lightContext }),
    ...(isolatedSession === undefined ? {} : { isolatedSession }),
    prompt: heartbeat.prompt ?? DEFAULT_PROMPT,
    target: heartbeat.target ?? DEFAULT_TARGET,
    ackMaxChars: heartbeat.ackMaxChars ?? DEFAULT_ACK_MAX_CHARS,
  };
}

interface HeartbeatConfig {
  every?: string;
  prompt?: string;
  target?: string;
  ackMaxChars?: number;
  model?: string;
  timeoutSeconds?: number;
  activeHours?: { start?: string; end?: string; timezone?: string };
  lightContext?: boolean;
  isolatedSession?: boolean;
}

interface AgentsConfig {
  defaults?: { heartbeat?: HeartbeatConfig };
  entries?: Record<string, { heartbeat?: HeartbeatConfig }>;
  list?: AgentEntry[];
}

interface AgentEntry {
  id: string;
  heartbeat?: HeartbeatConfig;
}

/** Milliseconds of `30m`, `24h`, `1h30m`; a bare number is minutes, as upstream reads it. Null when it is not a duration or zero. */
export function parseDuration(text: string): number | null {
  const compact = text.trim().toLowerCase();
  if (/^\d+$/.test(compact)) return Number(compact) * 60_000 || null;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(compact)) return null;
  let total = 0;
  for (const [, amount, , unit] of compact.matchAll(/(\d+(\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  }
  return total || null;
}
