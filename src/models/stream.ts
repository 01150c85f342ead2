import type { Usage } from "../sessions/types.ts";
import { callSettings } from "./call-settings.ts";
import type { ModelEntry } from "./catalogue.ts";
import { type LanguageCall, openModel, type Route, type StreamPart } from "./dialect.ts";
import { modelError } from "./failure.ts";
import { buildPrompt, markCache } from "./prompt.ts";
import type { ModelPreference, RequestSettings } from "./settings.ts";
import { callSignatureOf, signatureOf } from "./signature.ts";
import { openTransport } from "./transport.ts";
import { ModelError, type ModelEvent, type ModelRequest } from "./types.ts";

/** What is used of a stream reader; the types of its two declarations differ elsewhere. */
interface Reader {
  read(): Promise<{ done: boolean; value?: StreamPart }>;
  cancel(): Promise<void>;
}
type Finish = Extract<StreamPart, { type: "finish" }>;

interface StreamOptions {
  entry: ModelEntry;
  request: ModelRequest;
  route: Route;
  transport: { request: RequestSettings; responseTimeoutMs: number; idleTimeoutMs: number };
  preference?: ModelPreference;
  /** Every secret that the call carries; taken out of what the provider says in return. */
  secrets: readonly string[];
}

/**
 * One call to a provider, as events. It uses the provider library's own stream, without the agent layer above it:
 * turns have their own loop, and this costs a third of the time and memory.
 * @throws ModelError, or the signal's reason when it was aborted
 */
export async function* streamAnswer(options: StreamOptions): AsyncGenerator<ModelEvent> {
  const { entry, request } = options;
  const transport = openTransport({ signal: request.signal, ...options.transport });
  let reader: Reader | undefined;
  try {
    const model = await openModel(entry, options.route, transport);
    const call: LanguageCall = {
      ...callSettings(entry, request, options.preference),
      prompt: promptOf(entry, request, options.route),
      abortSignal: transport.signal,
    };
    reader = (await model.doStream(call)).stream.getReader();
    yield* events(reader, entry);
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason;
    throw modelError(transport.signal.aborted ? transport.signal.reason : error, entry, options.secrets);
  } finally {
    transport.close();
    reader?.cancel().catch(() => {});
  }
}

/** Anthropic's own service keeps prompts unless told otherwise; servers that speak like it only when told to. */
function promptOf(entry: ModelEntry, request: ModelRequest, { params }: Route): LanguageCall["prompt"] {
  const prompt = buildPrompt(request);
  const retention = params?.cacheRetention ?? (entry.provider === "anthropic" ? "short" : "none");
  return entry.api === "anthropic-messages" ? markCache(prompt, retention) : prompt;
}

async function* events(reader: Reader, entry: ModelEntry): AsyncGenerator<ModelEvent> {
  let responseId: string | undefined;
  let called = false;
  for (;;) {
    const { done, value: part } = await reader.read();
    if (done || !part) throw new Error("the answer ended without a finish reason");
    switch (part.type) {
      case "text-delta":
        if (part.delta !== "") yield { type: "text", delta: part.delta };
        break;
      case "reasoning-delta":
      case "reasoning-end": {
        const delta = part.type === "reasoning-delta" ? part.delta : "";
        const signature = signatureOf(part.providerMetadata);
        if (signature !== undefined) yield { type: "thinking", delta, signature };
        else if (delta !== "") yield { type: "thinking", delta };
        break;
      }
      case "tool-call": {
        called = true;
        const thoughtSignature = callSignatureOf(part.providerMetadata);
        const call = toolCall(part.toolCallId, part.toolName, part.input);
        yield thoughtSignature ? { ...call, thoughtSignature } : call;
        break;
      }
      case "response-metadata":
        responseId ??= part.id;
        break;
      case "error":
        throw part.error;
      case "finish":
        yield finish(part, entry, called, responseId);
        return;
    }
  }
}

function toolCall(id: string, name: string, input: string): Extract<ModelEvent, { type: "toolCall" }> {
  try {
    const parsed: unknown = JSON.parse(input.trim() === "" ? "{}" : input);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
      return { type: "toolCall", id, name, arguments: parsed as Record<string, unknown> };
    }
    return { type: "toolCall", id, name, arguments: {}, invalid: "the arguments are not a JSON object" };
  } catch {
    return { type: "toolCall", id, name, arguments: {}, invalid: "the arguments are not valid JSON" };
  }
}

function finish(part: Finish, entry: ModelEntry, called: boolean, responseId: string | undefined): ModelEvent {
  const facts = { provider: entry.provider, model: entry.id };
  const reason = part.finishReason.unified as string;
  if (reason === "content-filter") {
    throw new ModelError(`${entry.provider}: the provider's content filter stopped the answer`, {
      ...facts,
      reason: "unknown",
    });
  }
  // Without a word of the provider's own on why it ended, it did not end but broke off.
  if (reason === "interrupted" || (reason === "other" && part.finishReason.raw === undefined)) {
    throw new ModelError(`${entry.provider}: the answer broke off`, { ...facts, reason: "unavailable" });
  }
  if (reason === "error") {
    const message = `${entry.provider}: the answer ended with an error (${part.finishReason.raw ?? reason})`;
    throw new ModelError(message, { ...facts, reason: "server_error" });
  }
  const stopReason = reason === "length" ? "length" : called || reason === "tool-calls" ? "toolUse" : "stop";
  return { type: "finish", stopReason, usage: usageOf(part.usage, entry.cost), ...(responseId ? { responseId } : {}) };
}

/** Tokens and cost as upstream counts them: `input` without what came from or went to the cache. Cost in US dollars. */
export function usageOf(raw: Finish["usage"], cost: ModelEntry["cost"]): Usage {
  const cacheRead = raw.inputTokens.cacheRead ?? 0;
  const cacheWrite = raw.inputTokens.cacheWrite ?? 0;
  const input = raw.inputTokens.noCache ?? Math.max(0, (raw.inputTokens.total ?? 0) - cacheRead - cacheWrite);
  const output = raw.outputTokens.total ?? 0;
  const dollars = (tokens: number, price: number | undefined) => (tokens * (price ?? 0)) / 1_000_000;
  const parts = {
    input: dollars(input, cost?.input),
    output: dollars(output, cost?.output),
    cacheRead: dollars(cacheRead, cost?.cacheRead),
    cacheWrite: dollars(cacheWrite, cost?.cacheWrite),
  };
  const total = parts.input + parts.output + parts.cacheRead + parts.cacheWrite;
  return {
    input,
    output,
    totalTokens: input + output + cacheRead + cacheWrite,
    cacheRead,
    cacheWrite,
    cost: { ...parts, total },
  };
}
