import { LIMITS } from "../../generated/limits.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { Runs } from "../agents/runs/runs.ts";
import type { SystemEvents } from "../agents/system-events.ts";
import type { ConfigPort } from "../config/types.ts";
import type { HeartbeatTurns } from "../cron/heartbeat-turns.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Store } from "../store/store.ts";
import { AgentRuns } from "./agent-runs.ts";
import { HookClaims } from "./claims.ts";
import { Hooks } from "./hooks.ts";

export interface HooksOptions {
  store: Store;
  config: ConfigPort;
  agents: AgentCatalogue;
  sessions: Sessions;
  runs: Runs;
  systemEvents: SystemEvents;
  heartbeatTurns: HeartbeatTurns;
  defender: DefenderPort;
  clock: Clock;
  log: Logger;
}

/** Builds the room. */
export function createHooks(options: HooksOptions): Hooks {
  const claims = new HookClaims(options.store, LIMITS.hookClaims);
  return new Hooks({ ...options, log: options.log.child("hooks"), claims, runs: new AgentRuns(options) });
}
