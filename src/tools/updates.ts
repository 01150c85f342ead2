import type { ToolResult } from "./types.ts";

/** Passes partial results on at most once per interval, the newest; nothing after `end`. */
export function throttledUpdates(
  send: (partial: ToolResult) => void,
  intervalMs: number,
): { push(partial: ToolResult): void; end(): void } {
  let waiting: ToolResult | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  const flush = (): void => {
    timer = undefined;
    if (waiting === undefined || ended) return;
    const partial = waiting;
    waiting = undefined;
    timer = setTimeout(flush, intervalMs);
    send(partial);
  };
  return {
    push(partial) {
      waiting = partial;
      if (timer === undefined) flush();
    },
    end() {
      ended = true;
      clearTimeout(timer);
    },
  };
}
