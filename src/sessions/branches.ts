import type { Database } from "bun:sqlite";
import type {
  SessionsBranchesListParams,
  SessionsBranchesListResult,
  SessionsBranchesSwitchParams,
  SessionsForkParams,
  SessionsForkResult,
  SessionsRewindParams,
  SessionsRewindResult,
} from "../../generated/types.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { type SessionEntry, type StoredSession, withoutRunState } from "./entry.ts";
import { clip, oneLine, previewOf, textOf, titleOf } from "./names.ts";
import type { Sessions } from "./sessions.ts";
import {
  branchesOf,
  copyMessages,
  firstAndLast,
  leaveTranscript,
  messageOf,
  resumeTranscript,
  type TranscriptRecord,
  type TranscriptState,
  transcriptOf,
} from "./transcript-repository.ts";

const HEADLINE_CHARS = 120;

/**
 * `sessions.branches.list`: the ends that what was said in a session has: the one at work first, then those that were left
 * by a rewind or a switch, the newest first. Branches from before a reset are gone.
 */
export async function listBranches(
  sessions: Sessions,
  params: SessionsBranchesListParams,
): Promise<SessionsBranchesListResult> {
  const session = await sessions.repository.find(sessions.lookupKey(params.sessionKey, params.agentId));
  if (!session) return { branches: [] };
  const { key, entry } = session;
  const branches = await sessions.transcripts.branches({ key, sessionId: entry.sessionId });
  return {
    branches: branches.map(({ leaf, messages, active }) => ({
      leafEntryId: leaf.id,
      headline: clip(oneLine(textOf(leaf)), HEADLINE_CHARS),
      messageCount: messages,
      updatedAt: new Date(leaf.recordedAt).toISOString(),
      active,
    })),
  };
}

/**
 * `sessions.rewind`: takes a session back to before a message, which is returned for the editor. The session goes on under
 * another session id; what is left behind stays as a branch (measured on 2026.9.6).
 * @throws GatewayError when the session is at work, or has no such message of a person
 */
export async function rewindSession(sessions: Sessions, params: SessionsRewindParams): Promise<SessionsRewindResult> {
  let asked: TranscriptRecord | undefined;
  await change(sessions, params, "rewind", (session, db) => {
    const { transcript, message } = askedAt(db, session, params.entryId);
    asked = message;
    const now = sessions.clock.now();
    const next = renewed(session, now);
    copyMessages(db, transcript.id, { key: session.key, sessionId: next.entry.sessionId }, now, message.seq - 1);
    leaveTranscript(db, session.key, transcript.id, now);
    return named(db, next);
  });
  return editorOf(asked!);
}

/**
 * `sessions.branches.switch`: goes on at the end of another branch, under another session id.
 * @throws GatewayError when the session is at work, the branch is not there, or it is the one at work
 */
export async function switchBranch(
  sessions: Sessions,
  params: SessionsBranchesSwitchParams,
): Promise<Record<string, never>> {
  const { leafEntryId } = params;
  await change(sessions, params, "branch-switch", (session, db) => {
    const { key, entry } = session;
    const branch = branchesOf(db, { key, sessionId: entry.sessionId }).find(({ leaf }) => leaf.id === leafEntryId);
    if (!branch) throw invalidRequest(`branch entry not found: ${leafEntryId}`);
    if (branch.active) throw invalidRequest(`branch is already active: ${leafEntryId}`);
    const now = sessions.clock.now();
    const current = transcriptOf(db, entry.sessionId);
    if (current) leaveTranscript(db, key, current.id, now);
    const next = renewed(session, now);
    resumeTranscript(db, branch.id, next.entry.sessionId);
    return named(db, next);
  });
  return {};
}

/**
 * `sessions.fork`: a new session with what was said before a message, which is returned for the editor.
 * @throws GatewayError when the session is at work, or has no such message of a person
 */
export async function forkSession(sessions: Sessions, params: SessionsForkParams): Promise<SessionsForkResult> {
  const source = await found(sessions, params);
  const key = `agent:${source.agentId}:dashboard:${uuid()}`;
  let asked: TranscriptRecord | undefined;
  const make = (_known: StoredSession | null, db: Database): StoredSession => {
    refuseAtWork(sessions, source.key, "Fork");
    const { transcript, message } = askedAt(db, source, params.entryId);
    asked = message;
    const now = sessions.clock.now();
    const fork = sessions.blank(key, now, "operator");
    const { sessionId } = source.entry;
    const entry: SessionEntry = {
      ...fork.entry,
      ...kept(source.entry),
      forkSource: { sessionKey: source.key, sessionId, entryId: params.entryId },
      forkedFromParent: true,
      parentSessionKey: source.key,
      parentSessionId: sessionId,
      delivery: { kind: "none" },
      systemSent: false,
      abortedLastRun: false,
    };
    copyMessages(db, transcript.id, { key, sessionId: entry.sessionId }, now, message.seq - 1);
    return named(db, { ...fork, entry });
  };
  await sessions.repository.update(key, make, (family) => sessions.changed(family, "fork"));
  return { sessionKey: key, ...editorOf(asked!) };
}

type Target = { sessionKey: string; agentId?: string };

async function found(sessions: Sessions, { sessionKey, agentId }: Target): Promise<StoredSession> {
  const session = await sessions.repository.find(sessions.canonicalKey(sessionKey, agentId));
  if (!session) throw invalidRequest(`session not found: ${sessionKey}`);
  return session;
}

/** Writes what `to` makes of a session that rests, and publishes it. */
async function change(
  sessions: Sessions,
  { sessionKey, agentId }: Target,
  reason: "rewind" | "branch-switch",
  to: (session: StoredSession, db: Database) => StoredSession,
): Promise<void> {
  const key = sessions.canonicalKey(sessionKey, agentId);
  const work = (session: StoredSession | null, db: Database): StoredSession => {
    if (!session) throw invalidRequest(`session not found: ${sessionKey}`);
    refuseAtWork(sessions, key, reason === "rewind" ? "Rewind" : "Switching branches");
    return to(session, db);
  };
  await sessions.repository.update(key, work, (family) => sessions.changed(family, reason));
}

function refuseAtWork(sessions: Sessions, key: string, what: string): void {
  if (sessions.runs.activeRunIds(key).length === 0) return;
  throw new GatewayError("UNAVAILABLE", `${what} is unavailable while the agent is working.`);
}

/** The message of a person that the session has under this id, and the transcript that it stands in. */
function askedAt(
  db: Database,
  { entry }: StoredSession,
  entryId: string,
): { transcript: TranscriptState; message: TranscriptRecord } {
  const transcript = transcriptOf(db, entry.sessionId);
  const message = transcript && messageOf(db, transcript.id, entryId);
  if (!transcript || !message) throw invalidRequest(`message entry not found: ${entryId}`);
  if (message.role !== "user") throw invalidRequest(`entry is not a user message: ${entryId}`);
  return { transcript, message };
}

/** The session under another session id, as if none of its runs had been. */
function renewed(session: StoredSession, now: number): StoredSession {
  const entry = { ...withoutRunState(session.entry), sessionId: uuid(), lifecycleRevision: uuid(), updatedAt: now };
  return { ...session, entry };
}

/** The session with the title and preview that its transcript gives it now. */
function named(db: Database, session: StoredSession): StoredSession {
  const transcript = transcriptOf(db, session.entry.sessionId);
  const { first, last } = transcript ? firstAndLast(db, transcript) : { first: null, last: null };
  return { ...session, title: first && titleOf(first), preview: last && previewOf(last) };
}

const KEPT_BY_FORK = [
  "providerOverride",
  "modelOverride",
  "modelOverrideSource",
  "modelOverrideRouteResolution",
  "thinkingLevel",
  "sessionRoot",
] as const satisfies readonly (keyof SessionEntry)[];

const kept = (entry: SessionEntry): Partial<SessionEntry> =>
  Object.fromEntries(KEPT_BY_FORK.flatMap((name) => (entry[name] === undefined ? [] : [[name, entry[name]]])));

/** A message as an editor takes it up again. */
function editorOf({ content }: TranscriptRecord): Pick<SessionsForkResult, "editorText" | "editorAttachments"> {
  const parts = typeof content === "string" ? [] : content;
  const images = parts.flatMap((part) => (part.type === "image" ? [{ mimeType: part.mimeType, data: part.data }] : []));
  return { editorText: textOf({ content }), ...(images.length > 0 ? { editorAttachments: images } : {}) };
}
