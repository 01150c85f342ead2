import type { Origin } from "../../defender/types.ts";
import type { ContentPart, TranscriptMessage } from "../../sessions/types.ts";

/** How a run came about: by `chat.send`, from a message that had waited for another run, or by the `agent` method. */
export type RunKind = "chat" | "followup" | "agent";

/** What a sender may ask of one run, beside the message. */
export interface RunSettings {
  /** `provider/model` instead of the session's and the agent's choice. */
  model?: string;
  /** Models that are asked when that one fails, instead of those that would be otherwise. */
  fallbacks?: readonly string[];
  /** Thinking level. `strictThinking` makes one that the model does not have an error. */
  thinking?: string;
  strictThinking?: boolean;
  /** Milliseconds after which the run is ended; 0 means never. */
  timeoutMs?: number;
  /** Added to the system prompt of this run. */
  extraSystemPrompt?: string;
  /** What budgets it counts against beside the usual ones. */
  spending?: "heartbeat";
  /** Leaves out the files of the workspace. */
  lightContext?: boolean;
}

/** A message that has been accepted, from its acknowledgement until it is in the transcript. */
export interface RunInput {
  /** The sender's idempotency key, by which it knows the run. */
  runId: string;
  kind: "chat" | "agent";
  /** Canonical. */
  sessionKey: string;
  agentId: string;
  /** Wanted id of a session that does not exist yet. */
  sessionId?: string;
  /** Identifies the message while it waits. */
  id: string;
  /** Epoch milliseconds. */
  acceptedAt: number;
  /** The user message as it will stand in the transcript. */
  message: TranscriptMessage;
  /** What the model is given in place of the message's text, when a command preceded it. */
  prompt?: string;
  settings: RunSettings;
  /** Client id of the sender; becomes a participant of the session. */
  actor?: string;
  /** Who may stop it, beside administrators. */
  owner: string;
  /** The connection that sent it, which is told of the tools that the run uses. */
  connId?: string;
  /** Where the words came from, unless they are the sender's own. */
  origin?: Origin;
  /** What somebody who may ask has asked for with them, beside the words: the frame that a hook's words were put into. */
  asked?: string;
  /** The place in a channel that the answer goes to. Messages with different ones are not answered together. */
  route?: string;
}

/** What becomes of a message that comes while its session is busy (docs: concepts/queue). */
export type QueueMode = "steer" | "followup" | "collect" | "interrupt";

/** Which messages give way when more wait than may (docs: concepts/queue). */
export type QueueDrop = "old" | "new" | "summarize";

/** How a session's messages wait while it is busy. */
export interface QueueSettings {
  mode: QueueMode;
  /** Milliseconds without a further message, after which those that wait begin. */
  debounceMs: number;
  /** Messages that may wait. */
  cap: number;
  drop: QueueDrop;
}

/** Who or what ended a run before its time. */
export type StopOrigin = "rpc" | "interrupt" | "stop-command" | "reset" | "timeout" | "restart" | "auth-revoked";

/** Upstream's words for how a run's answer reached its reader. */
export interface TerminalReply {
  disposition: "visible" | "silent";
  text?: string;
}

/** Which model was asked for and which answered; goes with the end of a run. */
export interface TerminalReceipt {
  runId: string;
  sessionId: string;
  turnId: string;
  requested: { provider: string; model: string };
  effective: { provider: string; model: string; responseModel: string };
  successfulToolNames: string[];
  rerouted: boolean;
  terminalDisposition?: string;
}

/** How a run ended. Stored with its key, so that a repeated request gets the same answer, also after a restart. */
export interface RunOutcome {
  status: "ok" | "error" | "aborted" | "timeout" | "interrupted";
  /** Epoch milliseconds; `startedAt` is absent for a run that never began. */
  endedAt: number;
  startedAt?: number;
  /** `stop` or `length` of a completed answer; of an aborted run who stopped it: `rpc`, `stop`, `reset`. */
  stopReason?: string;
  /** What a person is told of a run that did not succeed. */
  error?: string;
  reply?: TerminalReply;
  receipt?: TerminalReceipt;
  /** The `result` of the `agent` method. */
  result?: AgentRunResult;
}

/** `result` of the `agent` method (BEHAVIOUR section 8). */
export interface AgentRunResult {
  payloads: { text: string; mediaUrl: string | null; isError?: true; isStatusNotice?: true }[];
  meta: Record<string, unknown>;
  [field: string]: unknown;
}

/** The text of a message's content. */
export function textOf(content: string | readonly ContentPart[]): string {
  if (typeof content === "string") return content;
  return content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

/** Whether a word is one of these. */
export const isOf = <T extends string>(words: readonly T[], word: string): word is T =>
  (words as readonly string[]).includes(word);
