import { LIMITS } from "../../generated/limits.ts";
import { BadBatch } from "../channels/ingress/batch.ts";
import type { IngressAccount } from "../channels/ingress/guards.ts";
import type { ChannelIngress } from "../channels/ingress/ingress.ts";
import { type IngressTarget, ingressTarget } from "../channels/ingress/routes.ts";
import type { Clock } from "../platform/clock.ts";
import { FailureThrottle } from "./auth/throttle.ts";
import { readBody } from "./body.ts";
import { CallPlaces } from "./call-places.ts";
import { isProved, needsBody } from "./channel-proof.ts";
import type { HookRequest } from "./hooks-http.ts";
import { networkOf } from "./peer.ts";
import { plainText, SECURITY_HEADERS } from "./upgrade.ts";

interface ChannelsHttpDeps {
  ingress: ChannelIngress;
  clock: Clock;
  limits: Readonly<Record<"hookBodyMs" | "hookRequestsAtOnce", number>>;
}

/**
 * Webhooks of channels. What a sender must know is looked at before its events; an account without a secret takes nothing
 * (KNOWN_ATTACKS 96), and a call that two accounts could claim goes to neither (105).
 */
export class ChannelsHttp {
  private readonly throttle: FailureThrottle;
  private readonly places: CallPlaces;

  constructor(private readonly deps: ChannelsHttpDeps) {
    this.throttle = new FailureThrottle({
      clock: deps.clock,
      max: LIMITS.hookAuthFailures,
      windowMs: LIMITS.hookAuthWindowMs,
      maxKeys: LIMITS.authFailureKeys,
    });
    this.places = new CallPlaces(deps.limits.hookRequestsAtOnce);
  }

  /** Answers a webhook; null for a request to another path. */
  serve(call: HookRequest): Promise<Response> | null {
    const target = ingressTarget(call.url.pathname);
    return target && this.admit(call, target);
  }

  private async admit(call: HookRequest, target: IngressTarget): Promise<Response> {
    if (call.request.method !== "POST") return plainText(405, "Method Not Allowed", { Allow: "POST" });
    const accounts = this.deps.ingress.accounts(target);
    if (accounts === null) return answer(404, { ok: false, error: `channel ${target.channel} is not configured here` });
    const guarded = accounts.filter(({ guards }) => guards.length > 0);
    if (guarded.length === 0) {
      return answer(503, { ok: false, error: `no webhook secret is configured for channel ${target.channel}` });
    }
    return this.receive(call, target, guarded);
  }

  private async receive(call: HookRequest, target: IngressTarget, accounts: IngressAccount[]): Promise<Response> {
    const { headers } = call.request;
    const facts = { headers, now: this.deps.clock.now(), skewMs: LIMITS.hookSkewMs };
    const proved = (body: Uint8Array | null) =>
      accounts.filter(({ guards }) => guards.some(({ proof, secret }) => isProved(proof, secret, { ...facts, body })));
    const early = proved(null);
    const isKnown = early.length > 0;
    const network = networkOf(call.peer.remoteAddress);
    const maySign = accounts.some(({ guards }) => guards.some(({ proof }) => needsBody(proof)));
    if (!isKnown && !maySign) return this.unauthorized(network);
    const letGo = this.places.take(isKnown ? undefined : network);
    if (letGo === null) return answer(503, { ok: false, error: "too many calls" }, RETRY);
    try {
      const body = await this.read(call, isKnown ? LIMITS.channelWebhookBytes : LIMITS.channelSignedBytes);
      if (body instanceof Response) return body;
      const [account, ...others] = isKnown ? early : proved(body);
      if (account === undefined) return this.unauthorized(network);
      this.throttle.succeeded(network);
      if (others.length > 0)
        return answer(409, { ok: false, error: "more than one account has this secret; name the account in the path" });
      return await this.keep(target.channel, account.accountId, body);
    } finally {
      letGo();
    }
  }

  private async read({ request, allowSilence }: HookRequest, maxBytes: number): Promise<Uint8Array | Response> {
    const { hookBodyMs } = this.deps.limits;
    allowSilence(Math.ceil(hookBodyMs / 1000) + 5);
    const body = await readBody(request, maxBytes, hookBodyMs);
    if (body === "too-long") return answer(413, { ok: false, error: "payload too large" }, CLOSE);
    if (body === "too-slow") return answer(408, { ok: false, error: "request body timeout" }, CLOSE);
    return body;
  }

  private async keep(channel: string, accountId: string, body: Uint8Array): Promise<Response> {
    try {
      const received = await this.deps.ingress.receive(channel, accountId, new TextDecoder().decode(body));
      if (received === "full") return answer(503, { ok: false, error: "too many events are waiting" }, RETRY);
      return answer(202, { ok: true, ...received });
    } catch (error) {
      if (error instanceof BadBatch) return answer(400, { ok: false, error: error.message });
      throw error;
    }
  }

  private unauthorized(network: string): Response {
    const retryAfterMs = this.throttle.failed(network);
    if (retryAfterMs === null) return plainText(401, "Unauthorized");
    return plainText(429, "Too Many Requests", { "Retry-After": String(Math.ceil(retryAfterMs / 1000)) });
  }
}

const CLOSE = { Connection: "close" };
const RETRY = { "Retry-After": "60" };

function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  const all = {
    ...SECURITY_HEADERS,
    "Cache-Control": "no-store",
    "Content-Type": "application/json; charset=utf-8",
    ...headers,
  };
  return new Response(JSON.stringify(body), { status, headers: all });
}
