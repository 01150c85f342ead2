import { LIMITS } from "../../generated/limits.ts";
import type { HookRefusal } from "./refusal.ts";

/** What a call of a hook is answered: JSON with a body, words with a text, else nothing. */
export interface Answer {
  status: number;
  body?: object;
  text?: string;
}

export const notFound = (): Answer => ({ status: 404, text: "Not Found" });

export const refused = ({ status, message }: HookRefusal): Answer => ({ status, body: { ok: false, error: message } });

/** What became of one item of a batch. `pending` goes on after the answer. */
export type ItemOutcome =
  | { kind: "wake"; mode: string; outcome: "queued" | "coalesced" }
  | { kind: "run"; runId: string }
  | { kind: "refused"; error: HookRefusal }
  | { kind: "pending" };

/** The answer to a batch (docs: config-hooks, "Hook retries and fan-out"). */
export function batchAnswer(items: readonly ItemOutcome[]): Answer {
  const of = <K extends ItemOutcome["kind"]>(kind: K) =>
    items.filter((item): item is Extract<ItemOutcome, { kind: K }> => item.kind === kind);
  const runIds = of("run").map(({ runId }) => runId);
  const failures = of("refused").map(({ error }) => error);
  const pending = of("pending").length;
  const wakes = of("wake");
  if (failures.length > 0 || pending > 0) {
    const done = runIds.length + wakes.length;
    return {
      status: failures[0]?.status ?? 503,
      body: {
        ok: false,
        error: `hook batch incomplete: ${done} of ${items.length} dispatched, ${failures.length} failed, ${pending} pending`,
        runIds,
        ...(failures.length > 0 && { errors: failures.slice(0, LIMITS.hookErrorsShown).map(({ message }) => message) }),
      },
    };
  }
  if (runIds.length === 0) {
    const eventOutcome = wakes.some(({ outcome }) => outcome === "queued") ? "queued" : "coalesced";
    return { status: 200, body: { ok: true, mode: wakes[0]!.mode, eventOutcome } };
  }
  const [runId] = runIds;
  if (items.length === 1) return { status: 200, body: { ok: true, runId } };
  return { status: 200, body: { ok: true, runId, runIds, dispatched: items.length } };
}
