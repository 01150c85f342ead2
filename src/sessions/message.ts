import { LIMITS } from "../../generated/limits.ts";
import type { ChatMessageGetParams, ChatMessageGetResult } from "../../generated/types.ts";
import { displayMessage, isOversized } from "./display.ts";
import type { Sessions } from "./sessions.ts";
import { transcriptSource } from "./wire-message.ts";

/**
 * `chat.message.get`: one message of a session as `chat.history` shows it, but with much longer texts. A message that a
 * reset has left behind is found, too.
 */
export async function getMessage(sessions: Sessions, params: ChatMessageGetParams): Promise<ChatMessageGetResult> {
  const session = await sessions.repository.find(
    sessions.lookupKey(params.sessionKey, params.agentId?.trim() || undefined),
  );
  if (!session) return { ok: false, unavailableReason: "not_found" };
  const { sessionId } = session.entry;
  const [record] = await sessions.transcripts.around(sessionId, params.messageId, 1);
  if (!record) return { ok: false, unavailableReason: "not_found" };
  const maxChars = params.maxChars ?? LIMITS.answerMaxChars;
  const message = displayMessage(record, transcriptSource(sessionId), maxChars, LIMITS.historyPageBytes);
  if (message === null) return { ok: false, unavailableReason: "not_visible" };
  return isOversized(message) ? { ok: false, unavailableReason: "oversized" } : { ok: true, message };
}
