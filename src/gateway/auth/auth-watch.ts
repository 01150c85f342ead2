import type { GatewayConfig } from "../../../generated/config.ts";
import { authSettings } from "./secrets.ts";

/**
 * Notices that the configuration no longer accepts what connections came in with, so that they can be closed: a secret
 * that was changed because it leaked must not go on working where it is in use (CVE-2026-41916).
 */
export class AuthWatch {
  private seen: Record<"secret" | "proxy", string>;
  /** How often each way has changed. */
  private readonly changes = new Map<string, number>();

  constructor(config: GatewayConfig) {
    this.seen = fingerprints(config);
  }

  /** The ways of authentication whose connections have to come in anew. */
  changedBy(config: GatewayConfig): ReadonlySet<string> {
    const before = this.seen;
    this.seen = fingerprints(config);
    const ways = new Set<string>();
    if (before.secret !== this.seen.secret) for (const way of ["none", "token", "password"]) ways.add(way);
    if (before.proxy !== this.seen.proxy) ways.add("trusted-proxy");
    for (const way of ways) this.changes.set(way, (this.changes.get(way) ?? 0) + 1);
    return ways;
  }

  /** For a connection that is being let in: what is returned tells later whether its way has changed since now. */
  watch(): (way: string) => boolean {
    const before = new Map(this.changes);
    return (way) => this.changes.get(way) !== before.get(way);
  }
}

function fingerprints(config: GatewayConfig): Record<"secret" | "proxy", string> {
  const { trustedProxies, auth } = config.gateway;
  return {
    secret: JSON.stringify(authSettings(config)),
    proxy: JSON.stringify([trustedProxies, auth.mode, auth.trustedProxy, auth.identityScopes]),
  };
}
