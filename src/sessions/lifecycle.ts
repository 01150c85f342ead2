import type {
  SessionsDeleteParams,
  SessionsDeleteResult,
  SessionsResetParams,
  SessionsResetResult,
} from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { type StoredSession, shownEntry } from "./entry.ts";
import { keyFacts, ownableKey } from "./keys.ts";
import { resolvedModel, sessionChanged } from "./patch.ts";
import type { Sessions } from "./sessions.ts";

/** `sessions.reset`: see {@link Sessions.restart}. @throws GatewayError when the session is not the expected one */
export async function resetSession(sessions: Sessions, params: SessionsResetParams): Promise<SessionsResetResult> {
  const key = ownableKey(sessions.canonicalKey(params.key, params.agentId?.trim() || undefined));
  const { expectedSessionId } = params;
  const check = (session: StoredSession | null): void => {
    if (expectedSessionId !== undefined && session?.entry.sessionId !== expectedSessionId) {
      throw sessionChanged(params.key, "reset");
    }
  };
  check(expectedSessionId === undefined ? null : await sessions.repository.find(key));
  const release = sessions.runs.hold?.(key);
  try {
    await sessions.runs.abortSession?.(key, "reset");
    const session = await sessions.restart(key, params.reason ?? "reset", check);
    await sessions.runs.forgetSession?.(key);
    return resetAnswer(sessions, session);
  } finally {
    release?.();
  }
}

const resetAnswer = (sessions: Sessions, session: StoredSession): SessionsResetResult => ({
  ok: true,
  key: session.key,
  entry: shownEntry(session.entry),
  resolved: resolvedModel(sessions, session),
});

/**
 * `sessions.delete`: removes the session, with what was said in it unless `deleteTranscript` is false.
 * @throws GatewayError for the main session, and when the session is not the expected one
 */
export async function deleteSession(sessions: Sessions, params: SessionsDeleteParams): Promise<SessionsDeleteResult> {
  const key = sessions.canonicalKey(params.key, params.agentId);
  if (key === "global" || keyFacts(key, sessions.agents.roster).isMain) {
    throw invalidRequest(`Cannot delete the main session (${key}).`);
  }
  const check = (session: StoredSession | null): void => checkDeletion(params, session);
  check(await sessions.repository.find(key));
  const keepTranscript = params.deleteTranscript === false;
  const options = { keepTranscript, check };
  const release = sessions.runs.hold?.(key);
  try {
    await sessions.runs.abortSession?.(key, "rpc");
    const removed = await sessions.repository.remove(key, options, (session) => sessions.gone(session));
    if (removed) await sessions.runs.forgetSession?.(key, { answers: !keepTranscript });
    return { ok: true, key, deleted: removed !== null, archived: [] };
  } finally {
    release?.();
  }
}

/** Deletes every session of an agent that is no more, its main one too, with what was said in them. */
export async function deleteSessionsOf(sessions: Sessions, agentId: string): Promise<void> {
  for (const key of await sessions.repository.keysOf(agentId)) {
    await sessions.runs.abortSession?.(key, "rpc");
    const options = { keepTranscript: false, check: () => {} };
    const removed = await sessions.repository.remove(key, options, (session) => sessions.gone(session));
    if (removed) await sessions.runs.forgetSession?.(key);
  }
}

function checkDeletion(params: SessionsDeleteParams, session: StoredSession | null): void {
  const { expectedSessionId, expectedLifecycleRevision, expectedSessionUpdatedAt, archivedOnly } = params;
  const entry = session?.entry;
  const fits =
    (expectedSessionId === undefined || entry?.sessionId === expectedSessionId) &&
    (expectedLifecycleRevision === undefined || entry?.lifecycleRevision === expectedLifecycleRevision) &&
    (expectedSessionUpdatedAt === undefined || entry?.updatedAt === expectedSessionUpdatedAt);
  if (!fits) throw sessionChanged(params.key, "deletion");
  if (archivedOnly && entry?.archivedAt === undefined) {
    throw invalidRequest(`Session ${params.key} is not archived. Archive it first, then delete it.`);
  }
}
