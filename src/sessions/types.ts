/** One part of a message's content, in the shape that upstream stores and sends. */
export type ContentPart =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string }
  | { type: "image"; data: string; mimeType: string }
  | { type: "toolCall"; id: string; name: string; arguments: Record<string, unknown> };

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
}

/** A stored message with its place. `seq` counts the session's messages from 1. */
export interface StoredMessage extends TranscriptMessage {
  id: string;
  seq: number;
}

/** What a turn reports about a session when its state changes; absent fields stay as they are. */
export interface SessionRunUpdate {
  status?: "running" | "done" | "error" | "aborted" | null;
  startedAt?: number | null;
  endedAt?: number | null;
  runtimeMs?: number | null;
  lastRunId?: string | null;
  abortedLastRun?: boolean;
  systemSent?: boolean;
  inputTokens?: number;
  outputTokens?: number;
  totalTokens?: number;
  estimatedCostUsd?: number;
  modelProvider?: string;
  model?: string;
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
}

/** What other domains may ask of sessions. Implemented by `sessions/sessions.ts`. */
export interface SessionsPort {
  /** Canonical form of a key as clients give it: `main` becomes `agent:main:main`. @throws GatewayError on a malformed key */
  canonicalKey(key: string, agentId?: string): string;
  find(key: string): Promise<SessionState | null>;
  /** The session under this canonical key, created if it does not exist. */
  ensure(key: string, origin: { createdVia: string; actor?: string }): Promise<SessionState>;
  /**
   * Stores messages in one transaction and, after the commit, publishes `session.message` for each and `sessions.changed`.
   * A message whose `idempotencyKey` the session already has is not stored twice.
   */
  append(key: string, messages: readonly TranscriptMessage[], reason?: string): Promise<StoredMessage[]>;
  /** The newest `limit` messages in chronological order, for a model's context. */
  recent(key: string, limit: number): Promise<StoredMessage[]>;
  /** Merges run state and publishes `sessions.changed` with the given reason (none: silent). */
  recordRun(key: string, update: SessionRunUpdate, reason?: string): Promise<void>;
}

/** What sessions asks of the runs: which are active now. Implemented by `agents/`. */
export interface ActiveRuns {
  activeRunIds(sessionKey: string): string[];
}
