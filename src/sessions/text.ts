import type { TranscriptRecord } from "./transcript-repository.ts";

/** Characters of a message that a list shows. */
const PREVIEW_CHARS = 240;
const TITLE_CHARS = 60;

/** What a message says, without thoughts, calls and pictures. */
export function textOf({ content }: Pick<TranscriptRecord, "content">): string {
  if (typeof content === "string") return content;
  return content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

/** At most `limit` characters; what was longer ends in three dots within the limit. Never splits a surrogate pair. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, limit - 3).replace(/[\ud800-\udbff]$/, "");
  return `${cut}...`;
}

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim();

/** What lists show of the last message, or null when it says nothing. */
export function previewOf(message: Pick<TranscriptRecord, "content" | "role">): string | null {
  if (message.role !== "user" && message.role !== "assistant") return null;
  return clip(oneLine(textOf(message)), PREVIEW_CHARS) || null;
}

/** The title that the first message of a person gives its session, or null when it gives none. */
export function titleOf(message: Pick<TranscriptRecord, "content" | "role">): string | null {
  if (message.role !== "user") return null;
  const text = oneLine(textOf(message));
  return text === "" || text.startsWith("/") ? null : clip(text, TITLE_CHARS);
}
