/** Where a client's copy of a transcript ends. */
export interface HistoryCursor {
  sessionId: string;
  /** Position of the last message that the client has. */
  lastSeq: number;
}

const VERSION = 1;

/** The cursor as clients carry it; they are not to look inside. */
export const encodeCursor = ({ sessionId, lastSeq }: HistoryCursor): string =>
  Buffer.from(JSON.stringify({ sessionId, lastSeq, version: VERSION })).toString("base64url");

/** Reads a cursor. Null for anything that this release has not written. */
export function decodeCursor(text: string): HistoryCursor | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { sessionId, lastSeq, version } = value as Record<string, unknown>;
  if (version !== VERSION || typeof sessionId !== "string") return null;
  return Number.isSafeInteger(lastSeq) && (lastSeq as number) >= 0 ? { sessionId, lastSeq: lastSeq as number } : null;
}
