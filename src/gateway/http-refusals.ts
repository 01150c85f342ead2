import type { ConnectRefused } from "./authorizer.ts";
import { SECURITY_HEADERS } from "./upgrade.ts";

/** The answer to a request without the right credentials, after the wait that slows guesses down. */
export async function refusedHttp({ error, delayMs }: ConnectRefused, headers = SECURITY_HEADERS): Promise<Response> {
  if (delayMs) await Bun.sleep(delayMs);
  return error.retryAfterMs === undefined
    ? unauthorized("Unauthorized", headers)
    : tooManyAttempts(error.retryAfterMs, headers);
}

export function unauthorized(message: string, headers = SECURITY_HEADERS): Response {
  return Response.json(
    { error: { message, type: "unauthorized" } },
    { status: 401, headers: { ...headers, ...NO_STORE, "WWW-Authenticate": "Bearer" } },
  );
}

function tooManyAttempts(retryAfterMs: number, headers: Readonly<Record<string, string>>): Response {
  return Response.json(
    { error: { message: "Too many failed attempts", type: "rate_limited" } },
    { status: 429, headers: { ...headers, ...NO_STORE, "Retry-After": String(Math.ceil(retryAfterMs / 1000)) } },
  );
}

const NO_STORE = { "Cache-Control": "no-store" };
