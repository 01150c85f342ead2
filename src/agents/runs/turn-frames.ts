import { refOf } from "../../models/references.ts";
import type { FallbackStep } from "./answer.ts";
import { failoverReason } from "./failure-text.ts";
import type { Run } from "./run.ts";
import type { Ending } from "./turn-endings.ts";
import type { RunOutcome } from "./types.ts";

/** Facts of the lifecycle frame that says an answer is complete. */
export const finishing = (endedAt: number): Record<string, unknown> => ({
  phase: "finishing",
  stopReason: "stop",
  aborted: false,
  livenessState: "working",
  endedAt,
});

/** The lifecycle frames that end a run with an answer; `chat` ends it after them. */
export function tellEnd({ events, kind }: Run, { startedAt, endedAt, stopReason, reply, receipt }: RunOutcome): void {
  events.lifecycle(NO_MODEL, { lane: true });
  events.lifecycle({
    phase: "end",
    startedAt,
    endedAt,
    stopReason,
    aborted: false,
    livenessState: "working",
    ...(kind === "agent" ? {} : { replayInvalid: false }),
    terminalReply: reply,
    ...(receipt ? { terminalReceipt: receipt } : {}),
    executionSettled: true,
  });
}

/** All frames that end a run without an answer. `steps`: the models that failed last. */
export function tellEnding(
  { events, kind }: Run,
  { outcome, frames, notice }: Ending,
  steps: readonly FallbackStep[],
): void {
  if (outcome.status === "aborted" || outcome.status === "interrupted") {
    const { stopReason = "rpc", startedAt, endedAt } = outcome;
    events.aborted(stopReason, true);
    events.cancelled({ stopReason, startedAt, endedAt });
  } else if (frames.finishing) {
    events.lifecycle({ phase: "finishing", ...frames.finishing });
  }
  events.lifecycle(NO_MODEL, { lane: true });
  if (kind !== "agent") for (const step of steps) events.lifecycle(fallbackFrame(step));
  events.lifecycle({ phase: "error", ...frames.error, executionSettled: true });
  if (frames.chat) events.error(frames.chat.errorMessage, frames.chat.facts);
  if (notice !== undefined && kind !== "agent") events.errorNotice(notice);
  events.stop();
}

/** Facts of the lifecycle frame that tells which model failed and what was tried instead. */
export const fallbackFrame = ({ from, next, error, position }: FallbackStep): Record<string, unknown> => ({
  phase: "fallback_step",
  fallbackStepType: "fallback_step",
  fallbackStepFromModel: refOf(from),
  ...(next ? { fallbackStepToModel: refOf(next) } : {}),
  fallbackStepFromFailureReason: failoverReason(error.facts.reason),
  fallbackStepFromFailureDetail: error.message,
  fallbackStepChainPosition: position,
  fallbackStepFinalOutcome: next ? "next_fallback" : "chain_exhausted",
});

const NO_MODEL = { phase: "model", provider: null, model: null } as const;
