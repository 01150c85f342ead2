import { createHash } from "node:crypto";
import type { Action } from "./types.ts";

/** Characters of a file's text that are put away with what was blocked. */
const TEXT_CHARS = 32_768;

/**
 * An action as it is recorded and put away. A file's content stands there as its hash, so that one that was released is
 * that very file, and with its beginning when it is text.
 */
export function payloadOf(action: Action): string {
  if (!("content" in action) || action.content === undefined) return JSON.stringify(action);
  const { content, ...about } = action;
  const text = textOf(content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  return JSON.stringify({ ...about, sha256, ...(text !== undefined && { text }) });
}

function textOf(content: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(content);
    return text.includes("\0") ? undefined : text.slice(0, TEXT_CHARS);
  } catch {
    return undefined;
  }
}
