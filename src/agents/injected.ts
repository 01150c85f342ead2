import type { TranscriptMessage, Usage } from "../sessions/types.ts";

export const ZERO_USAGE: Usage = Object.freeze({
  input: 0,
  output: 0,
  totalTokens: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cost: Object.freeze({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 }),
});

/** An assistant message that the gateway itself wrote, under the names that upstream gives such messages. */
export function injectedMessage(
  text: string,
  timestamp: number,
  more: Pick<TranscriptMessage, "idempotencyKey" | "meta" | "extra"> = {},
): TranscriptMessage {
  return {
    role: "assistant",
    content: [{ type: "text", text }],
    timestamp,
    stopReason: "stop",
    usage: ZERO_USAGE,
    api: "openai-responses",
    provider: "openclaw",
    model: "gateway-injected",
    ...more,
  };
}

/** A stored message as a chat event shows it. */
export function shownMessage({ meta, extra, ...message }: TranscriptMessage): Record<string, unknown> {
  return { ...message, ...extra, ...(meta ? { __openclaw: meta } : {}) };
}
