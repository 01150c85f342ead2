import type { ConversationListResult, ConversationTurnCancelResult } from "../../generated/types.ts";
import { type GatewayError, invalidRequest } from "../platform/errors.ts";

/**
 * Conversations of people on channels, by a reference that agents get. A channel makes one known when it brings a message
 * in; no channel carries messages yet, so none is known, as with upstream before a channel's first message.
 */
export class Conversations {
  list(): ConversationListResult {
    return { conversations: [] };
  }

  /** @throws GatewayError as the conversation is not known */
  send(conversationRef: string): never {
    throw notFound(conversationRef);
  }

  /** @throws GatewayError as the conversation is not known */
  turn(conversationRef: string): never {
    throw notFound(conversationRef);
  }

  /** No turn waits for an answer, so none is cancelled. */
  cancelTurn(): ConversationTurnCancelResult {
    return { cancelled: false };
  }
}

const notFound = (ref: string): GatewayError =>
  invalidRequest(`Conversation not found: ${ref} (use conversations_list)`);
