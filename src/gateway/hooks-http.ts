import { createHmac } from "node:crypto";
import { LIMITS } from "../../generated/limits.ts";
import type { Answer } from "../hooks/answers.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { type HookSettings, MAIL_PATH } from "../hooks/settings.ts";
import type { Clock } from "../platform/clock.ts";
import { sameSecret } from "./auth/secrets.ts";
import { FailureThrottle } from "./auth/throttle.ts";
import { readBody } from "./body.ts";
import { CallPlaces } from "./call-places.ts";
import { networkOf, type PeerFacts } from "./peer.ts";
import { plainText, SECURITY_HEADERS } from "./upgrade.ts";

interface HooksHttpDeps {
  hooks: Hooks;
  clock: Clock;
  limits: Readonly<Record<"hookBodyMs" | "hookRequestsAtOnce", number>>;
}

/** A request for a hook, and the means to let it take its time. */
export interface HookRequest {
  request: Request;
  url: URL;
  peer: PeerFacts;
  /** Allows the connection so many seconds without progress; 0 for any number. */
  allowSilence(seconds: number): void;
}

const NO_QUERY_TOKEN =
  "Hook token must be provided via Authorization: Bearer <token> or X-OpenClaw-Token header (query parameters are not allowed).";

/** What proves knowledge of a secret is no fact for templates, and no word for a model. */
const SECRET_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "x-openclaw-token",
  "cookie",
  "proxy-authorization",
  "webhook-signature",
]);

/**
 * The HTTP side of hooks: who may call, and how much. Answers as measured with 2026.9.6: the method first, then the
 * address, the secret, the path, the body.
 */
export class HooksHttp {
  private readonly throttle: FailureThrottle;
  private readonly places: CallPlaces;

  constructor(private readonly deps: HooksHttpDeps) {
    this.throttle = new FailureThrottle({
      clock: deps.clock,
      max: LIMITS.hookAuthFailures,
      windowMs: LIMITS.hookAuthWindowMs,
      maxKeys: LIMITS.authFailureKeys,
    });
    this.places = new CallPlaces(deps.limits.hookRequestsAtOnce);
  }

  /** Answers a call; null for a request that is for no hook. */
  serve(call: HookRequest): Promise<Response> | null {
    const { settings } = this.deps.hooks;
    const { pathname } = call.url;
    if (settings === null || (pathname !== settings.path && !pathname.startsWith(`${settings.path}/`))) return null;
    return this.admit(call, settings);
  }

  private async admit(call: HookRequest, settings: HookSettings): Promise<Response> {
    const { request, url } = call;
    if (request.method !== "POST") return plainText(405, "Method Not Allowed", { Allow: "POST" });
    if (url.searchParams.has("token")) return plainText(400, NO_QUERY_TOKEN);
    const signature = settings.signing && signatureOf(request.headers);
    if (!signature && !this.hasToken(request.headers, settings)) return this.unauthorized(call);
    const network = networkOf(call.peer.remoteAddress);
    if (!signature) this.throttle.succeeded(network);
    const letGo = this.places.take(signature ? network : undefined);
    if (letGo === null) return refusal(503, "too many calls", RETRY);
    try {
      return await this.receive(call, settings, signature ?? null, letGo);
    } finally {
      letGo();
    }
  }

  /** @param letGo gives the place of this call to others: it is done but for the wait for its run */
  private async receive(
    call: HookRequest,
    settings: HookSettings,
    signature: Signature | null,
    letGo: () => void,
  ): Promise<Response> {
    const { request, url, allowSilence } = call;
    const subPath = url.pathname.slice(settings.path.length).replace(/^\/+/, "");
    const max = subPath === MAIL_PATH ? settings.maxMailBytes : settings.maxBodyBytes;
    // A path that is none is not worth its body; only a signature must be held against it.
    if (subPath === "" && signature === null) return plainText(404, "Not Found");
    allowSilence(Math.ceil(this.deps.limits.hookBodyMs / 1000) + 5);
    const body = await readBody(request, max, this.deps.limits.hookBodyMs);
    if (body === "too-long") return refusal(413, "payload too large", CLOSE);
    if (body === "too-slow") return refusal(408, "request body timeout", CLOSE);
    if (signature !== null) {
      if (!this.isSigned(body, signature, settings)) return this.unauthorized(call);
      this.throttle.succeeded(networkOf(call.peer.remoteAddress));
      if (url.search !== "") return refusal(400, "a signed call says everything in its body; it may have no query");
    }
    if (subPath === "") return plainText(404, "Not Found");
    const answer = await this.deps.hooks.serve({
      subPath,
      body: new TextDecoder().decode(body),
      headers: plainHeaders(request.headers),
      query: Object.fromEntries(url.searchParams),
      signedId: signature?.id,
      keepOpen: () => {
        allowSilence(0);
        letGo();
      },
    });
    return json(answer);
  }

  /** A token in the usual header counts before one in the other; every comparison takes the same time. */
  private hasToken(headers: Headers, { token }: HookSettings): boolean {
    const bearer = /^bearer\s+(.+)$/i.exec(headers.get("authorization")?.trim() ?? "")?.[1]?.trim();
    const presented = bearer || headers.get("x-openclaw-token")?.trim();
    return token !== undefined && presented !== undefined && presented !== "" && sameSecret(presented, token);
  }

  /**
   * Holds a signature against the raw body (the standardwebhooks specification): HMAC-SHA256 over id, time and body. The
   * time must be near, so that an old call is of no use; within that time its id lets it count once.
   */
  private isSigned(body: Uint8Array, { id, seconds, values }: Signature, { signing }: HookSettings): boolean {
    const { secret, toleranceMs } = signing!;
    const key = secret.startsWith("whsec_")
      ? Buffer.from(secret.slice("whsec_".length), "base64")
      : Buffer.from(secret);
    const expected = createHmac("sha256", key).update(`${id}.${seconds}.`).update(body).digest("hex");
    const matches = values.map((value) => sameSecret(Buffer.from(value, "base64").toString("hex"), expected));
    const age = Math.abs(this.deps.clock.now() - Number(seconds) * 1000);
    return matches.includes(true) && age <= toleranceMs;
  }

  /** Counts a failure. Only further failures are slowed down: whoever knows the secret is never shut out by others. */
  private unauthorized({ peer }: HookRequest): Response {
    const retryAfterMs = this.throttle.failed(networkOf(peer.remoteAddress));
    if (retryAfterMs === null) return plainText(401, "Unauthorized");
    return plainText(429, "Too Many Requests", { "Retry-After": String(Math.ceil(retryAfterMs / 1000)) });
  }
}

interface Signature {
  id: string;
  /** Unix time as it was sent, since it is signed as text. */
  seconds: string;
  /** Of version 1, in base64. */
  values: string[];
}

/** The signature in the headers; undefined when there is none of the right form. */
function signatureOf(headers: Headers): Signature | undefined {
  const id = headers.get("webhook-id") ?? "";
  const seconds = headers.get("webhook-timestamp") ?? "";
  const values = (headers.get("webhook-signature") ?? "")
    .split(" ")
    .slice(0, LIMITS.hookSignatures)
    .flatMap((value) => (value.startsWith("v1,") ? [value.slice(3)] : []));
  if (!/^[\x21-\x7e]{1,256}$/.test(id) || !/^\d{1,12}$/.test(seconds) || values.length === 0) return undefined;
  return { id, seconds, values };
}

const plainHeaders = (headers: Headers): Record<string, string> =>
  Object.fromEntries([...headers].filter(([name]) => !SECRET_HEADERS.has(name)));

const CLOSE = { Connection: "close" };
const RETRY = { "Retry-After": "5" };

const refusal = (status: number, error: string, headers: Record<string, string> = {}): Response =>
  json({ status, body: { ok: false, error } }, headers);

function json({ status, body, text }: Answer, headers: Record<string, string> = {}): Response {
  if (text !== undefined) return plainText(status, text, headers);
  const all = { ...SECURITY_HEADERS, "Cache-Control": "no-store", ...headers };
  if (body === undefined) return new Response(null, { status, headers: all });
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...all, "Content-Type": "application/json; charset=utf-8" },
  });
}
