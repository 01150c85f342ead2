import type { StoredMessage } from "../../sessions/types.ts";
import { belongs, contentTokens } from "../context/conversation.ts";

/** Upstream's default of `agents.defaults.compaction.keepRecentTokens`. */
export const KEEP_RECENT_TOKENS = 20_000;

/** A conversation as compaction sees it. */
export interface Cut {
  /** The summary of what was compacted before. */
  earlier: string | null;
  /** What goes into the summary, oldest first. */
  older: StoredMessage[];
  /** What stays as it is; never empty. */
  kept: StoredMessage[];
}

/**
 * Cuts a context in two: the newest messages of up to `keepTokens` stay. Where all of it would stay, only the last message
 * does, since somebody asked for a summary (measured on 2026.9.6). A tool's result stays with its call.
 * @returns null when nothing would be left to sum up
 */
export function cutContext(context: readonly StoredMessage[], keepTokens: number): Cut | null {
  const earlier = context.find(({ isSummary }) => isSummary);
  const messages = context.filter((message) => !message.isSummary && belongs(message));
  let at = messages.length;
  let tokens = 0;
  while (at > 0) {
    tokens += contentTokens(messages[at - 1]!.content);
    if (tokens > keepTokens) break;
    at--;
  }
  if (at === 0 || at === messages.length) at = messages.length - 1;
  while (at > 0 && messages[at]!.role === "toolResult") at--;
  if (at <= 0) return null;
  return {
    earlier: earlier ? (earlier.content as string) : null,
    older: messages.slice(0, at),
    kept: messages.slice(at),
  };
}
