/** Where a client's copy of a transcript ends. */
export interface HistoryCursor {
  sessionId: string;
  /** Which of the session's transcripts: a reset begins another one. */
  transcript: number;
  /** Position of the last message that the client has. */
  lastSeq: number;
}

const VERSION = 1;

/** The cursor as clients carry it; they are not to look inside. */
export const encodeCursor = ({ sessionId, transcript, lastSeq }: HistoryCursor): string =>
  Buffer.from(JSON.stringify({ sessionId, transcript, lastSeq, version: VERSION })).toString("base64url");

/** Reads a cursor. Null for anything that this release has not written. */
export function decodeCursor(text: string): HistoryCursor | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { sessionId, transcript, lastSeq, version } = value as Record<string, unknown>;
  if (version !== VERSION || typeof sessionId !== "string") return null;
  if (!isCount(transcript) || !isCount(lastSeq)) return null;
  return { sessionId, transcript, lastSeq };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
