import { createHash } from "node:crypto";
import type { TranscriptEntry } from "../../generated/types.ts";
import type { TranscriptRecord } from "./transcript-repository.ts";

/** A message as `chat.history`, `sessions.get` and `session.message` show it. */
export type WireMessage = TranscriptEntry;

/**
 * The message with its place under `__openclaw`: id, idempotency key, the time it was written down, and its position
 * in the transcript that `source` names (see {@link transcriptSource}).
 */
export function wireMessage(record: TranscriptRecord, source: string): WireMessage {
  const { id, seq, recordedAt, meta, extra, compaction: _forModels, ...message } = record;
  const { idempotencyKey } = message;
  const { kind, ...facts } = (meta ?? {}) as { kind?: string };
  return {
    ...message,
    ...extra,
    __openclaw: {
      ...(kind === undefined ? {} : { kind }),
      ...facts,
      id,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(kind === undefined ? { recordTimestampMs: recordedAt } : {}),
      transcriptPosition: { source, rawSeq: seq },
      seq,
    },
  };
}

/** The name of a transcript in positions: the hash of its session id. */
export const transcriptSource = (sessionId: string): string =>
  createHash("sha256").update(`transcript:${sessionId}`).digest("base64url");
