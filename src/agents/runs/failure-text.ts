import type { ModelError, ModelErrorReason } from "../../models/types.ts";

/** A failed run as clients are told: what a person reads, and upstream's words for programs. */
export interface RunFailure {
  /** One sentence without the provider's own words, which may quote the request. */
  message: string;
  /** Short form for the transcript. */
  note: string;
  detail: { provider: string; model: string; failoverReason: string; providerRuntimeFailureKind: string };
  errorKind?: "timeout" | "rate_limit" | "context_length" | "unknown";
}

const WORDS: Readonly<Record<ModelErrorReason, { what: string; advice: string }>> = {
  auth: {
    what: "the provider refused the credentials",
    advice: "Check the provider's key in the configuration or the environment.",
  },
  auth_permanent: {
    what: "the provider has closed or revoked this access",
    advice: "Set another key, or sign in again.",
  },
  billing: { what: "the provider's credit or quota is used up", advice: "Check the account at the provider." },
  rate_limit: { what: "the provider is limiting requests", advice: "Try again in a while." },
  timeout: { what: "the model did not answer in time", advice: "Try again." },
  format: { what: "the provider refused the request as malformed", advice: "See the log for what it said." },
  context_overflow: { what: "the conversation is longer than the model takes", advice: "Start over with /new." },
  model_not_found: {
    what: "the provider does not have this model",
    advice: "Choose another one: /models lists what there is.",
  },
  overloaded: { what: "the provider is overloaded", advice: "Try again in a while." },
  server_error: { what: "the provider had an internal error", advice: "Try again in a while." },
  unavailable: {
    what: "the provider could not be reached or broke off",
    advice: "Check that its address is right and that it runs.",
  },
  unknown: { what: "the model call failed", advice: "See the log for what the provider said." },
};

const KINDS: Partial<Record<ModelErrorReason, string>> = {
  format: "schema",
  context_overflow: "schema",
  timeout: "timeout",
  rate_limit: "rate_limit",
  overloaded: "rate_limit",
  server_error: "server_error",
};

/** How a failed model call is told. */
export function failureOf(error: ModelError): RunFailure {
  const { provider, model, reason, status } = error.facts;
  const overflow = reason === "context_overflow";
  const { what, advice } = WORDS[reason];
  const http = status === undefined ? "" : `, HTTP ${status}`;
  const kind = overflow ? "context_length" : reason === "timeout" || reason === "rate_limit" ? reason : undefined;
  return {
    message: `${provider}/${model}: ${what}${http}. ${advice}`,
    note: `⚠️ No answer: ${what}${http}.`,
    detail: {
      provider,
      model,
      failoverReason: failoverReason(reason),
      providerRuntimeFailureKind: KINDS[reason] ?? "unclassified",
    },
    ...(kind ? { errorKind: kind } : {}),
  };
}

/** Upstream's word for a reason; to it a context that is too long is a malformed request. */
export const failoverReason = (reason: ModelErrorReason): string => (reason === "context_overflow" ? "format" : reason);

/** True for failures that may be gone a moment later; the others would only repeat themselves. */
export const isTransient = (reason: ModelErrorReason): boolean =>
  reason === "rate_limit" || reason === "overloaded" || reason === "server_error" || reason === "unavailable";

/** What a reader of the chat sees when a run failed before it answered. */
export const failureNotice = (message: string): string => `⚠️ The agent could not answer. ${message}`;

export const TIMEOUT_MESSAGE =
  "The run was ended because it took longer than allowed. Try again, or raise agents.defaults.timeoutSeconds.";

export const INTERRUPTED_MESSAGE = "The gateway stopped while this run was at work; its answer was cut off.";

export const INTERNAL_MESSAGE = "The gateway could not complete this run. Its log says why.";
