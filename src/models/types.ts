import type { ContentPart, Usage } from "../sessions/types.ts";

/** A model as configured or discovered, with all that a turn needs to call it. */
export interface ResolvedModel {
  provider: string;
  id: string;
  name: string;
  /** The wire format: which API the endpoint speaks. */
  api: "openai-completions" | "anthropic-messages";
  baseUrl: string;
  reasoning: boolean;
  input: ("text" | "image")[];
  /** Tokens. */
  contextWindow: number;
  maxTokens: number;
  /** US dollars per million tokens. */
  cost: { input: number; output: number; cacheRead: number; cacheWrite: number };
}

export interface ModelMessage {
  role: "user" | "assistant" | "toolResult";
  content: string | ContentPart[];
  toolCallId?: string;
  toolName?: string;
  isError?: boolean;
}

export interface ModelRequest {
  model: ResolvedModel;
  system: string;
  messages: ModelMessage[];
  tools?: { name: string; description: string; parameters: Record<string, unknown> }[];
  maxTokens?: number;
  thinking?: string;
  signal: AbortSignal;
}

export type ModelEvent =
  | { type: "text"; delta: string }
  | { type: "thinking"; delta: string }
  | { type: "toolCall"; id: string; name: string; arguments: Record<string, unknown> }
  | { type: "finish"; stopReason: "stop" | "length" | "toolUse" | "error"; usage: Usage; responseId?: string };

/** Why a provider did not answer, in terms a failover can act on. */
export class ModelError extends Error {
  constructor(
    message: string,
    readonly facts: {
      provider: string;
      model: string;
      reason: "auth" | "billing" | "rate_limit" | "timeout" | "format" | "overloaded" | "unavailable" | "unknown";
      status?: number;
    },
  ) {
    super(message);
    this.name = "ModelError";
  }
}

/** What a person can do to get a model, for the answer that is given when none is set up. */
export interface ModelSetup {
  /** Environment variables that would supply a key, and whether each is set: `OPENAI_API_KEY`. */
  environment: { variable: string; provider: string; present: boolean }[];
  /** Model servers that answer on this machine now: `{name: "Ollama", baseUrl, models}`. */
  localServers: { name: string; baseUrl: string; models: string[] }[];
}

/** What turns ask of models. Implemented by `models/models.ts`. */
export interface ModelsPort {
  /** References `provider/id` of every model that could be used, the default first. */
  refs(): Promise<string[]>;
  /** What is there and what is missing, when no model is configured. */
  setup(): Promise<ModelSetup>;
  /** The model for `provider/id`, or the configured default when no reference is given; null when there is none. */
  resolve(ref?: string | null): Promise<ResolvedModel | null>;
  /** Streams one answer; exactly one `finish` comes last. @throws ModelError */
  stream(request: ModelRequest): AsyncIterable<ModelEvent>;
}
