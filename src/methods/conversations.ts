import type { ConversationsHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const conversations: ConversationsHandlers<CallContext> = {
  // Conversations are what channels bring in, and this gateway has no channels yet.
  "conversations.list": () => ({ conversations: [] }),
};
