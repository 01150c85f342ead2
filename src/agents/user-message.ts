import { createHash } from "node:crypto";
import type { ContentPart, TranscriptMessage } from "../sessions/types.ts";
import type { Sender } from "./sender.ts";

type ImagePart = Extract<ContentPart, { type: "image" }>;

/** A person's message as the transcript keeps it: the text alone, or parts when images go with it. */
export function userMessage(
  { runId, text, images }: { runId: string; text: string; images: readonly ImagePart[] },
  timestamp: number,
  meta: Record<string, unknown>,
): TranscriptMessage {
  const parts = [...(text === "" ? [] : [{ type: "text" as const, text }]), ...images];
  return {
    role: "user",
    content: images.length === 0 ? text : parts,
    timestamp,
    idempotencyKey: `${runId}:user`,
    meta,
  };
}

/** What the transcript says of the way a message came by. */
export const transportMeta = ({ client: { id, mode }, may }: Sender): Record<string, unknown> => ({
  ...(may("operator.admin") ? { senderIsOwner: true } : {}),
  transport: { clients: [{ id, mode }] },
});

/** Tells one request from another under the same key. */
export function requestHash(...parts: unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
