import type { Database } from "bun:sqlite";
import { uuid } from "../platform/ids.ts";
import type { SessionEntry, StoredSession } from "./entry.ts";
import type { Sessions } from "./sessions.ts";
import type { TranscriptRecord } from "./transcript-repository.ts";
import { appendMessages, fromRow, type MessageDbRow, messageOf, transcriptOf } from "./transcript-repository.ts";
import type { StoredMessage } from "./types.ts";

/** A summary that a model is given in place of what was said before. */
export interface Compaction {
  summary: string;
  /** The first message that a model is still given as it is. */
  firstKeptId: string;
  /** Tokens of the context before and after, roughly. */
  tokensBefore: number;
  tokensAfter: number;
  /** The work on it, as it was published. */
  runId: string;
}

/** The newest summary in a transcript, and the position from which messages are given beside it. */
export interface ContextStart {
  mark: TranscriptRecord | null;
  from: number;
}

/** Where a model's view of a transcript begins. For use inside a read or a transaction. */
export function contextStart(db: Database, transcript: number): ContextStart {
  const sql = `SELECT seq, id, recorded_at, body FROM messages
    WHERE transcript = ? AND role = 'system' AND body ->> '$.meta.kind' = 'compaction' ORDER BY seq DESC LIMIT 1`;
  const row = db.query<MessageDbRow, [number]>(sql).get(transcript);
  if (!row) return { mark: null, from: 1 };
  const mark = fromRow(row);
  // Of a transcript that was shortened since, all that is left comes after the summary.
  return { mark, from: messageOf(db, transcript, mark.compaction!.firstKeptId)?.seq ?? 1 };
}

/** How a summary begins, by which it is known among the messages for a model. */
export const SUMMED_UP = "What was said in this conversation before, summed up:";

/** The summary as the first message of a model's context. */
export function summaryMessage({ id, seq, timestamp, compaction }: TranscriptRecord): StoredMessage {
  const content = `${SUMMED_UP}\n\n<summary>\n${compaction!.summary}\n</summary>`;
  return { role: "user", content, timestamp, id, seq, isSummary: true };
}

/** True when the newest thing in a session's transcript is a summary. */
export function isCompacted(sessions: Sessions, sessionId: string): Promise<boolean> {
  return sessions.transcripts.ask(sessionId, (db, { id, messages }) => contextStart(db, id).mark?.seq === messages);
}

/**
 * Puts a summary behind all that was said; nothing is removed. `stored` is called between the commit and the event about
 * the session. False, and nothing is done, when the session is not any more what the summary was made of.
 */
export async function storeCompaction(
  sessions: Sessions,
  key: string,
  seen: { sessionId: string; newestId: string },
  compaction: Compaction,
  stored: () => void,
): Promise<boolean> {
  const { summary, firstKeptId, runId, tokensBefore, tokensAfter } = compaction;
  const now = sessions.clock.now();
  const mark = {
    role: "system" as const,
    content: [{ type: "text" as const, text: "Compaction" }],
    timestamp: now,
    meta: { kind: "compaction", runId, itemId: uuid(), tokensBefore, tokensAfter },
    compaction: { summary, firstKeptId },
  };
  const put = (session: StoredSession | null, db: Database): StoredSession | null => {
    const { sessionId } = seen;
    const transcript = session?.entry.sessionId === sessionId ? transcriptOf(db, sessionId) : null;
    if (!session || !transcript || newestId(db, transcript.id) !== seen.newestId) return null;
    appendMessages(db, { key, sessionId, agentId: session.agentId }, [mark], now);
    return { ...session, entry: compactedEntry(session.entry, now) };
  };
  const next = await sessions.repository.update(key, put, (family) => {
    stored();
    sessions.changed(family, "compact", { compacted: true });
  });
  return next !== null;
}

/** The record of a session whose context is another one: what its runs cost before says nothing of the next. */
function compactedEntry(entry: SessionEntry, now: number): SessionEntry {
  const {
    inputTokens: _inputTokens,
    outputTokens: _outputTokens,
    totalTokens: _totalTokens,
    estimatedCostUsd: _estimatedCostUsd,
    contextBudgetStatus: _contextBudgetStatus,
    ...rest
  } = entry;
  return { ...rest, updatedAt: now, totalTokensFresh: false, compactionCount: (entry.compactionCount ?? 0) + 1 };
}

const newestId = (db: Database, transcript: number): string | undefined =>
  db
    .query<{ id: string }, [number]>(
      "SELECT id FROM messages WHERE transcript = ? AND role <> 'system' ORDER BY seq DESC LIMIT 1",
    )
    .get(transcript)?.id;
