import type { GatewayConfig } from "../../../generated/config.ts";
import { LIMITS } from "../../../generated/limits.ts";

/** Lanes that share one number of runs at a time: those of subagents have their own (docs: concepts/queue). */
export type LaneGroup = "main" | "subagent";

export const laneGroup = (sessionKey: string): LaneGroup =>
  /^agent:[^:]+:subagent:/.test(sessionKey) ? "subagent" : "main";

/** How many runs of a group may be at work at once. */
export function mostAtOnce({ agents }: GatewayConfig, group: LaneGroup): number {
  const { maxConcurrent, subagents } = agents?.defaults ?? {};
  const [configured, usual] =
    group === "main" ? [maxConcurrent, LIMITS.runsAtOnce] : [subagents?.maxConcurrent, LIMITS.subagentsAtOnce];
  return Math.max(1, configured ?? usual);
}
