import { LIMITS } from "../../generated/limits.ts";
import type { TranscriptRecord } from "./transcript-repository.ts";
import type { ContentPart } from "./types.ts";
import { type WireMessage, wireMessage } from "./wire-message.ts";

/** Put behind a text that was cut. */
const CUT_MARK = "\n...(truncated)...";
const TOO_LARGE = "[chat.history omitted: message too large]";

/** Directives that tell a channel how to deliver an answer; readers have no use for them. */
const DIRECTIVES = /\[\[(?:reply_to_current|reply_to:[^\]\n]*|audio_as_voice)\]\] ?/g;

/** An answer that says that there is nothing to say. */
const SILENT = /^\s*NO_REPLY\s*$/i;

/**
 * A message as `chat.history` shows it (docs: web/webchat, display normalization): texts cut to `maxChars`, delivery
 * directives taken out, pictures named but not sent, and a placeholder for what is still too large. Null for an answer
 * that nobody is meant to see.
 */
export function displayMessage(
  record: TranscriptRecord,
  source: string,
  maxChars: number,
  maxBytes: number = LIMITS.historyMessageBytes,
): WireMessage | null {
  if (isSilent(record) || isInternal(record)) return null;
  const shown = shownContent(record, maxChars);
  const { openclawDisplayContent: _internal, details: _told, ...extra } = record.extra ?? {};
  const wire = wireMessage({ ...record, content: shown.content, extra }, source);
  if (shown.cut) Object.assign(wire.__openclaw, { truncated: true, reason: "display-cap" });
  return JSON.stringify(wire).length <= maxBytes ? wire : placeholder(wire);
}

/** True for the placeholder of a message that is too large. */
export const isOversized = ({ __openclaw }: WireMessage): boolean =>
  (__openclaw as { reason?: string }).reason === "oversized";

/** True for an answer whose whole text is the silent token. */
export function isSilent({ role, content }: Pick<TranscriptRecord, "role" | "content">): boolean {
  if (role !== "assistant") return false;
  if (typeof content === "string") return SILENT.test(content);
  return content.length === 1 && content[0]!.type === "text" && SILENT.test(content[0]!.text);
}

/** True for what a model is asked in nobody's name; people see the answer alone. */
export const isInternal = ({ meta }: Pick<TranscriptRecord, "meta">): boolean => meta?.internal === true;

/** Text without the directives that are meant for channels. */
export const withoutDirectives = (text: string): string => text.replace(DIRECTIVES, "");

function shownContent(
  { role, content }: TranscriptRecord,
  maxChars: number,
): { content: TranscriptRecord["content"]; cut: boolean } {
  let cut = false;
  const show = (text: string): string => {
    const clean = role === "assistant" ? withoutDirectives(text) : text;
    if (clean.length <= maxChars) return clean;
    cut = true;
    return clean.slice(0, maxChars).replace(/[\ud800-\udbff]$/, "") + CUT_MARK;
  };
  if (typeof content === "string") return { content: show(content), cut };
  return { content: content.map((part) => shownPart(part, show)), cut };
}

function shownPart(part: ContentPart, show: (text: string) => string): ContentPart {
  switch (part.type) {
    case "text":
      return { ...part, text: show(part.text) };
    case "thinking":
      return { type: "thinking", thinking: show(part.thinking) };
    case "image":
      return {
        type: "image",
        mimeType: part.mimeType,
        omitted: true,
        bytes: part.data.length,
      } as unknown as ContentPart;
    default:
      return part;
  }
}

function placeholder({ role, timestamp, __openclaw }: WireMessage): WireMessage {
  return {
    role,
    timestamp,
    content: [{ type: "text", text: TOO_LARGE }],
    __openclaw: { ...__openclaw, truncated: true, reason: "oversized" },
  };
}
