import type { Conversations } from "../../channels/conversations.ts";
import { asked, object } from "../domain.ts";
import { jsonResult, type Tool } from "../types.ts";

const REF = { type: "string", pattern: "^conv_[a-f0-9]{32}$" };
const MESSAGE = { type: "string", minLength: 1 };

/** `conversations_list`, `_send`, `_turn`: conversations on channels by references that last (docs: concepts/session-tool). */
export function conversationTools(conversations: Conversations): Tool[] {
  return [
    {
      name: "conversations_list",
      description: "Lists conversations on channels with their conversationRef.",
      parameters: object({
        channel: { type: "string", minLength: 1 },
        query: { type: "string", minLength: 1 },
        limit: { type: "integer", minimum: 1 },
      }),
      run: async () => jsonResult({ ...conversations.list() }),
    },
    {
      name: "conversations_send",
      description: "Writes into a conversation by its conversationRef. Starts no turn of an agent here.",
      parameters: object({ conversationRef: REF, message: MESSAGE }, ["conversationRef", "message"]),
      run: async ({ conversationRef }) => jsonResult(await asked(() => conversations.send(String(conversationRef)))),
    },
    {
      name: "conversations_turn",
      description: "Writes into a conversation by its conversationRef and waits for the reply, which comes back here.",
      parameters: object(
        { conversationRef: REF, message: MESSAGE, timeoutSeconds: { type: "integer", minimum: 1, maximum: 300 } },
        ["conversationRef", "message"],
      ),
      run: async ({ conversationRef }) => jsonResult(await asked(() => conversations.turn(String(conversationRef)))),
    },
  ];
}
