import type { TranscriptMessage } from "../../sessions/types.ts";

/** Whether a message has its owner's rights: his own words, or those that an agent passed on in a turn of his. */
export function isOwners({ meta }: Pick<TranscriptMessage, "meta">): boolean {
  const { forOwner } = (meta?.provenance ?? {}) as { forOwner?: unknown };
  return meta?.senderIsOwner === true || forOwner === true;
}

/**
 * Whether a message may go into a run at work. A run has the rights of the message that began it; nobody's words come
 * by more rights than they have of themselves (KNOWN_ATTACKS 122).
 */
export const mayJoin = (message: TranscriptMessage, begunBy: TranscriptMessage): boolean =>
  isOwners(message) || !isOwners(begunBy);
