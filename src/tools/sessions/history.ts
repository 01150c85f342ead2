import { LIMITS } from "../../../generated/limits.ts";
import { chatHistory } from "../../sessions/history.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import type { PendingInput, TranscriptMessage } from "../../sessions/types.ts";
import { jsonResult, type Tool, type ToolContext } from "../types.ts";
import { NotReachable, type SessionAccess } from "./access.ts";
import { shownMessages } from "./shown.ts";

const DEFAULT_MESSAGES = 50;
const MOST_PENDING = 20;
const PENDING_CHARS = 200;
const READER = { scopes: new Set(["operator.read"]) };

const PARAMETERS = {
  type: "object",
  properties: {
    sessionKey: { type: "string", description: 'Key or session id; "current" is your own.' },
    limit: { type: "integer", minimum: 1, maximum: LIMITS.historyMaxMessages },
    offset: { type: "integer", minimum: 0, description: "Counted from the newest; nextOffset of the page before." },
    messageId: { type: "string", description: "Shows what stands around this message." },
    sessionId: { type: "string", description: "The transcript that messageId is in." },
    includeTools: { type: "boolean", description: "With calls of tools and their results." },
  },
  required: ["sessionKey"],
};

/** `sessions_history`: what was said in a session within reach, the newest part unless told otherwise. */
export function sessionsHistoryTool(sessions: Sessions, access: SessionAccess): Tool {
  return {
    name: "sessions_history",
    description:
      "Reads what was said in a session that you may see, the newest messages last. Long texts are cut. pendingInputs are messages that wait and have not been answered.",
    parameters: PARAMETERS,
    // That there is no such session is an answer, as upstream has it.
    run: (args, context) =>
      history(sessions, access, args, context).catch((error: unknown) => {
        if (!(error instanceof NotReachable)) throw error;
        return { ...jsonResult({ status: error.status, error: error.message }), isError: true as const };
      }),
  };
}

async function history(
  sessions: Sessions,
  access: SessionAccess,
  { sessionKey: name, limit = DEFAULT_MESSAGES, offset, messageId, sessionId, includeTools }: Record<string, unknown>,
  context: ToolContext,
) {
  const { key } = await access.required(String(name), context);
  const anchored = messageId !== undefined;
  const page = await chatHistory(
    sessions,
    {
      sessionKey: key,
      limit: limit as number,
      ...(anchored ? { messageId: messageId as string, ...(sessionId ? { sessionId: sessionId as string } : {}) } : {}),
      ...(offset === undefined || anchored ? {} : { offset: offset as number }),
    },
    READER,
  );
  const read = ("messages" in page ? page.messages : []) as unknown as (TranscriptMessage & Record<string, unknown>)[];
  const records = read.map(({ role, content, timestamp, toolCallId, toolName, isError, __openclaw }) => ({
    role,
    content,
    timestamp,
    extra: { toolCallId, toolName, isError },
    meta: __openclaw as Record<string, unknown> | undefined,
  }));
  const shown = shownMessages(records, { includeTools: includeTools === true });
  const { hasMore, nextOffset, totalMessages } = page as Record<string, unknown>;
  const paging =
    offset === undefined ? {} : { offset, hasMore, ...(nextOffset === undefined ? {} : { nextOffset }), totalMessages };
  return jsonResult({
    sessionKey: key,
    messages: shown.messages,
    truncated: shown.droppedMessages || shown.contentTruncated,
    droppedMessages: shown.droppedMessages,
    contentTruncated: shown.contentTruncated,
    contentRedacted: false,
    bytes: shown.bytes,
    ...paging,
    pendingInputs: pending(sessions.runs.pendingInputs(key)),
  });
}

function pending(inputs: readonly PendingInput[]) {
  const items = inputs.slice(-MOST_PENDING).map(({ id, acceptedAt, state, message: { content } }) => {
    const text =
      typeof content === "string" ? content : content.map((part) => ("text" in part ? part.text : "")).join("\n");
    return { id, acceptedAt, state, preview: text.slice(0, PENDING_CHARS) };
  });
  return { items, total: inputs.length };
}
