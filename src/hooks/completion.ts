import type { RunOutcome } from "../agents/runs/types.ts";
import { oneLine } from "../defender/external-content.ts";
import type { AgentAction } from "./action.ts";

/** What a waiting caller is told of the end: categories alone, no word of the answer (docs: automation/webhooks). */
export interface Completion {
  status: "ok" | "error";
  replyDisposition: "visible" | "silent" | "empty";
  delivered?: boolean;
  deliveryAttempted?: boolean;
  deliveryError?: "delivery-failed";
}

/** The end of a run and what becomes of its result. */
export interface Ending {
  completion: Completion;
  /** For the agent's main session; null when nothing is to be said there. */
  note: string | null;
  /** Why it did not succeed, for the log. */
  error?: string;
}

const SILENT = "NO_REPLY";
const NO_CHANNEL = "No channel is configured that the result could be announced in.";

/**
 * What a run's end means. Nothing carries messages to channels yet: a result that was to go to one has not gone, which is
 * said; without a destination it is told in the agent's main session.
 */
export function endingOf(action: AgentAction, outcome: RunOutcome): Ending {
  const name = oneLine(action.name);
  const { status, reply, error, result } = outcome;
  // Without a model the gateway itself has answered, which is an answer to people alone.
  const answered = status === "ok" && result?.meta.agentMeta !== undefined;
  if (!answered) {
    const reason = (status === "ok" ? reply?.text : error) ?? END_TEXTS[status] ?? "The run failed.";
    return {
      completion: { status: "error", replyDisposition: "empty" },
      note: `Hook ${name} (error): ${reason}`,
      error: reason,
    };
  }
  const replyDisposition = reply?.text?.trim() === SILENT ? "silent" : (reply?.disposition ?? "empty");
  const completion: Completion = { status: "ok", replyDisposition, delivered: false, deliveryAttempted: false };
  if (!action.deliver || replyDisposition !== "visible") return { completion, note: null };
  if (action.channel === undefined) return { completion, note: `Hook ${name}: ${reply?.text ?? ""}` };
  return {
    completion: { ...completion, deliveryError: "delivery-failed" },
    note: `Hook ${name} (error): ${NO_CHANNEL}`,
    error: NO_CHANNEL,
  };
}

const END_TEXTS: Readonly<Record<string, string>> = {
  aborted: "The run was stopped.",
  interrupted: "The gateway stopped while this run was at work.",
  timeout: "The time for this run is over.",
};
