import type { OpenDialect } from "../dialect.ts";
import { withBody } from "./body.ts";

/** Google's Gemini API. An address without a version is taken as the host alone. */
export const openGoogle: OpenDialect = async (entry, route, send) => {
  const { createGoogle } = await import("../lazy/google.ts");
  const key = route.key ?? "none";
  return createGoogle({
    baseURL: /\/v\d[a-z0-9]*$/.test(route.baseUrl) ? route.baseUrl : `${route.baseUrl}/v1beta`,
    apiKey: key,
    headers: route.headers,
    fetch: withBody(route.bearer ? asBearer(send, key) : send, route.extraBody),
  }).languageModel(entry.id);
};

/** The key as a bearer token instead of in the API's own header. */
function asBearer(send: typeof fetch, key: string): typeof fetch {
  return ((input, init) => {
    const headers = new Headers(init?.headers);
    headers.delete("x-goog-api-key");
    headers.set("authorization", `Bearer ${key}`);
    return send(input, { ...init, headers });
  }) as typeof fetch;
}
