import type { SessionEntry } from "./entry.ts";
import type { SessionQueue } from "./types.ts";

/** What a session says of its queue. */
export const queueOf = ({ queueMode, queueDebounceMs, queueCap, queueDrop }: SessionEntry): SessionQueue => ({
  mode: queueMode,
  debounceMs: queueDebounceMs,
  cap: queueCap,
  drop: queueDrop,
});

/** What is named is set in the record, the rest stays; null forgets all. */
export function applyQueue(entry: SessionEntry, queue: SessionQueue | null): void {
  if (queue === null) {
    delete entry.queueMode;
    delete entry.queueDebounceMs;
    delete entry.queueCap;
    delete entry.queueDrop;
    return;
  }
  const { mode, debounceMs, cap, drop } = queue;
  if (mode !== undefined) entry.queueMode = mode;
  if (debounceMs !== undefined) entry.queueDebounceMs = debounceMs;
  if (cap !== undefined) entry.queueCap = cap;
  if (drop !== undefined) entry.queueDrop = drop;
}
