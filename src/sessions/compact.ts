import type { Database } from "bun:sqlite";
import type { SessionsCompactParams, SessionsCompactResult } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { type StoredSession, withoutRunState } from "./entry.ts";
import type { Sessions } from "./sessions.ts";
import { splitTranscript, transcriptOf } from "./transcript-repository.ts";

/**
 * `sessions.compact` with `maxLines`: the session goes on with its newest messages alone. The older ones stay on disk and
 * are found by a search, but no model is given them any more.
 * @throws GatewayError when the session is at work
 */
export async function shortenSession(
  sessions: Sessions,
  { key: given, agentId }: SessionsCompactParams,
  maxLines: number,
): Promise<SessionsCompactResult> {
  const key = sessions.canonicalKey(given, agentId);
  if (!(await sessions.repository.find(key))) return { ok: true, key, compacted: false, reason: "no sessionId" };
  let kept = 0;
  let compacted = false;
  const shorten = (session: StoredSession | null, db: Database): StoredSession | null => {
    if (sessions.runs.activeRunIds(key).length > 0) {
      throw invalidRequest(`Session ${given} has an active run; retry after it finishes.`);
    }
    const transcript = session && transcriptOf(db, session.entry.sessionId);
    if (!session || !transcript) return null;
    kept = Math.min(maxLines, transcript.messages);
    compacted = transcript.messages > maxLines;
    if (!compacted) return null;
    const now = sessions.clock.now();
    splitTranscript(db, { key, sessionId: session.entry.sessionId }, transcript.messages - maxLines, now);
    const { compactionCount = 0 } = session.entry;
    const { status, startedAt, endedAt, runtimeMs, lastRunId } = session.entry;
    const state = { status, startedAt, endedAt, runtimeMs, lastRunId };
    const entry = { ...withoutRunState(session.entry), updatedAt: now, compactionCount: compactionCount + 1 };
    return { ...session, entry: JSON.parse(JSON.stringify({ ...entry, ...state, totalTokensFresh: false })) };
  };
  await sessions.repository.update(key, shorten, (family) => sessions.changed(family, "compact", { compacted: true }));
  return { ok: true, key, compacted, kept };
}
