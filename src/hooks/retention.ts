import type { GatewayConfig } from "../../generated/config.ts";
import { LIMITS } from "../../generated/limits.ts";
import { deleteSession } from "../sessions/lifecycle.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { parseDuration } from "../system/heartbeat-plan.ts";

/** Upstream's day for which the sessions of runs on their own are kept. */
const DEFAULT_KEPT_MS = 86_400_000;

/**
 * Deletes the sessions that runs of hooks had for themselves: those older than `cron.sessionRetention` (a day unless told;
 * false for no age), and in any case those beyond the newest so many. Sessions with a key that somebody chose stay.
 */
export async function forgetOldSessions(
  sessions: Sessions,
  config: GatewayConfig,
  agentId: string,
  now: number,
): Promise<void> {
  const wanted = config.cron?.sessionRetention;
  const keptMs = (typeof wanted === "string" ? parseDuration(wanted) : null) ?? DEFAULT_KEPT_MS;
  const before = wanted === false ? 0 : now - keptMs;
  const prefix = `agent:${agentId}:hook:`;
  for (const key of await sessions.repository.stale(prefix, {
    before,
    keep: LIMITS.hookSessions,
    limit: LIMITS.hookSessionsPruned,
  })) {
    await deleteSession(sessions, { key });
  }
}
