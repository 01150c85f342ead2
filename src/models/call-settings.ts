import { LIMITS } from "../../generated/limits.ts";
import type { ModelEntry } from "./catalogue.ts";
import type { LanguageCall } from "./dialect.ts";
import { nearestLevel } from "./thinking.ts";
import type { ModelRequest } from "./types.ts";

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
  const { reasoning, providerOptions } = reasoningOf(entry, request.thinking);
  return {
    maxOutputTokens: bound ?? (entry.api === "anthropic-messages" ? LIMITS.modelAnswerTokens : undefined),
    temperature: preference?.temperature,
    ...(reasoning === undefined ? {} : { reasoning }),
    providerOptions: { ...providerOptions },
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

/** How hard a model is to think, and what its API has to be told beside that. */
type Reasoning = Pick<LanguageCall, "reasoning" | "providerOptions">;

/** The effort for a thinking level, in the endpoint's own word where it declares one; nothing for models without. */
function reasoningOf(entry: ModelEntry, thinking: string | undefined): Reasoning {
  if (entry.api === "openai-responses") return responses(entry, thinking);
  if (!entry.reasoning || thinking === undefined) return {};
  const level = nearestLevel(thinking, entry);
  const reasoning = effort(level);
  switch (entry.api) {
    case "anthropic-messages":
    case "ollama":
      return { reasoning };
    case "google-generative-ai":
      return {
        reasoning,
        ...(level === "off" ? {} : { providerOptions: { google: { thinkingConfig: { includeThoughts: true } } } }),
      };
    default: {
      const { supportsReasoningEffort, reasoningEffortMap, supportedReasoningEfforts } = entry.compat;
      if (supportsReasoningEffort === false) return {};
      const mapped = reasoningEffortMap?.[level];
      if (mapped) return { providerOptions: { provider: { reasoningEffort: mapped } } };
      return level === "off" && !supportedReasoningEfforts?.includes("none") ? {} : { reasoning };
    }
  }
}

/** The provider keeps no conversation, so thoughts come back sealed, to be sent along with the next call. */
function responses(entry: ModelEntry, thinking: string | undefined): Reasoning {
  const { supportsReasoningEffort, reasoningEffortMap, supportedReasoningEfforts, supportsDeveloperRole } =
    entry.compat;
  const openai = {
    store: false,
    forceReasoning: entry.reasoning,
    ...(supportsDeveloperRole === false ? { systemMessageMode: "system" } : {}),
  };
  if (!entry.reasoning || thinking === undefined || supportsReasoningEffort === false) {
    return { providerOptions: { openai } };
  }
  const level = nearestLevel(thinking, entry);
  const mapped = reasoningEffortMap?.[level];
  if (level === "off" && !mapped && !supportedReasoningEfforts?.includes("none"))
    return { providerOptions: { openai } };
  return {
    ...(mapped ? {} : { reasoning: effort(level) }),
    providerOptions: {
      openai: { ...openai, reasoningSummary: "auto", ...(mapped ? { reasoningEffort: mapped } : {}) },
    },
  };
}

const effort = (level: string): LanguageCall["reasoning"] =>
  level === "off" ? "none" : (level as LanguageCall["reasoning"]);
