import { searchTranscripts } from "../../sessions/search.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { jsonResult, type Tool, ToolError } from "../types.ts";
import type { SessionAccess } from "./access.ts";

const DEFAULT_HITS = 10;
/** Hits that are looked at, because some may be out of reach. */
const LOOKED_AT = 50;

/** `sessions_search`: what people and assistants said, in the sessions within reach. */
export function sessionsSearchTool(sessions: Sessions, access: SessionAccess): Tool {
  return {
    name: "sessions_search",
    description:
      "Finds messages of people and assistants in sessions that you may see; all words must occur. Read on with sessions_history and the sessionKey, sessionId and messageId of a hit.",
    parameters: {
      type: "object",
      properties: {
        query: { type: "string" },
        limit: { type: "integer", minimum: 1, maximum: LOOKED_AT },
        agentId: { type: "string" },
      },
    },
    async run({ query = "", limit = DEFAULT_HITS, agentId }, context) {
      if (String(query).trim() === "") throw new ToolError("query must not be empty");
      const params = { query: String(query), limit: LOOKED_AT, ...(agentId ? { agentId: String(agentId) } : {}) };
      const found = await searchTranscripts(sessions, params);
      const keys = [...new Set(found.results.map(({ sessionKey }) => sessionKey))];
      const stored = await sessions.repository.findMany(keys);
      const visible = new Set<string>();
      for (const session of stored) if (await access.sees(context, session)) visible.add(session.key);
      const results = found.results.filter(({ sessionKey }) => visible.has(sessionKey));
      return jsonResult({ results: results.slice(0, limit as number) });
    },
  };
}
