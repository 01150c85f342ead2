import { LIMITS } from "../../generated/limits.ts";
import type { ChatHistoryParams, ChatHistoryResult } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { hasScope } from "../platform/scopes.ts";
import { displayMessage } from "./display.ts";
import type { StoredSession } from "./entry.ts";
import { clearingRow, messageEvent } from "./events.ts";
import { decodeCursor, encodeCursor } from "./history-cursor.ts";
import { rowsOf, sessionDefaults, sharingRoleOf, type Viewer } from "./list.ts";
import { inputReceipts, pendingInputs } from "./pending.ts";
import type { Sessions } from "./sessions.ts";
import type { TranscriptRecord } from "./transcript-repository.ts";
import { transcriptSource, type WireMessage } from "./wire-message.ts";

/**
 * `chat.history`: the newest messages of a session, a page further back (`offset`), the surroundings of a message
 * (`messageId`), or what came after a cursor (docs: gateway/protocol, chat.history). A session that does not exist has
 * an empty page.
 * @throws GatewayError for a malformed key and for selectors that exclude each other
 */
export async function chatHistory(
  sessions: Sessions,
  params: ChatHistoryParams,
  viewer: Viewer,
): Promise<ChatHistoryResult> {
  if (params.cursor !== undefined && (params.offset !== undefined || params.messageId !== undefined)) {
    throw invalidRequest("cursor cannot be used with offset or messageId");
  }
  if (params.offset !== undefined && params.messageId !== undefined) {
    throw invalidRequest("offset and messageId cannot be used together");
  }
  if (params.sessionId !== undefined && params.messageId === undefined) {
    throw invalidRequest("sessionId requires messageId");
  }
  const key = sessions.lookupKey(params.sessionKey, params.agentId?.trim() || undefined);
  const session = await sessions.repository.find(key);
  if (params.cursor !== undefined) return catchUp(sessions, key, session, params, viewer);
  const page =
    params.messageId === undefined
      ? await window(sessions, session, params)
      : await around(sessions, key, session, params, viewer);
  return {
    sessionKey: params.sessionKey,
    ...(session ? { sessionId: session.entry.sessionId } : {}),
    ...page.part,
    ...(await surroundings(sessions, key, session, params, viewer, page.leaf)),
  };
}

interface Page {
  part: {
    messages: WireMessage[];
    deltaCursor?: string;
    offset?: number;
    nextOffset?: number;
    hasMore?: boolean;
    totalMessages?: number;
  };
  /** Id of the newest message, where the page tells of it; null when there is none. */
  leaf?: string | null;
}

/** A page counted from the end. Messages that are not shown take no place in it. */
async function window(sessions: Sessions, session: StoredSession | null, params: ChatHistoryParams): Promise<Page> {
  const limit = params.limit ?? LIMITS.historyDefaultMessages;
  const offset = params.offset ?? 0;
  const isTail = offset === 0;
  if (!session) {
    const given = params.offset === undefined ? {} : { offset };
    return { part: { messages: [], ...given, hasMore: false, totalMessages: 0 }, ...(isTail ? { leaf: null } : {}) };
  }
  const { sessionId } = session.entry;
  const transcript = await sessions.transcripts.state(sessionId);
  const total = transcript?.messages ?? 0;
  const fill = new PageFill(limit, bytesOf(params), transcriptSource(sessionId), charsOf(params));
  let end = total - offset;
  let leaf: string | null = null;
  while (end > 0 && fill.wants) {
    const start = Math.max(1, end - Math.min(limit, LIMITS.historyReadMessages) + 1);
    const records = await sessions.transcripts.range(sessionId, start, end);
    leaf ??= records.at(-1)?.id ?? null;
    const taken = fill.prepend(records);
    end -= taken;
    if (taken < records.length) break;
  }
  const hasMore = end > 0;
  return {
    part: {
      messages: fill.messages,
      ...(isTail && transcript
        ? { deltaCursor: encodeCursor({ sessionId, transcript: transcript.id, lastSeq: total }) }
        : {}),
      ...(params.offset === undefined ? {} : { offset }),
      ...(hasMore ? { nextOffset: total - end } : {}),
      hasMore,
      totalMessages: total,
    },
    ...(isTail ? { leaf } : {}),
  };
}

/** A page of a session's messages that ends before a position, and where the one before it ends; positions count from 1. */
export async function messagesBefore(
  sessions: Sessions,
  session: StoredSession,
  limit: number,
  before: number | undefined,
): Promise<{ messages: WireMessage[]; next?: number }> {
  const total = (await sessions.transcripts.state(session.entry.sessionId))?.messages ?? 0;
  const offset = before === undefined ? 0 : Math.max(0, total - before + 1);
  const { part } = await window(sessions, session, { sessionKey: session.key, limit, offset });
  return { messages: part.messages, ...(part.hasMore && { next: total - part.nextOffset! + 1 }) };
}

/**
 * The messages around one, half before and half after. Also of a transcript that a reset has ended; of a session that is
 * gone only for an administrator (docs: gateway/protocol, anchored reads).
 */
async function around(
  sessions: Sessions,
  key: string,
  session: StoredSession | null,
  params: ChatHistoryParams,
  viewer: Viewer,
): Promise<Page> {
  if (!session && !hasScope(viewer, "operator.admin")) return { part: { messages: [] } };
  const sessionId = params.sessionId ?? session?.entry.sessionId;
  const owner = sessionId === undefined ? null : await sessions.transcripts.owner(sessionId);
  if (sessionId === undefined || owner?.sessionKey !== key) return { part: { messages: [] } };
  const limit = params.limit ?? LIMITS.historyDefaultMessages;
  const records = await sessions.transcripts.around(sessionId, params.messageId!, limit);
  const fill = new PageFill(limit, bytesOf(params), transcriptSource(sessionId), charsOf(params));
  fill.prepend(records);
  return { part: { messages: fill.messages } };
}

/** What came after the cursor, or the order to read a page again. Never a part of it. */
async function catchUp(
  sessions: Sessions,
  key: string,
  session: StoredSession | null,
  params: ChatHistoryParams,
  viewer: Viewer,
): Promise<ChatHistoryResult> {
  const cursor = decodeCursor(params.cursor ?? "");
  if (!session || cursor?.sessionId !== session.entry.sessionId) return { kind: "reset" };
  const transcript = await sessions.transcripts.state(cursor.sessionId);
  if (transcript?.id !== cursor.transcript) return { kind: "reset" };
  const total = transcript.messages;
  if (cursor.lastSeq > total || total - cursor.lastSeq > LIMITS.historyCatchUpMessages) return { kind: "reset" };
  const records = await sessions.transcripts.range(cursor.sessionId, cursor.lastSeq + 1, total);
  if (records.length < total - cursor.lastSeq) return { kind: "reset" };
  const { row, ancestors } = sessions.eventRows(await sessions.repository.family(session));
  const clearing = clearingRow(row);
  const messages = records.map((record) => ({ ...messageEvent(row, ancestors, record), session: clearing }));
  if (JSON.stringify(messages).length > LIMITS.historyCatchUpBytes) return { kind: "reset" };
  const [newest] =
    records.length > 0 ? records.slice(-1) : await sessions.transcripts.range(cursor.sessionId, total, total);
  const leaf = newest?.id ?? null;
  const { sessionInfo, inFlightRun, ...rest } = await surroundings(sessions, key, session, params, viewer, leaf);
  return {
    kind: "delta",
    messages,
    deltaCursor: encodeCursor({ ...cursor, lastSeq: total }),
    pendingInputs: rest.pendingInputs,
    ...("inputReceipts" in rest ? { inputReceipts: rest.inputReceipts, inputConsumptions: [] } : {}),
    sessionInfo,
    ...(inFlightRun ? { inFlightRun } : {}),
  };
}

/** What a page tells beside its messages. */
async function surroundings(
  sessions: Sessions,
  key: string,
  session: StoredSession | null,
  params: ChatHistoryParams,
  viewer: Viewer,
  leaf?: string | null,
) {
  const defaults = sessionDefaults(sessions, sessions.agentOf(key));
  const inFlightRun = sessions.runs.inFlight?.(key) ?? null;
  return {
    pendingInputs: pendingInputs(sessions.runs, key, params.pendingBefore),
    ...(params.inputRunIds ? inputReceipts(sessions.runs, key, params.inputRunIds) : {}),
    defaults,
    sessionInfo: {
      ...(await infoRow(sessions, key, session, viewer)),
      ...(leaf === undefined ? {} : { activeLeafEntryId: leaf }),
    },
    thinkingLevel: session?.entry.thinkingLevel ?? defaults.thinkingDefault,
    ...(inFlightRun ? { inFlightRun } : {}),
  };
}

async function infoRow(sessions: Sessions, key: string, session: StoredSession | null, viewer: Viewer) {
  if (session) {
    const [row] = await rowsOf(sessions, [session], { activity: true, sharingRole: sharingRoleOf(viewer), runs: true });
    return row!;
  }
  const children = await sessions.repository.children([key]);
  return sessions.rows().unknown(key, { childSessions: children.get(key) });
}

const charsOf = ({ maxChars }: ChatHistoryParams): number => maxChars ?? LIMITS.historyTextChars;
const bytesOf = ({ maxBytes }: ChatHistoryParams): number =>
  Math.min(maxBytes ?? LIMITS.historyPageBytes, LIMITS.historyPageBytes);

/** Fills a page from its newest message backwards until it has enough messages or bytes; one message always fits. */
class PageFill {
  readonly messages: WireMessage[] = [];
  private bytes = 0;
  private full = false;

  constructor(
    private readonly limit: number,
    private readonly maxBytes: number,
    private readonly source: string,
    private readonly maxChars: number,
  ) {}

  get wants(): boolean {
    return !this.full && this.messages.length < this.limit;
  }

  /** Takes as many of these records as fit, the last one first. Returns how many it took, hidden ones included. */
  prepend(records: readonly TranscriptRecord[]): number {
    let taken = 0;
    for (const record of [...records].reverse()) {
      if (!this.wants) break;
      const message = displayMessage(record, this.source, this.maxChars);
      if (message !== null && !this.add(message)) break;
      taken += 1;
    }
    return taken;
  }

  private add(message: WireMessage): boolean {
    const bytes = Buffer.byteLength(JSON.stringify(message));
    if (this.messages.length > 0 && this.bytes + bytes > this.maxBytes) {
      this.full = true;
      return false;
    }
    this.bytes += bytes;
    this.messages.unshift(message);
    return true;
  }
}
