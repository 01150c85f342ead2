import type { ConversationsHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const conversations: ConversationsHandlers<CallContext> = {
  "conversations.list": (_params, { conversations }) => conversations.list(),
  "conversations.send": ({ conversationRef }, { conversations }) => conversations.send(conversationRef),
  "conversations.turn": ({ conversationRef }, { conversations }) => conversations.turn(conversationRef),
  "conversations.turn.cancel": (_params, { conversations }) => conversations.cancelTurn(),
};
