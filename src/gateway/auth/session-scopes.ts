import type { GatewayConfig } from "../../../generated/config.ts";
import type { ConnectParams } from "../../../generated/types.ts";
import { union } from "../../devices/scopes.ts";
import type { PeerFacts } from "../peer.ts";
import { isCli, isLocalBackend } from "./clients.ts";
import type { Authenticated } from "./credentials.ts";
import { identityScopes, scopesHeader } from "./trusted-proxy.ts";

/** True for a client without identity that may still choose its scopes: a program of this machine, never a page. */
export function keepsScopesWithoutDevice(client: ConnectParams["client"], peer: PeerFacts): boolean {
  return peer.isLocalDirect && peer.origin === undefined && (isLocalBackend(client) || isCli(client));
}

/**
 * The scopes of the session: those granted, with those that the configuration gives the user whom a trusted proxy
 * vouches for, all within what the proxy caps them to (docs: gateway/operator-scopes, identity scope grants).
 */
export function connectionScopes(
  granted: readonly string[],
  { method, user }: Authenticated,
  { proxyHeaders }: PeerFacts,
  config: GatewayConfig,
): readonly string[] {
  if (method !== "trusted-proxy" || user === undefined) return granted;
  const all = union(granted, identityScopes(user, config));
  const cap = scopesHeader(proxyHeaders);
  return cap === null ? all : all.filter((scope) => cap.has(scope));
}
