import type { Roster } from "../agents/roster.ts";
import { isInternal } from "./display.ts";
import type { SessionEntry, StoredSession } from "./entry.ts";
import { keyFacts } from "./keys.ts";
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

/** The text on one line, blanks collapsed. */
export const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim();

/** What lists show of the last message, or null when it says nothing. */
export function previewOf(message: Pick<TranscriptRecord, "content" | "role" | "meta">): string | null {
  if ((message.role !== "user" && message.role !== "assistant") || isInternal(message)) return null;
  return clip(oneLine(textOf(message)), PREVIEW_CHARS) || null;
}

/** The title that the first message of a person gives its session, or null when it gives none. */
export function titleOf(message: Pick<TranscriptRecord, "content" | "role">): string | null {
  if (message.role !== "user") return null;
  const text = oneLine(textOf(message));
  return text === "" || text.startsWith("/") ? null : clip(text, TITLE_CHARS);
}

/** The name a session goes by: its label, else the name it was made with, else its group's or what a program called it. */
export function displayName(
  key: string,
  entry: Partial<SessionEntry>,
  roster: Pick<Roster, "defaultId" | "mainKey">,
): string | undefined {
  const given = entry.label ?? entry.displayName;
  if (given !== undefined) return given;
  const { kind, channel, peerId, classification } = keyFacts(key, roster);
  if (kind === "group" && channel !== undefined) return groupName(channel, peerId ?? "");
  const isNamedByProgram = entry.createdVia === "run" && classification === "custom" && entry.chatType === undefined;
  return isNamedByProgram ? key.split(":").slice(2).join(":") : undefined;
}

/** A group without a name goes by its channel and id: `slack:g-c0123`; by the id alone when that is a name (`@room`). */
function groupName(channel: string, id: string): string {
  const token = id
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}#@._+-]+/gu, "-")
    .replace(/-{2,}/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .replace(/^#+/, "");
  if (token === "") return channel;
  return token.startsWith("@") || token.startsWith("g-") || token.includes("#")
    ? `${channel}:${token}`
    : `${channel}:g-${token}`;
}

/** The title of a session in lists: its name, else the beginning of what was said first. */
export function derivedTitle({ entry, title }: StoredSession): string | undefined {
  return entry.label ?? entry.displayName ?? title ?? undefined;
}
