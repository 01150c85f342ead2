import { LIMITS } from "../../generated/limits.ts";
import { chatHistory } from "../sessions/history.ts";
import { describeSession } from "../sessions/read.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { McpTool } from "./mcp.ts";

/** A program that attaches may read its session, nothing more. */
const READER = { scopes: new Set(["operator.read"]) };

/** What a program can do that attaches to a session: look at it and read what was said in it. */
export function sessionTools(sessions: Sessions): McpTool[] {
  return [
    {
      name: "session_status",
      description: "What is known of the attached session: its model, its label, and whether it is at work.",
      inputSchema: { type: "object", properties: {}, additionalProperties: false },
      run: ({ sessionKey }) => describeSession(sessions, { key: sessionKey }, READER),
    },
    {
      name: "session_history",
      description: "The newest messages of the attached session, the oldest of them first.",
      inputSchema: {
        type: "object",
        properties: { limit: { type: "integer", minimum: 1, maximum: LIMITS.historyMaxMessages } },
        additionalProperties: false,
      },
      run: async ({ sessionKey, args: { limit } }) => {
        const wanted = typeof limit === "number" && Number.isInteger(limit) && limit > 0 ? limit : undefined;
        const max = Math.min(wanted ?? LIMITS.historyDefaultMessages, LIMITS.historyMaxMessages);
        const page = await chatHistory(sessions, { sessionKey, limit: max }, READER);
        return { sessionKey, messages: "messages" in page ? page.messages : [] };
      },
    },
  ];
}
