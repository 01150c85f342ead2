import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { failureNotice, INTERNAL_MESSAGE } from "./runs/failure-text.ts";
import type { RunRecord } from "./runs/run-records.ts";

/** Answer of `chat.send` to a key that is known (BEHAVIOUR section 7, idempotency). */
export interface ChatReplay {
  runId: string;
  status: "ok" | "in_flight" | "timeout";
  summary?: string;
  stopReason?: string;
  endedAt?: number;
}

/**
 * What a repeated `chat.send` is answered.
 * @throws GatewayError when the key belongs to another request, or its run failed
 */
export function chatReplay({ runId, outcome, requestHash }: RunRecord, hash: string): ChatReplay {
  if (requestHash !== hash) throw conflict();
  if (outcome === null) return { runId, status: "in_flight" };
  if (outcome.status === "ok") return { runId, status: "ok" };
  if (outcome.status === "aborted") {
    const { stopReason, endedAt } = outcome;
    return { runId, status: "timeout", summary: "aborted", stopReason, endedAt };
  }
  throw failedRun(runId, outcome.error ?? failureNotice(INTERNAL_MESSAGE));
}

/** The error of a run that failed, with what upstream sends beside it. */
export const failedRun = (runId: string, summary: string): GatewayError =>
  new GatewayError("UNAVAILABLE", summary, { payload: { runId, status: "error", summary } });

const conflict = (): GatewayError =>
  invalidRequest("This idempotency key was used for another message. Send the new one with a key of its own.", {
    reason: "chat-request-conflict",
  });
