import type { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { LIMITS } from "../../generated/limits.ts";
import type { ModelEntry } from "./catalogue.ts";
import { nearestLevel } from "./thinking.ts";
import type { Transport } from "./transport.ts";
import type { ModelRequest } from "./types.ts";

/** A model of the provider library, and what its calls take. */
export type LanguageModel = ReturnType<ReturnType<typeof createOpenAICompatible>["chatModel"]>;
export type LanguageCall = Parameters<LanguageModel["doStream"]>[0];

/** What one call sends along: where to, with which key and headers. */
export interface Route {
  baseUrl: string;
  key: string | null;
  /** Sends the key as `Authorization: Bearer` also where the API has a header of its own for it. */
  bearer: boolean;
  headers: Record<string, string>;
  extraBody?: Record<string, unknown>;
}

/** The wire formats that can be spoken. */
export const DIALECTS: ReadonlySet<string> = new Set(["openai-completions", "anthropic-messages"]);

/**
 * Loads the library for a wire format and returns the model it offers. The library is not part of the start: it is
 * read from the executable at the first call.
 */
export async function openModel(entry: ModelEntry, route: Route, transport: Transport): Promise<LanguageModel> {
  // The library prints notes about settings it adapts on stderr unless told otherwise.
  (globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS = false;
  transports.set(transport.signal, transport);
  const key = JSON.stringify(route);
  const known = made.get(entry);
  if (known?.key === key) return known.model;
  const model = await (entry.api === "anthropic-messages" ? anthropic : openAI)(entry, route);
  made.set(entry, { key, model });
  return model;
}

/** The library makes schemas with every model, which costs more than what else a call does before it is sent. */
const made = new WeakMap<ModelEntry, { key: string; model: LanguageModel }>();

/** Of the calls under way, by the signal that the library passes on to `fetch`. */
const transports = new WeakMap<AbortSignal, Transport>();

const send = ((input, init) => transports.get(init!.signal!)!.fetch(input, init)) as typeof fetch;

async function openAI(entry: ModelEntry, route: Route): Promise<LanguageModel> {
  const { createOpenAICompatible } = await import("./lazy/openai-compatible.ts");
  return createOpenAICompatible({
    name: "provider",
    baseURL: route.baseUrl,
    apiKey: route.key ?? undefined,
    headers: route.headers,
    includeUsage: entry.compat.supportsUsageInStreaming !== false,
    fetch: send,
    transformRequestBody: (body) => {
      const { max_tokens, ...rest } = body;
      const field =
        entry.compat.maxTokensField ?? (entry.provider === "openai" ? "max_completion_tokens" : "max_tokens");
      return { ...rest, ...(max_tokens === undefined ? {} : { [field]: max_tokens }), ...route.extraBody };
    },
  }).chatModel(entry.id);
}

async function anthropic(entry: ModelEntry, route: Route): Promise<LanguageModel> {
  const { createAnthropic } = await import("./lazy/anthropic.ts");
  const base = route.baseUrl.endsWith("/v1") ? route.baseUrl : `${route.baseUrl}/v1`;
  const secret = route.key ?? "none";
  return createAnthropic({
    baseURL: base,
    ...(route.bearer ? { authToken: secret } : { apiKey: secret }),
    headers: route.headers,
    fetch: send,
  }).languageModel(entry.id);
}

/** Everything of a call except prompt and signal: output bound, tools, reasoning effort, temperature. */
export function callSettings(
  entry: ModelEntry,
  request: Pick<ModelRequest, "maxTokens" | "thinking" | "tools">,
  preference: { temperature?: number; maxTokens?: number } | undefined,
): Omit<LanguageCall, "prompt"> {
  const asked = request.maxTokens ?? preference?.maxTokens ?? entry.maxTokens;
  const bound =
    asked === undefined ? undefined : Math.min(asked, entry.maxTokens ?? asked, entry.contextWindow ?? asked);
  const tools = entry.compat.supportsTools === false ? undefined : request.tools;
  return {
    maxOutputTokens: bound ?? (entry.api === "anthropic-messages" ? LIMITS.modelAnswerTokens : undefined),
    temperature: preference?.temperature,
    ...reasoning(entry, request.thinking),
    ...(tools?.length
      ? {
          tools: tools.map(({ name, description, parameters }) => ({
            type: "function" as const,
            name,
            description,
            inputSchema: parameters,
          })),
          toolChoice: { type: "auto" as const },
        }
      : {}),
  };
}

/** The effort for a thinking level, in the endpoint's own word where it declares one; nothing for models without. */
function reasoning(
  entry: ModelEntry,
  thinking: string | undefined,
): Pick<LanguageCall, "reasoning" | "providerOptions"> {
  if (!entry.reasoning || thinking === undefined) return {};
  const level = nearestLevel(thinking, entry);
  const { supportsReasoningEffort, reasoningEffortMap, supportedReasoningEfforts } = entry.compat;
  if (entry.api !== "anthropic-messages") {
    if (supportsReasoningEffort === false) return {};
    const mapped = reasoningEffortMap?.[level];
    if (mapped) return { providerOptions: { provider: { reasoningEffort: mapped } } };
    if (level === "off" && !supportedReasoningEfforts?.includes("none")) return {};
  }
  return { reasoning: level === "off" ? "none" : (level as LanguageCall["reasoning"]) };
}
