import type { GatewayConfig } from "../../generated/config.ts";
import { LIMITS } from "../../generated/limits.ts";
import { deleteSession } from "../sessions/lifecycle.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { parseDuration } from "../system/heartbeat-plan.ts";

/** Upstream's day for which the sessions of runs on their own are kept. */
const DEFAULT_KEPT_MS = 86_400_000;

/** Sessions that work on its own has had for itself. */
interface OwnSessions {
  agentId: string;
  /** What their keys have between the agent and a UUID. */
  kind: "hook" | "cron";
  /** So many are kept at most. */
  keep: number;
}

/**
 * Deletes sessions that are older than `cron.sessionRetention` (a day unless told; false, or no time at all, for ever), and in
 * any case those beyond the newest so many. Pinned ones stay, and those with a key that somebody chose.
 * (Docs: cron-jobs/managing-jobs.)
 */
export async function forgetOldSessions(
  sessions: Sessions,
  config: GatewayConfig,
  { agentId, kind, keep }: OwnSessions,
  now: number,
): Promise<void> {
  const wanted = config.cron?.sessionRetention ?? undefined;
  const keptMs = typeof wanted === "string" ? parseDuration(wanted) : wanted === false ? null : DEFAULT_KEPT_MS;
  const before = keptMs === null ? 0 : now - keptMs;
  const prefix = `agent:${agentId}:${kind}:`;
  for (const key of await sessions.repository.stale(prefix, { before, keep, limit: LIMITS.ownSessionsPruned })) {
    await deleteSession(sessions, { key });
  }
}
