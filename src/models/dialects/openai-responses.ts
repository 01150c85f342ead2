import type { OpenDialect } from "../dialect.ts";
import { withBody } from "./body.ts";

/** OpenAI's responses API, with nothing stored at the provider: the whole conversation goes along with each call. */
export const openOpenAIResponses: OpenDialect = async (entry, route, send) => {
  const { createOpenAI } = await import("../lazy/openai.ts");
  return createOpenAI({
    baseURL: route.baseUrl,
    apiKey: route.key ?? "none",
    headers: route.headers,
    fetch: withBody(send, route.extraBody),
  }).responses(entry.id);
};
