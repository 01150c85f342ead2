import type { GatewayConfig } from "../../../generated/config.ts";
import { uuid } from "../../platform/ids.ts";
import type { ConnectRefused } from "../authorizer.ts";
import type { Caller } from "../context.ts";
import type { PeerFacts } from "../peer.ts";
import { type AuthOutcome, authenticateSecret } from "./credentials.ts";
import { isLoopbackHost, judgeOrigin } from "./origin.ts";
import type { AuthRateLimiter } from "./rate-limit.ts";
import { unauthorized } from "./refusals.ts";
import { authSettings } from "./secrets.ts";
import { proxyIdentity, scopesHeader } from "./trusted-proxy.ts";

/** What a caller over HTTP may do unless it narrows that (docs: gateway/security/network-exposure). */
const HTTP_SCOPES = [
  "operator.admin",
  "operator.approvals",
  "operator.pairing",
  "operator.read",
  "operator.talk.secrets",
  "operator.write",
];

const HTTP_CLIENT = { id: "gateway-client", mode: "backend", version: "http", platform: "http" } as const;

/**
 * Who calls over HTTP. A bearer secret is the owner's and has all scopes, whatever headers say. Where the caller is
 * known without one, by a proxy or by being on this machine, it may narrow its scopes with `x-openclaw-scopes`, and a
 * page of another origin is refused, since browsers would send such requests for anybody.
 */
export function httpCaller(
  headers: Headers,
  peer: PeerFacts,
  config: GatewayConfig,
  limiter: AuthRateLimiter,
): Caller | ConnectRefused {
  const { mode } = authSettings(config);
  const bearer = bearerOf(headers);
  const outcome = mode === "none" || mode === "trusted-proxy" ? ambient(headers, peer, config) : undefined;
  if (outcome?.ok) {
    const foreign = peer.origin === undefined ? null : judgeOrigin(peer, config);
    return foreign ?? callerOf(peer, [...(scopesHeader(headers) ?? HTTP_SCOPES)]);
  }
  // Beside a proxy the password is for callers of this machine alone.
  const mayUseSecret = mode === "token" || mode === "password" || (mode === "trusted-proxy" && peer.isLocalDirect);
  const bySecret = mayUseSecret
    ? authenticateSecret({ limiter }, { auth: { token: bearer, password: bearer }, peer }, config)
    : undefined;
  if (bySecret?.ok) return callerOf(peer, HTTP_SCOPES);
  const failed = (bearer === undefined ? outcome : undefined) ?? bySecret ?? outcome;
  const failure = failed !== undefined && !failed.ok ? failed.failure : { reason: "token_missing" };
  return unauthorized(failure, { client: HTTP_CLIENT, peer, hasDevice: false });
}

/** Callers that are known without a secret. */
function ambient(headers: Headers, peer: PeerFacts, config: GatewayConfig): AuthOutcome {
  if (authSettings(config).mode === "none") {
    // A page under a name that was rebound to this machine sends no Origin when it only reads.
    const isMeant = peer.host === undefined || isLoopbackHost(peer.host);
    return peer.isLocalDirect && isMeant
      ? { ok: true, value: { method: "none" } }
      : { ok: false, failure: { reason: "not_local" } };
  }
  const identity = proxyIdentity(peer, headers, config);
  return "failure" in identity
    ? { ok: false, failure: { reason: identity.failure } }
    : { ok: true, value: { method: "trusted-proxy", user: identity.user } };
}

/** The token of an `Authorization: Bearer` header. */
export function bearerOf(headers: Headers): string | undefined {
  const [scheme, token] = (headers.get("authorization") ?? "").trim().split(/\s+/, 2);
  return scheme?.toLowerCase() === "bearer" && token ? token : undefined;
}

function callerOf(peer: PeerFacts, scopes: readonly string[]): Caller {
  return {
    connId: `http-${uuid()}`,
    role: "operator",
    scopes: new Set(scopes),
    client: HTTP_CLIENT,
    caps: new Set(),
    isLocal: peer.isLocalDirect,
    authMethod: "http",
    protocol: 4,
  };
}
