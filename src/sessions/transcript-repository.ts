import type { Database } from "bun:sqlite";
import { LIMITS } from "../../generated/limits.ts";
import { uuid } from "../platform/ids.ts";
import type { Store } from "../store/store.ts";
import { type ContextStart, contextStart, summaryMessage } from "./compaction.ts";
import type { StoredMessage } from "./types.ts";
import { recordUsage } from "./usage-record.ts";

/** What stands in a transcript: messages, and the mark at the place where a session started over. */
export interface TranscriptRecord extends Omit<StoredMessage, "role"> {
  role: StoredMessage["role"] | "system";
  /** When it was written down, epoch milliseconds. */
  recordedAt: number;
  /** What a mark of the kind `compaction` holds for models; not shown to clients. */
  compaction?: { summary: string; firstKeptId: string };
}

export interface MessageDbRow {
  seq: number;
  id: string;
  recorded_at: number;
  body: string;
}

const MESSAGE_COLUMNS = "seq, id, recorded_at, body";
const BETWEEN = `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE transcript = $transcript AND seq BETWEEN $from AND $to
  ORDER BY seq DESC`;

/** A stretch of one transcript, both ends included. */
type Place = { transcript: number; from: number; to: number };

/**
 * Reads the messages of sessions by session id. A session keeps its id when it starts over; its transcript then ends and
 * another begins. Positions count from 1 in each transcript.
 */
export class TranscriptRepository {
  constructor(private readonly store: Store) {}

  /** The session's transcript as it is now; null before anything was said. */
  state(sessionId: string): Promise<TranscriptState | null> {
    return this.store.read((db) => transcriptOf(db, sessionId));
  }

  /** How many messages the session has. */
  async count(sessionId: string): Promise<number> {
    return (await this.state(sessionId))?.messages ?? 0;
  }

  /**
   * Messages at positions `from` to `to`, both included, in order; fewer, counted from the last, when more than
   * {@link LIMITS.transcriptReadChars} of their stored form would be read. The last one is always there.
   */
  range(sessionId: string, from: number, to: number): Promise<TranscriptRecord[]> {
    const place = (db: Database): Place | null => {
      const transcript = transcriptOf(db, sessionId);
      return transcript && { transcript: transcript.id, from, to };
    };
    return this.readBack(BETWEEN, place, LIMITS.transcriptReadChars);
  }

  /**
   * Up to `limit` messages around one of the session, half of them before it, in order. Also of a transcript that a
   * reset has ended. Empty when the session never had the message.
   */
  around(sessionId: string, messageId: string, limit: number): Promise<TranscriptRecord[]> {
    const place = (db: Database): Place | null => {
      const sql = `SELECT transcripts.id AS transcript, seq FROM transcripts
        JOIN messages ON messages.transcript = transcripts.id AND messages.id = ? WHERE session_id = ?`;
      const found = db.query<{ transcript: number; seq: number }, [string, string]>(sql).get(messageId, sessionId);
      if (!found) return null;
      const from = found.seq - Math.floor((limit - 1) / 2);
      return { transcript: found.transcript, from, to: from + limit - 1 };
    };
    return this.readBack(BETWEEN, place, LIMITS.transcriptReadChars);
  }

  /**
   * The newest `limit` messages in order, without marks; fewer when more than `maxChars` of their stored form would be
   * read. The newest one is always there.
   */
  newest(sessionId: string, limit: number, maxChars = Number.POSITIVE_INFINITY): Promise<StoredMessage[]> {
    return this.spoken(sessionId, () => 1, limit, maxChars);
  }

  /** What a model is given: as {@link newest}, but where older messages were summed up, the summary in their place. */
  async context(sessionId: string, limit: number, maxChars: number): Promise<StoredMessage[]> {
    const start: Partial<ContextStart> = {};
    const begin = (db: Database, transcript: number) => Object.assign(start, contextStart(db, transcript)).from;
    const messages = await this.spoken(sessionId, begin, limit, maxChars);
    return start.mark ? [summaryMessage(start.mark), ...messages] : messages;
  }

  private async spoken(
    sessionId: string,
    from: (db: Database, transcript: number) => number,
    limit: number,
    maxChars: number,
  ): Promise<StoredMessage[]> {
    const sql = `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE transcript = $transcript AND role <> 'system'
      AND seq >= $from ORDER BY seq DESC LIMIT $limit`;
    const place = (db: Database) => {
      const transcript = transcriptOf(db, sessionId);
      return transcript && { transcript: transcript.id, from: from(db, transcript.id), limit };
    };
    return (await this.readBack(sql, place, maxChars)) as StoredMessage[];
  }

  /** What `read` finds in the session's transcript at work; false before anything was said. */
  ask(sessionId: string, read: (db: Database, transcript: TranscriptState) => boolean): Promise<boolean> {
    return this.store.read((db) => {
      const transcript = transcriptOf(db, sessionId);
      return transcript !== null && read(db, transcript);
    });
  }

  /** What the newest answers of a session used, in order, without those from before a reset. */
  answers(sessionId: string, limit: number): Promise<AnswerUsage[]> {
    return this.store.read((db) => {
      const part = (name: string) => `coalesce(body ->> '$.usage.${name}', 0)`;
      const sql = `SELECT body ->> '$.timestamp' AS timestamp, ${part("input")} AS input, ${part("output")} AS output,
          ${part("cacheRead")} AS cacheRead, ${part("cacheWrite")} AS cacheWrite,
          ${part("totalTokens")} AS totalTokens, ${part("cost.total")} AS cost
        FROM messages WHERE transcript = ? AND role = 'assistant' AND body ->> '$.usage' IS NOT NULL
        ORDER BY seq DESC LIMIT ?`;
      const transcript = transcriptOf(db, sessionId);
      return transcript ? db.query<AnswerUsage, [number, number]>(sql).all(transcript.id, limit).reverse() : [];
    });
  }

  /** How many transcripts the sessions of each agent have, present and past ones. */
  countByAgent(): Promise<Map<string, number>> {
    return this.store.read((db) => {
      const sql = `SELECT agent_id AS agentId, count(*) AS n FROM transcripts
        JOIN sessions ON sessions.key = transcripts.session_key GROUP BY agent_id`;
      const counts = db.query<{ agentId: string; n: number }, []>(sql).all();
      return new Map(counts.map(({ agentId, n }) => [agentId, n]));
    });
  }

  /** See {@link branchesOf}. */
  branches(session: SessionPlace): Promise<Branch[]> {
    return this.store.read((db) => branchesOf(db, session));
  }

  /** Reads messages from the last backwards until there are no more or their stored form exceeds `maxChars`. */
  private readBack(
    sql: string,
    place: (db: Database) => Record<string, number> | null,
    maxChars: number,
  ): Promise<TranscriptRecord[]> {
    return this.store.read((db) => {
      const values = place(db);
      if (!values) return [];
      const messages: TranscriptRecord[] = [];
      let chars = 0;
      for (const row of db.query<MessageDbRow, [Record<string, number>]>(sql).iterate(values)) {
        chars += row.body.length;
        if (messages.length > 0 && chars > maxChars) break;
        messages.push(fromRow(row));
      }
      return messages.reverse();
    });
  }

  /** The session id and key that a transcript was written under, present or past. */
  owner(sessionId: string): Promise<{ sessionKey: string } | null> {
    return this.store.read((db) => {
      const sql = "SELECT session_key AS sessionKey FROM transcripts WHERE session_id = ? LIMIT 1";
      return db.query<{ sessionKey: string }, [string]>(sql).get(sessionId);
    });
  }
}

/** Tokens and dollars of one answer. */
export interface AnswerUsage {
  timestamp: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  totalTokens: number;
  cost: number;
}

/** A session as its transcripts are found. */
export interface SessionPlace {
  key: string;
  sessionId: string;
}

export interface TranscriptState {
  /** Another one after every reset. */
  id: number;
  /** How many messages stand in it; also the position of the last one. */
  messages: number;
}

/** The transcript at work of a session id. For use inside a read or a transaction. */
export function transcriptOf(db: Database, sessionId: string): TranscriptState | null {
  const sql = "SELECT id, messages FROM transcripts WHERE session_id = ? AND ended_at IS NULL";
  return db.query<TranscriptState, [string]>(sql).get(sessionId);
}

/** Ends the session's transcript; the next message begins another one. For use inside a transaction. */
export function endTranscript(db: Database, { key, sessionId }: SessionPlace, now: number): void {
  db.query("UPDATE transcripts SET branch = 0 WHERE session_key = ? AND branch = 1").run(key);
  db.query("UPDATE transcripts SET ended_at = ? WHERE session_id = ? AND ended_at IS NULL").run(now, sessionId);
}

/** What {@link appendMessages} did with one message. */
export interface Appended {
  message: TranscriptRecord;
  /** False when the session had a message with this idempotency key before. */
  isNew: boolean;
}

/**
 * Adds messages to a session's transcript, which begins with the first one. A message whose idempotency key the
 * transcript has already is not added; its older self is returned in its place. For use inside a transaction.
 */
export function appendMessages(
  db: Database,
  session: { key: string; sessionId: string; agentId: string },
  messages: readonly Omit<TranscriptRecord, "id" | "seq" | "recordedAt">[],
  now: number,
): Appended[] {
  db.query("INSERT INTO transcripts (session_id, session_key, started_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING").run(
    session.sessionId,
    session.key,
    now,
  );
  const transcript = transcriptOf(db, session.sessionId)!;
  const known = db.query<MessageDbRow, [number, string]>(
    `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE transcript = ? AND idempotency_key = ?`,
  );
  const insert = db.query(
    "INSERT INTO messages (transcript, seq, id, role, recorded_at, idempotency_key, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  let last = transcript.messages;
  let before = last === 0 ? undefined : messageAt(db, transcript.id, last);
  const appended = messages.map((message): Appended => {
    const { idempotencyKey } = message;
    const older = idempotencyKey === undefined ? null : known.get(transcript.id, idempotencyKey);
    if (older) return { message: fromRow(older), isNew: false };
    const id = uuid();
    last += 1;
    insert.run(transcript.id, last, id, message.role, now, idempotencyKey ?? null, JSON.stringify(message));
    recordUsage(db, { transcript: transcript.id, agentId: session.agentId }, message, before);
    before = message;
    return { message: { ...message, id, seq: last, recordedAt: now }, isNew: true };
  });
  if (last !== transcript.messages) {
    db.query("UPDATE transcripts SET messages = ? WHERE id = ?").run(last, transcript.id);
  }
  return appended;
}

/** Who said the message at a position, and when. */
function messageAt(db: Database, transcript: number, seq: number) {
  const sql = "SELECT role, body ->> '$.timestamp' AS timestamp FROM messages WHERE transcript = ? AND seq = ?";
  return (
    db.query<Pick<TranscriptRecord, "role" | "timestamp">, [number, number]>(sql).get(transcript, seq) ?? undefined
  );
}

/**
 * Copies a transcript for a fork: the messages keep their ids and positions. With `lastCompleted` only up to the last
 * answer that was finished. For use inside a transaction.
 */
export function copyTranscript(
  db: Database,
  from: string,
  to: { key: string; sessionId: string },
  now: number,
  { lastCompleted }: { lastCompleted: boolean },
): void {
  const source = transcriptOf(db, from);
  if (!source) return;
  const completed = `SELECT max(seq) AS seq FROM messages
    WHERE transcript = ? AND role = 'assistant' AND body ->> 'stopReason' = 'stop'`;
  const end = lastCompleted
    ? (db.query<{ seq: number | null }, [number]>(completed).get(source.id)?.seq ?? 0)
    : source.messages;
  copyMessages(db, source.id, to, now, end);
}

/** Begins a transcript with the first messages of another one. They keep ids and positions and cost nothing again. */
export function copyMessages(db: Database, source: number, to: SessionPlace, now: number, end: number): void {
  if (end === 0) return;
  const start = "INSERT INTO transcripts (session_id, session_key, started_at, messages) VALUES (?, ?, ?, ?)";
  db.query(start).run(to.sessionId, to.key, now, end);
  const target = transcriptOf(db, to.sessionId)!;
  db.query(
    `INSERT INTO messages (transcript, seq, id, role, recorded_at, idempotency_key, body)
     SELECT ?, seq, id, role, recorded_at, idempotency_key, body FROM messages WHERE transcript = ? AND seq <= ?`,
  ).run(target.id, source, end);
}

/**
 * Ends a session's transcript behind its first `head` messages; the others begin another one under the same session id and
 * count from 1. For use inside a transaction.
 */
export function splitTranscript(db: Database, { key, sessionId }: SessionPlace, head: number, now: number): void {
  const source = transcriptOf(db, sessionId)!;
  db.query("UPDATE transcripts SET ended_at = ?, messages = ? WHERE id = ?").run(now, head, source.id);
  const start = "INSERT INTO transcripts (session_id, session_key, started_at, messages) VALUES (?, ?, ?, ?)";
  db.query(start).run(sessionId, key, now, source.messages - head);
  const target = transcriptOf(db, sessionId)!;
  db.query(
    `INSERT INTO messages (transcript, seq, id, role, recorded_at, idempotency_key, body)
     SELECT ?, seq - ?, id, role, recorded_at, idempotency_key, body FROM messages WHERE transcript = ? AND seq > ?`,
  ).run(target.id, head, source.id, head);
  db.query("DELETE FROM messages WHERE transcript = ? AND seq > ?").run(source.id, head);
}

/** One end of what was said in a session. */
export interface Branch {
  /** The transcript. */
  id: number;
  /** Without marks. */
  messages: number;
  active: boolean;
  leaf: TranscriptRecord;
}

/** The transcript at work and those that were left as branches, the newest first. For use inside a transaction. */
export function branchesOf(db: Database, { key, sessionId }: SessionPlace): Branch[] {
  const sql = `SELECT transcripts.id AS transcript, transcripts.messages - (
        SELECT count(*) FROM messages AS mark WHERE mark.transcript = transcripts.id AND mark.role = 'system'
      ) AS messages, branch = 0 AS active, messages.seq, messages.id,
      recorded_at, body
    FROM transcripts JOIN messages ON messages.transcript = transcripts.id AND messages.seq = transcripts.messages
    WHERE session_key = ? AND (branch = 1 OR (ended_at IS NULL AND session_id = ?))
    ORDER BY active DESC, recorded_at DESC LIMIT ?`;
  type Row = MessageDbRow & { transcript: number; messages: number; active: number };
  const rows = db.query<Row, [string, string, number]>(sql).all(key, sessionId, LIMITS.sessionBranches);
  return rows.map(({ transcript, messages, active, ...leaf }) => {
    return { id: transcript, messages, active: active === 1, leaf: fromRow(leaf) };
  });
}

/** Leaves a transcript as a branch, unless another branch has all of it. For use inside a transaction. */
export function leaveTranscript(db: Database, key: string, id: number, now: number): void {
  const copied = `SELECT 1 FROM transcripts AS mine JOIN messages AS leaf ON leaf.transcript = mine.id AND leaf.seq = mine.messages
    JOIN transcripts AS other ON other.session_key = ? AND other.branch = 1 AND other.id <> mine.id
    JOIN messages ON messages.transcript = other.id AND messages.id = leaf.id WHERE mine.id = ?`;
  if (db.query(copied).get(key, id)) db.query("DELETE FROM transcripts WHERE id = ?").run(id);
  else db.query("UPDATE transcripts SET ended_at = ?, branch = 1 WHERE id = ?").run(now, id);
}

/** Puts a branch to work again under a session id. For use inside a transaction. */
export function resumeTranscript(db: Database, id: number, sessionId: string): void {
  db.query("UPDATE transcripts SET session_id = ?, ended_at = NULL, branch = 0 WHERE id = ?").run(sessionId, id);
}

/** The message of a transcript that has this id. For use inside a transaction. */
export function messageOf(db: Database, transcript: number, id: string): TranscriptRecord | null {
  const sql = `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE transcript = ? AND id = ?`;
  const row = db.query<MessageDbRow, [number, string]>(sql).get(transcript, id);
  return row && fromRow(row);
}

/** The first message of a person in a transcript, and the last message of all. For use inside a transaction. */
export function firstAndLast(
  db: Database,
  { id }: TranscriptState,
): { first: TranscriptRecord | null; last: TranscriptRecord | null } {
  const one = (rest: string): TranscriptRecord | null => {
    const sql = `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE transcript = ? ${rest} LIMIT 1`;
    const row = db.query<MessageDbRow, [number]>(sql).get(id);
    return row && fromRow(row);
  };
  return { first: one("AND role = 'user' ORDER BY seq"), last: one("ORDER BY seq DESC") };
}

/** True when the id belongs to a session or to what one has said before. For use inside a transaction. */
export function hasTranscript(db: Database, sessionId: string): boolean {
  const sql = "SELECT 1 FROM sessions WHERE session_id = ?1 UNION ALL SELECT 1 FROM transcripts WHERE session_id = ?1";
  return db.query(sql).get(sessionId) !== null;
}

/** True when something was said under this session id. For use inside a transaction. */
export const hasMessages = (db: Database, sessionId: string): boolean =>
  (transcriptOf(db, sessionId)?.messages ?? 0) > 0;

export const fromRow = ({ seq, id, recorded_at, body }: MessageDbRow): TranscriptRecord => ({
  ...(JSON.parse(body) as TranscriptRecord),
  id,
  seq,
  recordedAt: recorded_at,
});
