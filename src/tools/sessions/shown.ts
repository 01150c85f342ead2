import type { ContentPart, TranscriptMessage } from "../../sessions/types.ts";

/** What another session's model is shown of a transcript, and what was taken out of it. */
export interface ShownMessages {
  messages: Record<string, unknown>[];
  contentTruncated: boolean;
  droppedMessages: boolean;
  bytes: number;
}

/** Upstream's bounds of a recalled transcript (docs: concepts/session-tool). */
const MOST_TEXT = 4000;
const MOST_BYTES = 80_000;
const TOO_LARGE = "[sessions_history omitted: message too large]";

/**
 * Messages as another session may recall them: without images, signatures and accounts, long texts cut, the oldest left
 * out beyond the bound; results of tools and their calls only where they are asked for. Who said a message that came
 * from a session is told (KNOWN_ATTACKS 121).
 */
export function shownMessages(
  messages: readonly TranscriptMessage[],
  { includeTools }: { includeTools: boolean },
): ShownMessages {
  let contentTruncated = false;
  let droppedMessages = false;
  const cut = (text: string): string => {
    if (text.length <= MOST_TEXT) return text;
    contentTruncated = true;
    return `${text.slice(0, MOST_TEXT).replace(/[\ud800-\udbff]$/, "")}\n…(truncated)…`;
  };
  const kept: Record<string, unknown>[] = [];
  let bytes = 2;
  for (const message of messages.toReversed()) {
    const shown = shownMessage(message, includeTools, cut);
    if (shown === null) continue;
    let size = Buffer.byteLength(JSON.stringify(shown)) + 1;
    if (kept.length === 0 && size > MOST_BYTES) {
      Object.assign(shown, { content: [{ type: "text", text: TOO_LARGE }] });
      size = Buffer.byteLength(JSON.stringify(shown)) + 1;
    }
    if (bytes + size > MOST_BYTES) {
      droppedMessages = true;
      break;
    }
    bytes += size;
    kept.unshift(shown);
  }
  return { messages: kept, contentTruncated, droppedMessages, bytes };
}

function shownMessage(
  { role, content, timestamp, meta, extra }: TranscriptMessage,
  includeTools: boolean,
  cut: (text: string) => string,
): Record<string, unknown> | null {
  if (role === "toolResult" && !includeTools) return null;
  const parts: ContentPart[] = typeof content === "string" ? [{ type: "text", text: content }] : content;
  const shown = parts.flatMap((part): object[] => {
    switch (part.type) {
      case "text":
        return [{ type: "text", text: cut(part.text) }];
      case "image":
        return [{ type: "image", mimeType: part.mimeType, omitted: true }];
      case "thinking":
        return [];
      default:
        return includeTools ? [{ ...part, arguments: cut(JSON.stringify(part.arguments)) }] : [];
    }
  });
  if (shown.length === 0) return null;
  const { toolCallId, toolName, isError } = extra ?? {};
  const { provenance } = meta ?? {};
  return {
    role,
    content: shown,
    timestamp,
    ...(role === "toolResult" ? { toolCallId, toolName, isError } : {}),
    ...(provenance === undefined ? {} : { provenance }),
  };
}
