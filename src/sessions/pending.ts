import type { ActiveRuns } from "./types.ts";

/** How many waiting messages one answer shows; upstream's schema allows twenty. */
const MAX_ITEMS = 20;

/**
 * Messages that were accepted and have not reached the transcript, the newest ones before position `before` (counted
 * from 1); `nextBefore` leads to older ones.
 */
export function pendingInputs(runs: ActiveRuns, key: string, before?: number) {
  const all = runs.pendingInputs(key);
  const end = before === undefined ? all.length : Math.min(all.length, before - 1);
  const start = Math.max(0, end - MAX_ITEMS);
  const items = all.slice(start, end).map(({ id, acceptedAt, state, runId, message }) => {
    const { meta, extra, ...rest } = message;
    return {
      id,
      acceptedAt,
      state,
      message: { ...rest, ...extra, __openclaw: { ...meta, id: `pending:${id}` } },
      runId,
    };
  });
  return { items, total: all.length, ...(start > 0 ? { nextBefore: start + 1 } : {}) };
}

/** Of the runs that a client asks about, those whose message still waits. */
export function inputReceipts(runs: ActiveRuns, key: string, runIds: readonly string[]) {
  const waiting = new Set(runs.pendingInputs(key).map(({ runId }) => runId));
  return {
    inputReceipts: runIds.filter((runId) => waiting.has(runId)).map((runId) => ({ runId, state: "pending" as const })),
    inputConsumptions: [],
  };
}
