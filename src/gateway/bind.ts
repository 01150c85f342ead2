import { isIP } from "node:net";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import type { GatewayConfig } from "../../generated/config.ts";
import { ConfigError } from "../config/problem.ts";
import { isLoopbackAddress } from "./peer.ts";

/** Where to listen. */
export interface BindPlan {
  /** Addresses that must be had, the first one being the one to show. */
  hosts: readonly [string, ...string[]];
  /** Addresses that are good to have: `localhost` means `::1` to some clients. */
  also: readonly string[];
}

type Interfaces = Readonly<Record<string, readonly Pick<NetworkInterfaceInfo, "address" | "family">[] | undefined>>;

const LOOPBACK: BindPlan = { hosts: ["127.0.0.1"], also: ["::1"] };

/**
 * The addresses of `gateway.bind` (docs: gateway/config-gateway): `loopback` and `auto` this machine alone, `lan` all
 * IPv4 addresses, `tailnet` the Tailscale address if there is one, `custom` one address of the operator's. An address
 * of its own always comes with 127.0.0.1, so that the command line of this machine gets in.
 * @throws ConfigError when `custom` names no IPv4 address
 */
export function bindPlan(
  { bind, customBindHost }: Pick<GatewayConfig["gateway"], "bind" | "customBindHost">,
  interfaces: Interfaces = networkInterfaces(),
): BindPlan {
  switch (bind) {
    case "lan":
      return { hosts: ["0.0.0.0"], also: [] };
    case "tailnet": {
      const address = tailscaleAddress(interfaces);
      return address === undefined ? LOOPBACK : withLoopback(address);
    }
    case "custom":
      return withLoopback(customAddress(customBindHost));
    default:
      return LOOPBACK;
  }
}

/** True when others than this machine reach the gateway. */
export const isExposed = ({ hosts }: BindPlan): boolean => hosts.some((host) => !isLoopbackAddress(host));

function withLoopback(host: string): BindPlan {
  const coversLoopback = host === "127.0.0.1" || host === "0.0.0.0";
  return { hosts: coversLoopback ? [host] : [host, "127.0.0.1"], also: [] };
}

function customAddress(host: string | undefined): string {
  if (host !== undefined && isIP(host) === 4) return host;
  const reason = host === undefined ? "is needed when gateway.bind is custom" : "must be an IPv4 address";
  throw new ConfigError([{ path: "gateway.customBindHost", reason }]);
}

/** Tailscale gives its machines addresses of 100.64.0.0/10. */
function tailscaleAddress(interfaces: Interfaces): string | undefined {
  const all = Object.values(interfaces).flatMap((list) => list ?? []);
  return all.find(
    ({ address, family }) => family === "IPv4" && /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(address),
  )?.address;
}

/** What documentation and templates put where a secret belongs (KNOWN_ATTACKS 18). */
const PLACEHOLDER =
  /^(undefined|null|none|changeme|change-me|secret|password|token|<.*>|(replace|your|change)[-_ ].*)$/i;

/** Secrets that are shorter can be guessed in time; they are warned about. */
export const SHORT_SECRET_CHARS = 24;

/**
 * Refuses to let others in without asking who they are.
 * @throws ConfigError when the gateway would listen beyond this machine, or admit anybody, without authentication
 */
export function requireAuth(plan: BindPlan, { gateway }: GatewayConfig): void {
  const { mode, password, token } = gateway.auth;
  if (mode === "none" && isExposed(plan)) {
    fail(
      "gateway.auth.mode",
      `is none, so the gateway does not listen beyond this machine (bind ${gateway.bind})`,
      "set a token or password, or bind to loopback",
    );
  }
  if (mode === "password") requireSecret("password", password, "OPENCLAW_GATEWAY_PASSWORD, or pass --password-file");
  if (mode === "token") requireSecret("token", token, "OPENCLAW_GATEWAY_TOKEN, or pass --token");
  if (mode === "trusted-proxy" && !gateway.trustedProxies?.length) {
    fail("gateway.trustedProxies", "is needed for auth mode trusted-proxy", "list the addresses of the proxy");
  }
}

/** True when the secret that opens the gateway is short enough to be guessed. */
export function hasShortSecret({ gateway }: GatewayConfig): boolean {
  const { mode, password, token } = gateway.auth;
  const secret = mode === "password" ? password : mode === "token" ? token : undefined;
  return secret !== undefined && secret.length < SHORT_SECRET_CHARS;
}

function requireSecret(kind: "token" | "password", secret: string | undefined, ways: string): void {
  const path = `gateway.auth.${kind}`;
  if (!secret?.trim()) fail(path, `is needed for auth mode ${kind}`, `set it, or ${ways}`);
  else if (PLACEHOLDER.test(secret.trim()))
    fail(path, "is a placeholder, not a secret", `choose a ${kind} that nobody can guess`);
}

function fail(path: string, reason: string, hint: string): never {
  throw new ConfigError([{ path, reason, hint }]);
}
