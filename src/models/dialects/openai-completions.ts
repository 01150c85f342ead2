import type { OpenDialect } from "../dialect.ts";

/** OpenAI's chat completions, which most other providers and servers offer too. */
export const openOpenAICompletions: OpenDialect = async (entry, route, send) => {
  const { createOpenAICompatible } = await import("../lazy/openai-compatible.ts");
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
};
