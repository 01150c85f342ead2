import type { SessionsPatchManyParams, SessionsPatchManyResult } from "../../generated/types.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { patchSession } from "./patch.ts";
import type { Sessions } from "./sessions.ts";

/**
 * `sessions.patchMany`: the same change to several sessions, one after the other. One that is refused does not hinder the
 * others; each has its outcome, in order.
 * @throws GatewayError when a session is named twice
 */
export async function patchSessions(
  sessions: Sessions,
  { targets, patch }: SessionsPatchManyParams,
): Promise<SessionsPatchManyResult> {
  const names = new Set(targets.map(({ key, agentId }) => nameOf(sessions, key, agentId)));
  if (names.size < targets.length) throw invalidRequest("Duplicate target.");
  const outcomes: SessionsPatchManyResult["outcomes"] = [];
  for (const target of targets) {
    const { key, agentId } = target;
    const named = { key, ...(agentId === undefined ? {} : { agentId }) };
    try {
      await patchSession(sessions, { ...patch, ...target });
      outcomes.push({ ok: true, ...named });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const { code, message, details } = error;
      outcomes.push({ ok: false, ...named, error: { code, message, ...(details ? { details } : {}) } });
    }
  }
  return { outcomes };
}

/** The canonical key, or what was given if that is none; its own outcome will say why. */
function nameOf(sessions: Sessions, key: string, agentId: string | undefined): string {
  try {
    return sessions.canonicalKey(key, agentId);
  } catch {
    return `${agentId} ${key}`;
  }
}
