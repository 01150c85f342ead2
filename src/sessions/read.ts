import { LIMITS } from "../../generated/limits.ts";
import type {
  SessionStatusParams,
  SessionStatusResult,
  SessionsDescribeParams,
  SessionsDescribeResult,
  SessionsGetParams,
  SessionsGetResult,
  SessionsHistoryParams,
  SessionsHistoryResult,
  SessionsPreviewParams,
  SessionsPreviewResult,
} from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { isSilent, withoutDirectives } from "./display.ts";
import type { StoredSession } from "./entry.ts";
import { rowsOf, sharingRoleOf, type Viewer } from "./list.ts";
import { clip, oneLine, textOf } from "./names.ts";
import { resolvedModel } from "./patch.ts";
import type { Sessions } from "./sessions.ts";
import type { TranscriptRecord } from "./transcript-repository.ts";
import type { SessionState, SessionsPort } from "./types.ts";
import { transcriptSource, wireMessage } from "./wire-message.ts";

const PREVIEW_ITEMS = 12;
const PREVIEW_CHARS = 240;
const MAX_PREVIEW_CHARS = 800;

/** `sessions.describe`: the row of one session, null when it does not exist. */
export async function describeSession(
  sessions: Sessions,
  params: SessionsDescribeParams,
  viewer: Viewer,
): Promise<SessionsDescribeResult> {
  const session = await sessions.repository.find(sessions.canonicalKey(params.key, params.agentId));
  if (!session) return { session: null };
  const [row] = await rowsOf(sessions, [session], {
    activity: true,
    sharingRole: sharingRoleOf(viewer),
    derivedTitle: params.includeDerivedTitles,
    lastMessage: params.includeLastMessage,
  });
  const { modelAttempts } = session.entry;
  return { session: params.includeModelAttempts && modelAttempts ? { ...row!, modelAttempts } : row! };
}

/** The session that a catalogue is asked for. @throws GatewayError `Session not found.` */
export async function sessionAsked(
  sessions: Pick<SessionsPort, "find" | "lookupKey">,
  sessionKey: string | undefined,
): Promise<SessionState | undefined> {
  if (sessionKey === undefined) return undefined;
  const session = await sessions.find(sessions.lookupKey(sessionKey));
  if (session === null) throw invalidRequest("Session not found.");
  return session;
}

/**
 * `sessions.get`: the newest messages of a session as they are stored, oldest first. Upstream checks its params by
 * hand: a key of any type, a limit that is not a number counts as none.
 * @throws GatewayError when neither `key` nor `sessionKey` is given
 */
export async function getMessages(sessions: Sessions, params: SessionsGetParams): Promise<SessionsGetResult> {
  const given = String(params.key ?? params.sessionKey ?? "").trim();
  if (given === "") throw invalidRequest("key required");
  const agent = typeof params.agentId === "string" ? params.agentId : undefined;
  const session = await sessions.repository.find(sessions.canonicalKey(given, agent));
  if (!session) return { messages: [] };
  const asked = typeof params.limit === "number" ? Math.floor(params.limit) : LIMITS.historyDefaultMessages;
  const limit = Math.min(Math.max(1, asked), LIMITS.historyMaxMessages);
  const { records } = await newest(sessions, session, limit, 0);
  return { messages: stored(records, session) };
}

/** `sessions.preview`: the beginning of the newest messages of several sessions, for cards. */
export async function previewSessions(
  sessions: Sessions,
  { keys, limit = PREVIEW_ITEMS, maxChars = PREVIEW_CHARS }: SessionsPreviewParams,
): Promise<SessionsPreviewResult> {
  const wanted = keys.map((key) => key.trim()).filter((key) => key !== "");
  const canonical = wanted.slice(0, LIMITS.sessionPreviewKeys).map((key) => [key, sessions.canonicalKey(key)] as const);
  const previews: SessionsPreviewResult["previews"] = [];
  for (const [key, canonicalKey] of canonical) {
    const session = await sessions.repository.find(canonicalKey);
    const items = session ? await previewItems(sessions, session, limit, Math.min(maxChars, MAX_PREVIEW_CHARS)) : [];
    previews.push({ key, status: !session ? "missing" : items.length > 0 ? "ok" : "empty", items });
  }
  return { ts: sessions.clock.now(), previews };
}

/**
 * `sessions.history` of older releases: a page of messages as they are stored. The session is named by `key`,
 * `sessionKey` or `sessionId`, the first of these that is given.
 */
export async function sessionHistory(
  sessions: Sessions,
  params: SessionsHistoryParams,
): Promise<SessionsHistoryResult> {
  const { key, session } = await named(sessions, params);
  if (!session) return { sessionKey: key, messages: [], hasMore: false, totalMessages: 0 };
  const offset = params.offset ?? 0;
  const { records, total } = await newest(sessions, session, params.limit ?? LIMITS.historyDefaultMessages, offset);
  const shown = offset + records.length;
  const hasMore = records.length > 0 && shown < total;
  return {
    sessionKey: key,
    sessionId: session.entry.sessionId,
    messages: stored(records, session),
    hasMore,
    ...(hasMore ? { nextOffset: shown } : {}),
    totalMessages: total,
  };
}

/** `session.status` of older releases: what a session is at, and the model of its next turn. */
export async function sessionStatus(
  sessions: Sessions,
  params: SessionStatusParams,
  viewer: Viewer,
): Promise<SessionStatusResult> {
  const { key, session } = await named(sessions, params);
  if (!session) {
    const blank = sessions.blank(key, sessions.clock.now(), "operator");
    return {
      sessionKey: key,
      exists: false,
      session: null,
      resolved: resolvedModel(sessions, blank, { runtime: true }),
    };
  }
  const options = { activity: true, runs: true, lastMessage: true, derivedTitle: true };
  const [row] = await rowsOf(sessions, [session], { ...options, sharingRole: sharingRoleOf(viewer) });
  return {
    sessionKey: key,
    exists: true,
    session: row!,
    resolved: resolvedModel(sessions, session, { runtime: true }),
  };
}

async function named(
  sessions: Sessions,
  params: SessionsHistoryParams | SessionStatusParams,
): Promise<{ key: string; session: StoredSession | null }> {
  const given = params.key ?? params.sessionKey;
  if (given !== undefined) {
    const key = sessions.canonicalKey(given, params.agentId);
    return { key, session: await sessions.repository.find(key) };
  }
  const { sessionId } = params;
  if (sessionId === undefined) throw invalidRequest("key required");
  const session = await sessions.repository.findById(sessionId);
  if (!session) throw invalidRequest(`No session found: ${sessionId}`);
  return { key: session.key, session };
}

async function newest(
  sessions: Sessions,
  { entry }: StoredSession,
  limit: number,
  offset: number,
): Promise<{ records: TranscriptRecord[]; total: number }> {
  const total = await sessions.transcripts.count(entry.sessionId);
  const end = total - offset;
  const records = end > 0 ? await sessions.transcripts.range(entry.sessionId, Math.max(1, end - limit + 1), end) : [];
  return { records, total };
}

function stored(records: readonly TranscriptRecord[], { entry }: StoredSession) {
  const source = transcriptSource(entry.sessionId);
  return records.map((record) => wireMessage(record, source));
}

/** Messages that say something, the newest ones, oldest first. */
async function previewItems(sessions: Sessions, session: StoredSession, limit: number, maxChars: number) {
  const items: { role: "user" | "assistant"; text: string }[] = [];
  const wanted = Math.min(limit, LIMITS.sessionPreviewItems);
  let offset = 0;
  while (items.length < wanted) {
    const { records } = await newest(sessions, session, Math.max(wanted, PREVIEW_ITEMS), offset);
    if (records.length === 0) break;
    offset += records.length;
    for (const record of records.reverse()) {
      if (items.length < wanted) items.unshift(...previewItem(record, maxChars));
    }
  }
  return items;
}

function previewItem(record: TranscriptRecord, maxChars: number): { role: "user" | "assistant"; text: string }[] {
  const { role } = record;
  if ((role !== "user" && role !== "assistant") || isSilent(record)) return [];
  const text = clip(oneLine(withoutDirectives(textOf(record))), maxChars);
  return text === "" ? [] : [{ role, text }];
}
