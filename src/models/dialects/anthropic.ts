import type { OpenDialect } from "../dialect.ts";
import { withBody } from "./body.ts";

/** Anthropic's messages API. */
export const openAnthropic: OpenDialect = async (entry, route, send) => {
  const { createAnthropic } = await import("../lazy/anthropic.ts");
  const secret = route.key ?? "none";
  return createAnthropic({
    baseURL: route.baseUrl.endsWith("/v1") ? route.baseUrl : `${route.baseUrl}/v1`,
    ...(route.bearer ? { authToken: secret } : { apiKey: secret }),
    headers: route.headers,
    fetch: withBody(send, route.extraBody),
  }).languageModel(entry.id);
};
