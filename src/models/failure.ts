import { LIMITS } from "../../generated/limits.ts";
import { TransportError } from "./transport.ts";
import { ModelError, type ModelErrorReason } from "./types.ts";

/** The provider's answer as the library reports it; read by shape, because each package brings its own class. */
interface ApiCallError {
  statusCode?: number;
  responseBody?: string;
  responseHeaders?: Record<string, string>;
  message?: string;
  code?: unknown;
  type?: unknown;
  cause?: unknown;
}

/**
 * Any failure of a model call as a `ModelError`. The provider's own words are kept, shortened, with every secret
 * that was sent taken out: providers quote keys back.
 */
export function modelError(
  error: unknown,
  model: { provider: string; id: string },
  secrets: readonly string[],
): ModelError {
  if (error instanceof ModelError) return error;
  const facts = { provider: model.provider, model: model.id };
  const ended = [error, (error as Error | null)?.cause].find((each) => each instanceof TransportError);
  if (ended) {
    // A redirect or an answer without end would only repeat itself; trying again sends key and message once more.
    const reason = ended.kind === "timeout" ? "timeout" : "format";
    return new ModelError(`${model.provider}: ${ended.message}`, { ...facts, reason });
  }
  const call = (typeof error === "object" && error !== null ? error : { message: String(error) }) as ApiCallError;
  const words = redact(providerWords(call), secrets);
  const status = call.statusCode;
  if (status !== undefined && status >= 400) {
    const reason = reasonOf(status, words);
    return new ModelError(`${model.provider}: HTTP ${status}${words ? `: ${words}` : ""}`, {
      ...facts,
      reason,
      status,
      retryAfterMs: retryAfter(call.responseHeaders),
    });
  }
  const reason = streamReason(call, words);
  return new ModelError(`${model.provider}: ${words || "the answer broke off"}`, { ...facts, reason });
}

/**
 * What an HTTP status means (docs: concepts/model-failover): timing statuses are timeouts, 529 is overload, other
 * 5xx are server errors; words about money, load and length win over the status they come with.
 */
function reasonOf(status: number, words: string): ModelErrorReason {
  if (status === 402 || (status < 500 && BILLING.test(words)))
    return TEMPORARY_LIMIT.test(words) ? "rate_limit" : "billing";
  if (status === 401 || status === 403) return PERMANENT.test(words) ? "auth_permanent" : "auth";
  if (status === 404) return "model_not_found";
  if (status < 500 && status !== 429 && TOO_LONG.test(words)) return "context_overflow";
  if (status === 429 || (status < 500 && LIMITED.test(words))) return "rate_limit";
  if (status === 529 || OVERLOADED.test(words)) return "overloaded";
  if (status === 408 || status === 499 || status === 504 || status === 522 || status === 524) return "timeout";
  return status >= 500 ? "server_error" : "format";
}

const BILLING = /insufficient[_ ](credits?|quota|balance|funds)|credit balance|billing|key limit exceeded/i;
const TEMPORARY_LIMIT = /(daily|weekly|monthly|spend(ing)?) (usage )?limit|resets? /i;
const PERMANENT = /(revoked|deactivated|disabled|suspended)/i;
const OVERLOADED = /overloaded|ModelNotReady/i;
const LIMITED =
  /rate.?limit|too many (concurrent )?requests|throttl|concurrency limit|resource.?exhausted|quota limit exceeded|(weekly|monthly) limit/i;
const TOO_LONG =
  /context.?(length|window)|too many tokens|maximum.{0,30}tokens|(prompt|input) is too long|input too long|request_too_large/i;
const UNREACHABLE =
  /connect|ECONN|ENOTFOUND|EAI_AGAIN|EPIPE|socket|network|getaddrinfo|certificate|body (ended|closed)|premature/i;

/** The reason for a failure without HTTP status: an error inside the stream, or no answer at all. */
function streamReason(call: ApiCallError, words: string): ModelErrorReason {
  const kind = `${String(call.type ?? "")} ${String(call.code ?? "")}`;
  if (/rate_limit|RESOURCE_EXHAUSTED/i.test(kind) || LIMITED.test(words)) return "rate_limit";
  if (OVERLOADED.test(`${kind} ${words}`)) return "overloaded";
  if (/authentication|permission|invalid_api_key|UNAUTHENTICATED/i.test(kind)) return "auth";
  if (BILLING.test(`${kind} ${words}`)) return "billing";
  if (TOO_LONG.test(words)) return "context_overflow";
  if (/invalid_request|INVALID_ARGUMENT/i.test(kind)) return "format";
  if (/server_error|api_error|INTERNAL|UNAVAILABLE/i.test(kind)) return "server_error";
  if (UNREACHABLE.test(`${words} ${String((call.cause as Error | undefined)?.message ?? "")} ${kind}`))
    return "unavailable";
  const broke = /finish reason|broke off|terminated|incomplete|JSON|parse/i.test(words);
  return broke || words === "" ? "unavailable" : "unknown";
}

/** The sentence in an error answer that a person wants to read. */
function providerWords(call: ApiCallError): string {
  const body = call.responseBody;
  if (body) {
    try {
      const parsed = JSON.parse(body) as {
        error?: { message?: unknown; code?: unknown } | string;
        message?: unknown;
        detail?: unknown;
      };
      const error = parsed.error;
      const message = (typeof error === "object" ? error?.message : error) ?? parsed.message ?? parsed.detail;
      if (typeof message === "string") return message;
    } catch {
      if (!body.trimStart().startsWith("<")) return body;
    }
  }
  const inner = call as { error?: { message?: unknown } };
  const message = call.message ?? inner.error?.message;
  return typeof message === "string" ? message : "";
}

/** The text on one line, shortened, without the given secrets and without anything that looks like a bearer token. */
export function redact(words: string, secrets: readonly string[]): string {
  let out = words;
  for (const secret of secrets) if (secret.length >= 4) out = out.replaceAll(secret, "***");
  return out
    .replace(/\b(sk|pk|gsk|xai|key)-[A-Za-z0-9_*.-]{6,}/g, "***")
    .replace(/\bBearer\s+\S+/gi, "Bearer ***")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, LIMITS.modelErrorChars);
}

/** Milliseconds that the provider asks to be left alone: `retry-after-ms`, or `retry-after` in seconds or as a date. */
function retryAfter(headers: Record<string, string> | undefined): number | undefined {
  const exact = Number(headers?.["retry-after-ms"] || Number.NaN);
  if (Number.isFinite(exact) && exact >= 0) return Math.round(exact);
  const value = headers?.["retry-after"];
  if (!value) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? Math.round(seconds * 1000) : undefined;
  const at = Date.parse(value);
  return Number.isFinite(at) ? Math.max(0, at - Date.now()) : undefined;
}
