import type { Database } from "bun:sqlite";
import { LIMITS } from "../../generated/limits.ts";
import { uuid } from "../platform/ids.ts";
import type { Store } from "../store/store.ts";
import type { StoredMessage, TranscriptMessage } from "./types.ts";

/** What stands in a transcript: messages, and the mark at the place where a session started over. */
export interface TranscriptRecord extends Omit<StoredMessage, "role"> {
  role: StoredMessage["role"] | "system";
  /** When it was written down, epoch milliseconds. */
  recordedAt: number;
}

interface MessageDbRow {
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
  async newest(sessionId: string, limit: number, maxChars = Number.POSITIVE_INFINITY): Promise<StoredMessage[]> {
    const sql = `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE transcript = $transcript AND role <> 'system'
      ORDER BY seq DESC LIMIT $limit`;
    const place = (db: Database) => {
      const transcript = transcriptOf(db, sessionId);
      return transcript && { transcript: transcript.id, limit };
    };
    return (await this.readBack(sql, place, maxChars)) as StoredMessage[];
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

export interface TranscriptState {
  /** Another one after every reset. */
  id: number;
  /** How many messages stand in it; also the position of the last one. */
  messages: number;
}

function transcriptOf(db: Database, sessionId: string): TranscriptState | null {
  const sql = "SELECT id, messages FROM transcripts WHERE session_id = ? AND ended_at IS NULL";
  return db.query<TranscriptState, [string]>(sql).get(sessionId);
}

/** Ends the session's transcript; the next message begins another one. For use inside a transaction. */
export function endTranscript(db: Database, sessionId: string, now: number): void {
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
  session: { key: string; sessionId: string },
  messages: readonly (Omit<TranscriptMessage, "role"> & { role: TranscriptRecord["role"] })[],
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
  const appended = messages.map((message): Appended => {
    const { idempotencyKey } = message;
    const older = idempotencyKey === undefined ? null : known.get(transcript.id, idempotencyKey);
    if (older) return { message: fromRow(older), isNew: false };
    const id = uuid();
    last += 1;
    insert.run(transcript.id, last, id, message.role, now, idempotencyKey ?? null, JSON.stringify(message));
    return { message: { ...message, id, seq: last, recordedAt: now }, isNew: true };
  });
  if (last !== transcript.messages) {
    db.query("UPDATE transcripts SET messages = ? WHERE id = ?").run(last, transcript.id);
  }
  return appended;
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
  if (end === 0) return;
  const start = "INSERT INTO transcripts (session_id, session_key, started_at, messages) VALUES (?, ?, ?, ?)";
  db.query(start).run(to.sessionId, to.key, now, end);
  const target = transcriptOf(db, to.sessionId)!;
  db.query(
    `INSERT INTO messages (transcript, seq, id, role, recorded_at, idempotency_key, body)
     SELECT ?, seq, id, role, recorded_at, idempotency_key, body FROM messages WHERE transcript = ? AND seq <= ?`,
  ).run(target.id, source.id, end);
}

/** True when the id belongs to a session or to what one has said before. For use inside a transaction. */
export function hasTranscript(db: Database, sessionId: string): boolean {
  const sql = "SELECT 1 FROM sessions WHERE session_id = ?1 UNION ALL SELECT 1 FROM transcripts WHERE session_id = ?1";
  return db.query(sql).get(sessionId) !== null;
}

/** True when something was said under this session id. For use inside a transaction. */
export const hasMessages = (db: Database, sessionId: string): boolean =>
  (transcriptOf(db, sessionId)?.messages ?? 0) > 0;

const fromRow = ({ seq, id, recorded_at, body }: MessageDbRow): TranscriptRecord => ({
  ...(JSON.parse(body) as TranscriptRecord),
  id,
  seq,
  recordedAt: recorded_at,
});
