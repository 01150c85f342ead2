import type { ContentPart, Usage } from "../sessions/types.ts";
import type { RequestSettings } from "./settings.ts";

/** A model as configured or discovered, with all that a turn needs to call it. */
export interface ResolvedModel {
  provider: string;
  id: string;
  name: string;
  /** The wire format as upstream names it: `openai-completions`, `anthropic-messages`. */
  api: string;
  baseUrl: string;
  reasoning: boolean;
  input: ("text" | "image")[];
  /** Tokens. */
  contextWindow: number;
  maxTokens: number;
  /** US dollars per million tokens; zeros where no price is known. */
  cost: { input: number; output: number; cacheRead: number; cacheWrite: number };
}

export interface ModelMessage {
  role: "user" | "assistant" | "toolResult";
  content: string | ContentPart[];
  toolCallId?: string;
  toolName?: string;
  isError?: boolean;
  /** Which model said it; signed thoughts go back to that one alone. */
  origin?: { api: string; provider: string; model: string };
}

export interface ModelRequest {
  model: ResolvedModel;
  system: string;
  messages: ModelMessage[];
  tools?: { name: string; description: string; parameters: Record<string, unknown> }[];
  /** Most tokens of the answer; the model's own limit unless told. */
  maxTokens?: number;
  /** Thinking level (`off`, `minimal`, … `max`); ignored by models that do not reason. */
  thinking?: string;
  signal: AbortSignal;
  /** Signs the call in, in place of the provider's own key. `bearer`: as `Authorization: Bearer`. */
  credential?: { key: string; bearer: boolean };
}

/** Where a provider is and how it is called. */
export interface ModelEndpoint {
  provider: string;
  api: string;
  baseUrl: string;
  /** Null where none is needed, or a header carries it. */
  key: string | null;
  headers: Record<string, string>;
  request: RequestSettings;
  /** What may not stand in messages. */
  secrets: readonly string[];
}

/** For whom a model is called. */
export interface ModelCaller {
  agentId: string;
  sessionKey?: string;
  sessionId?: string;
}

/** An account by which a model can be called. */
export interface ModelAccount {
  profileId: string;
  /** Null when it can be used now, else from when (epoch milliseconds) and why. `isDisabled`: waiting will not mend it. */
  availability(): Promise<{ until: number; reason: ModelErrorReason; isDisabled: boolean } | null>;
  /** @throws ModelError when there is none to be had */
  credential(): Promise<{ key: string; bearer: boolean }>;
  succeeded(): Promise<void>;
  failed(error: ModelError): Promise<void>;
}

export type ModelEvent =
  | { type: "text"; delta: string }
  /** `signature` comes at a thought's end from providers that want the thought back unchanged. */
  | { type: "thinking"; delta: string; signature?: string }
  /** `invalid` says why the arguments could not be read; such a call must be answered with an error, never run. */
  | {
      type: "toolCall";
      id: string;
      name: string;
      arguments: Record<string, unknown>;
      invalid?: string;
      thoughtSignature?: string;
    }
  | { type: "finish"; stopReason: "stop" | "length" | "toolUse" | "error"; usage: Usage; responseId?: string };

/**
 * Upstream's words for why a provider did not answer (docs: concepts/model-failover), `unavailable` for a server that
 * could not be reached or broke off, and `context_overflow` for a conversation that is longer than the model takes.
 */
export type ModelErrorReason =
  | "auth"
  | "auth_permanent"
  | "billing"
  | "rate_limit"
  | "timeout"
  | "format"
  | "context_overflow"
  | "model_not_found"
  | "overloaded"
  | "server_error"
  | "unavailable"
  | "unknown";

/** Why a provider did not answer, in terms a failover can act on. */
export class ModelError extends Error {
  constructor(
    message: string,
    readonly facts: {
      provider: string;
      model: string;
      reason: ModelErrorReason;
      /** HTTP status, when the provider answered with one. */
      status?: number;
      /** Milliseconds after which the provider asks to be tried again. */
      retryAfterMs?: number;
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
  /** The accounts for a call, in the order in which they are to be tried; empty where the provider's own key is used. */
  accountsFor?(model: ResolvedModel, caller: ModelCaller): Promise<ModelAccount[]>;
  /**
   * Streams one answer; exactly one `finish` comes last.
   * @throws ModelError, or the signal's reason when the request was aborted
   */
  stream(request: ModelRequest): AsyncIterable<ModelEvent>;
}
