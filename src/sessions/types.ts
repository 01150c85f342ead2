import type { SessionGoal, SessionModelAttempt } from "../../generated/types.ts";
import type { GoalRule } from "./goals/goals.ts";

/** One part of a message's content, in the shape that upstream stores and sends. */
export type ContentPart =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string; thinkingSignature?: string }
  | { type: "image"; data: string; mimeType: string }
  /** `thoughtSignature` is a provider's mark for the thought behind a call; it wants it back unchanged. */
  | { type: "toolCall"; id: string; name: string; arguments: Record<string, unknown>; thoughtSignature?: string };

/** Token counts and cost of one model answer. Cost is in US dollars. */
export interface Usage {
  input: number;
  output: number;
  totalTokens: number;
  cacheRead: number;
  cacheWrite: number;
  cost: { input: number; output: number; cacheRead: number; cacheWrite: number; total: number };
}

/** A transcript message as it is stored and as `chat.history` returns it (there with `__openclaw` added). */
export interface TranscriptMessage {
  role: "user" | "assistant" | "toolResult";
  content: string | ContentPart[];
  /** Epoch milliseconds. */
  timestamp: number;
  idempotencyKey?: string;
  api?: string;
  provider?: string;
  model?: string;
  usage?: Usage;
  stopReason?: string;
  responseId?: string;
  errorMessage?: string;
  /** What `chat.history` shows under `__openclaw` beside id, position and time: runId, senderIsOwner, transport. */
  meta?: Record<string, unknown>;
  /** Further fields shown on the message itself as they are, for instance `openclawAbort` and `excludeFromContext`. */
  extra?: Record<string, unknown>;
}

/** A stored message with its place. `seq` counts the session's messages from 1. */
export interface StoredMessage extends TranscriptMessage {
  id: string;
  seq: number;
  /** True for the summary that a context begins with in place of older messages. */
  isSummary?: true;
}

/** What a turn reports about a session when its state changes; absent fields stay as they are. */
export interface SessionRunUpdate {
  /** Upstream's words: an aborted run leaves `killed`, a provider failure `failed`. */
  status?: "running" | "done" | "failed" | "killed" | "timeout" | null;
  startedAt?: number | null;
  endedAt?: number | null;
  runtimeMs?: number | null;
  lastRunId?: string | null;
  /** When a program's run last did something here. */
  lastActivityAt?: number;
  abortedLastRun?: boolean;
  /** What a person is told of a run that failed; null when one begins. */
  lastRunError?: string | null;
  systemSent?: boolean;
  inputTokens?: number;
  outputTokens?: number;
  totalTokens?: number;
  estimatedCostUsd?: number;
  modelProvider?: string;
  model?: string;
  /** How the last prompt filled the model's context, as upstream's rows show it under this name. */
  contextBudgetStatus?: Record<string, unknown> | null;
  /** The attempts at models that failed in the last run; null when none did. */
  modelAttempts?: readonly SessionModelAttempt[] | null;
}

/** The part of a stored session that a turn needs. */
export interface SessionState {
  key: string;
  sessionId: string;
  agentId: string;
  /** Model override `provider/model` from `sessions.patch`, or null. */
  modelOverride: string | null;
  thinkingLevel: string | null;
  sendPolicy: "allow" | "deny" | null;
  archived: boolean;
  goal: SessionGoal | null;
  queue?: SessionQueue;
  /** 0 for a session that a person began; a spawned one has its spawner's depth and 1. */
  spawnDepth: number;
  /** Names of the tools that its spawner had; it has no others. */
  inheritedTools?: readonly string[];
  inheritedSandbox?: true;
  /** What is fixed for the tools of this session; absent where nothing is stored. */
  tools?: SessionToolSettings;
}

/** What `sessions.patch`, and whoever made the session, have fixed for its tools. */
export interface SessionToolSettings {
  /** How far the session's tools may go (docs: gateway/permission-modes). */
  permissionMode?: "read-only" | "guarded" | "workspace" | "full";
  /** Where its commands run unless a call says otherwise. */
  execHost?: string;
  execNode?: string;
  execCwd?: string;
  /** The session that began it, whose limits are its own too. */
  spawnedBy?: string;
}

/** What people choose for a session by command; null takes a choice back. */
export interface SessionOverrides {
  modelOverride?: string | null;
  thinkingLevel?: string | null;
  queue?: SessionQueue | null;
}

/** How messages wait while a session is busy, as far as the session itself says (docs: concepts/queue). */
export interface SessionQueue {
  mode?: "steer" | "followup" | "collect" | "interrupt" | undefined;
  /** Milliseconds. */
  debounceMs?: number | undefined;
  cap?: number | undefined;
  drop?: "old" | "new" | "summarize" | undefined;
}

/** What other domains may ask of sessions. Implemented by `sessions/sessions.ts`. */
export interface SessionsPort {
  /** Canonical form of a key as clients give it: `main` becomes `agent:main:main`. @throws GatewayError on a malformed key */
  canonicalKey(key: string, agentId?: string): string;
  /** As {@link canonicalKey} for what is only looked up: a blank key is that of no session. */
  lookupKey(key: string, agentId?: string): string;
  find(key: string): Promise<SessionState | null>;
  /** The session that has this id now. */
  findById(sessionId: string): Promise<SessionState | null>;
  /**
   * The session under this canonical key, created if it does not exist, then with the wanted `sessionId` unless another
   * session has it. An `actor` is the client id of whoever writes: the session becomes a talked-in one, he a participant.
   */
  ensure(key: string, origin: { createdVia: string; actor?: string; sessionId?: string }): Promise<SessionState>;
  /**
   * Stores messages in one transaction and, after the commit, publishes `session.message` for each and `sessions.changed`.
   * A message whose `idempotencyKey` the session already has is not stored twice.
   */
  append(key: string, messages: readonly TranscriptMessage[], reason?: string): Promise<StoredMessage[]>;
  /**
   * The newest `limit` messages in chronological order, for a model's context; fewer where they are very large. Where older
   * ones were summed up, only those behind the cut, with the summary before them.
   */
  recent(key: string, limit: number): Promise<StoredMessage[]>;
  /** Merges run state and publishes `sessions.changed` with the given reason (none: silent). */
  recordRun(key: string, update: SessionRunUpdate, reason?: string): Promise<void>;
  /** What the commands `/new` and `/reset` do: an empty transcript and fresh counters; key and session id stay. */
  startOver(key: string, reason: "new" | "reset"): Promise<SessionState>;
  /** What the command `/goal` does; the goal as it is then. Publishes `sessions.changed`. @throws what the rule throws */
  changeGoal(key: string, rule: GoalRule): Promise<SessionGoal | null>;
  /** What the commands `/model`, `/think` and `/queue` do; absent fields stay as they are. Publishes `sessions.changed`. */
  setOverrides(key: string, overrides: SessionOverrides): Promise<SessionState>;
}

/** An accepted message that has not reached the transcript yet, as `chat.history` lists it under `pendingInputs`. */
export interface PendingInput {
  id: string;
  /** Epoch milliseconds. */
  acceptedAt: number;
  /** Only `queued` will run; `interrupted` was cut off when the gateway stopped. */
  state: "queued" | "cancelled" | "interrupted";
  runId: string;
  message: TranscriptMessage;
}

/** A run whose answer is still being written, for a client that joins in the middle. */
export interface InFlightRun {
  runId: string;
  /** The answer's text so far. */
  text: string;
  /** Epoch milliseconds. */
  startedAt: number;
  /** That text came, as an `agent` frame without it: the newest one. */
  events: Record<string, unknown>[];
}

/** What sessions asks of the runs. Implemented by `agents/runs/runs.ts`. */
export interface ActiveRuns {
  /** Runs of the session that are at work now, oldest first. */
  activeRunIds(sessionKey: string): string[];
  /** Messages accepted while a run is at work, oldest first; they enter the transcript when a run takes them up. */
  pendingInputs(sessionKey: string): PendingInput[];
  /** The answer that is being written, as far as it has come; null when none is. */
  inFlight?(sessionKey: string): InFlightRun | null;
  /** What becomes of a message that comes while the session is busy; `own` is what the session says of it. */
  queueMode?(sessionKey: string, own?: SessionQueue["mode"]): string;
  /** The model that is answering now; null when none is. */
  activeModel?(sessionKey: string): { provider: string; id: string } | null;
  /** Ends what is at work and what waits in the session; resolves when it is over. Before a reset, an archival, a deletion. */
  abortSession?(sessionKey: string, origin: "rpc" | "reset"): Promise<unknown>;
  /** What comes from now on waits until the returned function is called; else it could go into what is being replaced. */
  hold?(sessionKey: string): () => void;
  /** The session starts over or is gone: what waited in it is shown no more. With `answers` they are forgotten, too. */
  forgetSession?(sessionKey: string, options?: { answers: boolean }): Promise<void>;
}
