import { ModelError } from "../../models/types.ts";
import type { SessionRunUpdate, TranscriptMessage } from "../../sessions/types.ts";
import { BudgetExceeded } from "../../usage/budgets.ts";
import { injectedMessage, ZERO_USAGE } from "../injected.ts";
import { PartialAnswer } from "./answer.ts";
import { failureNotice, failureOf, INTERNAL_MESSAGE, TIMEOUT_MESSAGE } from "./failure-text.ts";
import type { Run } from "./run.ts";
import type { RunOutcome, StopOrigin } from "./types.ts";

/** A request that cannot be served as it is, found out only when its run had begun. */
export class RunRefused extends Error {}

/** What is stored and told of a turn that ended without an answer. */
export interface Ending {
  outcome: RunOutcome;
  messages: TranscriptMessage[];
  update: SessionRunUpdate;
  frames: {
    /** Facts of the lifecycle frame `finishing`; only after a model call that failed. */
    finishing?: Record<string, unknown>;
    /** Facts of the lifecycle frame `error`. */
    error: Record<string, unknown>;
    /** The run's error in `chat`; an aborted run has none. */
    chat?: { errorMessage: string; facts: { errorDetail?: object; errorKind?: string } };
  };
  /** What the reader of the chat is told in a frame of its own. */
  notice?: string;
  /** True for errors that only the log explains. */
  unexpected?: true;
}

interface EndingFacts {
  run: Run;
  startedAt: number;
  endedAt: number;
  /** Text that was streamed and is not stored yet. */
  partial: string;
}

/** How a turn ends that this was thrown in. */
export function endingOf(error: unknown, facts: EndingFacts): Ending {
  const { stopped } = facts.run;
  if (stopped === "timeout") return timedOut(facts);
  if (stopped !== undefined) return aborted(facts, stopped);
  if (error instanceof ModelError) return modelFailed(error, facts);
  if (error instanceof BudgetExceeded) return refused(error.message, facts);
  if (error instanceof RunRefused) return refused(error.message, facts);
  return { ...refused(INTERNAL_MESSAGE, facts), unexpected: true };
}

/** Upstream's words for why something stopped. */
export function stopReasonOf(origin: StopOrigin, { begun }: { begun: boolean }): string {
  if (origin === "interrupt") return begun ? "aborted" : "superseded";
  return origin === "stop-command" ? "stop" : origin;
}

/** Somebody stopped the run: what the model had said stays, marked as cut off. */
function aborted({ run, startedAt, endedAt, partial }: EndingFacts, origin: StopOrigin): Ending {
  const stopReason = stopReasonOf(origin, { begun: true });
  const openclawAbort = { aborted: true, origin, runId: run.id };
  return {
    outcome: { status: origin === "restart" ? "interrupted" : "aborted", startedAt, endedAt, stopReason },
    messages:
      partial === ""
        ? []
        : [
            injectedMessage(partial, endedAt, {
              idempotencyKey: `${run.id}:assistant`,
              meta: { runId: run.id },
              extra: { openclawAbort },
            }),
          ],
    update: { status: "killed", abortedLastRun: true },
    frames: { error: { startedAt, endedAt, error: "The run was stopped.", aborted: true, stopReason: "aborted" } },
  };
}

function timedOut({ run, startedAt, endedAt, partial }: EndingFacts): Ending {
  const error = TIMEOUT_MESSAGE;
  const message: TranscriptMessage = {
    ...injectedMessage(partial, endedAt, { idempotencyKey: `${run.id}:timeout`, meta: { runId: run.id } }),
    stopReason: "aborted",
    errorMessage: error,
  };
  const meta = { durationMs: endedAt - startedAt, aborted: true, livenessState: "paused" };
  return {
    outcome: {
      status: "timeout",
      startedAt,
      endedAt,
      error,
      ...(run.kind === "agent"
        ? { result: { payloads: [{ text: error, mediaUrl: null, isError: true as const }], meta } }
        : {}),
    },
    messages: [message],
    update: { status: "timeout", lastRunError: error },
    frames: {
      error: { startedAt, endedAt, error, aborted: false, livenessState: "paused", ...TIMEOUT_FACTS },
      chat: { errorMessage: error, facts: { errorKind: "timeout" } },
    },
    notice: error,
  };
}

/** Upstream's words for a run whose time was over while the model was at work. */
export const TIMEOUT_FACTS = { timeoutPhase: "provider", providerStarted: true } as const;

function modelFailed(error: ModelError, { run, startedAt, endedAt, partial }: EndingFacts): Ending {
  const { message, note, detail, errorKind } = failureOf(error);
  const { provider, model } = error.facts;
  const text = error instanceof PartialAnswer && partial !== "" ? partial : note;
  const stored: TranscriptMessage = {
    role: "assistant",
    content: [{ type: "text", text }],
    ...(run.model ? { api: run.model.api } : {}),
    provider,
    model,
    usage: ZERO_USAGE,
    stopReason: "error",
    timestamp: endedAt,
    idempotencyKey: `${run.id}:terminal-error`,
    ...(text === note ? {} : { errorMessage: note }),
    meta: { runId: run.id },
  };
  const common = { error: message, errorObservation: detail, aborted: false, livenessState: "blocked", endedAt };
  const notice = failureNotice(message);
  return {
    outcome: { status: "error", startedAt, endedAt, error: run.kind === "agent" ? message : notice },
    messages: [stored],
    update: { status: "failed", lastRunError: message },
    frames: {
      finishing: common,
      error: { ...common, startedAt },
      chat: { errorMessage: message, facts: { errorDetail: detail, ...(errorKind ? { errorKind } : {}) } },
    },
    notice,
  };
}

function refused(message: string, { run, startedAt, endedAt }: EndingFacts): Ending {
  const notice = failureNotice(message);
  return {
    outcome: { status: "error", startedAt, endedAt, error: run.kind === "agent" ? message : notice },
    messages: [
      injectedMessage(notice, endedAt, {
        idempotencyKey: `${run.id}:terminal-error`,
        meta: { runId: run.id },
        extra: { excludeFromContext: true },
      }),
    ],
    update: { status: "failed", lastRunError: message },
    frames: { error: { startedAt, endedAt, error: message }, chat: { errorMessage: message, facts: {} } },
    notice,
  };
}
