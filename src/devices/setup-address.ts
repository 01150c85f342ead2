import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { GatewayConfig } from "../../generated/config.ts";
import { invalidRequest } from "../platform/errors.ts";

/** Where a new device is to find the gateway, and how that is known. */
export interface SetupAddress {
  url: string;
  source: string;
  /** Nobody between the device and the gateway can read along: TLS, or this machine itself. */
  isPrivateWay: boolean;
}

const FROM_PLUGIN = "plugins.entries.device-pair.config.publicUrl";

/**
 * The address for a setup code: what the caller names, else what the configuration names, else this machine's own in
 * its local network when the gateway listens there (docs: cli/qr). In the clear only within such a network.
 * @throws GatewayError when there is none that a device elsewhere can use
 */
export function setupAddress(
  { publicUrl, preferRemoteUrl }: { publicUrl?: string; preferRemoteUrl?: boolean },
  config: GatewayConfig,
): SetupAddress {
  const { remote } = config.gateway;
  const plugin = config.plugins?.entries?.["device-pair"]?.config?.publicUrl;
  if (publicUrl !== undefined) return judged(publicUrl, "request.publicUrl");
  if (preferRemoteUrl === true && remote?.url) return judged(remote.url, "gateway.remote.url");
  if (typeof plugin === "string" && plugin.trim() !== "") return judged(plugin, FROM_PLUGIN);
  const own = config.gateway.bind === "loopback" ? undefined : ownAddress();
  if (own !== undefined) {
    const { port, bind, tls } = config.gateway;
    return judged(`${tls?.enabled === true ? "wss" : "ws"}://${own}:${port}`, `gateway.bind=${bind}`);
  }
  throw invalidRequest(
    `Gateway is only bound to loopback. Set gateway.bind=lan, or name the address that devices reach it by: publicUrl, gateway.remote.url or ${FROM_PLUGIN}.`,
  );
}

const SCHEMES: Readonly<Record<string, string>> = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" };

function judged(text: string, source: string): SetupAddress {
  const url = parse(text.trim());
  const scheme = url && SCHEMES[url.protocol];
  if (!url || scheme === undefined || url.username !== "" || url.password !== "") {
    throw invalidRequest("Configured publicUrl is invalid.");
  }
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const isSecure = scheme === "wss:";
  if (!isSecure && !isNearby(host)) {
    throw invalidRequest(
      `A device elsewhere needs an encrypted address (wss://); the one from ${source} would send its credentials in the clear. ws:// is for this machine, private LAN addresses and .local hosts.`,
    );
  }
  const path = url.pathname === "/" ? "" : url.pathname;
  return { url: `${scheme}//${url.host}${path}`, source, isPrivateWay: isSecure || isThisMachine(host) };
}

function parse(text: string): URL | null {
  try {
    return new URL(text.includes("://") ? text : `ws://${text}`);
  } catch {
    return null;
  }
}

const isThisMachine = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

const PRIVATE_V4 = [/^10\./, /^192\.168\./, /^172\.(1[6-9]|2\d|3[01])\./, /^169\.254\./];

/** In the same house. Addresses of carriers and overlay networks do not count: others route them. */
function isNearby(host: string): boolean {
  if (isThisMachine(host) || host.endsWith(".local")) return true;
  if (isIP(host) === 4) return PRIVATE_V4.some((range) => range.test(host));
  return isIP(host) === 6 && (/^f[cd]/.test(host) || /^fe[89ab]/.test(host));
}

/** This machine's first private IPv4 address. */
function ownAddress(): string | undefined {
  const cards = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return cards.find(({ family, internal, address }) => family === "IPv4" && !internal && isNearby(address))?.address;
}
