import { networkInterfaces } from "node:os";
import type { GatewayConfig } from "../../../generated/config.ts";
import { isLoopbackAddress, type PeerFacts, TrustedProxies } from "../peer.ts";

/** The user that a trusted proxy vouches for, or the name of the check that failed. */
export type ProxyIdentity = { user: string } | { failure: string };

/**
 * Who the proxy says is calling (docs: gateway/trusted-proxy-auth). Only headers of a request that came through a
 * trusted proxy count, together with the client's address; a process on this machine can send any header it likes, so
 * a proxy here must have been allowed explicitly (CVE-2026-53832).
 */
export function proxyIdentity(
  peer: PeerFacts,
  headers: Headers | undefined,
  { gateway }: GatewayConfig,
): ProxyIdentity {
  const settings = gateway.auth.trustedProxy;
  const userHeader = settings?.userHeader?.trim();
  if (settings === undefined || !userHeader) return { failure: "trusted_proxy_config_missing" };
  if (!gateway.trustedProxies?.length) return { failure: "trusted_proxy_no_proxies_configured" };
  const source = peer.proxyAddress ?? peer.remoteAddress;
  const problem = sourceProblem(source, gateway.trustedProxies, settings.allowLoopback === true);
  if (problem !== null) return { failure: problem };
  const missing = (settings.requiredHeaders ?? []).find((name) => !headerText(headers, name));
  if (missing !== undefined) return { failure: `trusted_proxy_missing_header_${missing.toLowerCase()}` };
  const user = headerText(headers, userHeader);
  if (!user) return { failure: "trusted_proxy_user_missing" };
  // Without the client's address nobody vouched for the request, whatever the headers say.
  if (peer.proxyAddress === undefined) return { failure: "proxy_attribution_required" };
  const allowed = settings.allowUsers ?? [];
  if (allowed.length > 0 && !allowed.some((name) => name.trim() === user)) {
    return { failure: "trusted_proxy_user_not_allowed" };
  }
  return { user };
}

const headerText = (headers: Headers | undefined, name: string): string => headers?.get(name)?.trim() ?? "";

function sourceProblem(source: string, trusted: readonly string[], allowLoopback: boolean): string | null {
  if (!new TrustedProxies(trusted).includes(source)) return "trusted_proxy_untrusted_source";
  if (isLoopbackAddress(source)) return allowLoopback ? null : "trusted_proxy_loopback_source";
  return isOwnAddress(source) ? "trusted_proxy_local_interface_source" : null;
}

/** True for an address of this machine's own network cards: from there a local process speaks, not a proxy. */
function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((cards) => cards?.some((card) => card.address === address));
}

/** The scopes that the configuration gives this user for the connection alone. E-mail addresses match in any case. */
export function identityScopes(user: string, { gateway }: GatewayConfig): readonly string[] {
  const isEmail = user.includes("@");
  const entry = Object.entries(gateway.auth.identityScopes ?? {}).find(([name]) =>
    isEmail ? name.trim().toLowerCase() === user.toLowerCase() : name.trim() === user,
  );
  return entry?.[1] ?? [];
}

/** What the proxy caps the session to: null without the header, nothing with an empty one. */
export function scopesHeader(headers: Headers | undefined): ReadonlySet<string> | null {
  const text = headers?.get("x-openclaw-scopes");
  if (text === null || text === undefined) return null;
  return new Set(
    text
      .split(",")
      .map((scope) => scope.trim())
      .filter((scope) => scope !== ""),
  );
}
