import { BlockList, isIP } from "node:net";

/** What is known of the other end before it authenticates. */
export interface PeerFacts {
  /** The client's address: the socket's peer, or what a trusted proxy says of it. */
  remoteAddress: string;
  /** The client's address is a loopback one and no proxy stands between. */
  isLoopback: boolean;
  /** A process on this machine, talking to us directly. */
  isLocalDirect: boolean;
  /** Address of the trusted proxy that the request came through. */
  proxyAddress?: string;
  origin?: string;
  host?: string;
  forwardedFor?: string;
  userAgent?: string;
  /** All headers of the request, when it came through a trusted proxy: the proxy may vouch for a user in them. */
  proxyHeaders?: Headers;
}

/** Headers that only a proxy has reason to send. From anybody else they are an attempt to look like another client. */
function hasProxyHeaders(headers: Headers): boolean {
  if (headers.has("forwarded") || headers.has("x-real-ip")) return true;
  for (const [name] of headers) if (name.startsWith("x-forwarded-")) return true;
  return false;
}

/** Addresses and CIDR ranges of proxies that are believed. Entries that are neither are ignored. */
export class TrustedProxies {
  private readonly list = new BlockList();
  private readonly empty: boolean;

  constructor(entries: readonly string[] = []) {
    let known = 0;
    for (const entry of entries) {
      const [address = "", bits] = entry.trim().split("/");
      const version = isIP(address);
      if (version === 0) continue;
      const family = version === 4 ? "ipv4" : "ipv6";
      const max = version === 4 ? 32 : 128;
      const prefix = bits === undefined ? max : Number(bits);
      if (!Number.isInteger(prefix) || prefix < 0 || prefix > max) continue;
      this.list.addSubnet(address, prefix, family);
      known++;
    }
    this.empty = known === 0;
  }

  includes(address: string): boolean {
    if (this.empty) return false;
    const plain = plainAddress(address);
    const version = isIP(plain);
    return version !== 0 && this.list.check(plain, version === 4 ? "ipv4" : "ipv6");
  }
}

/**
 * Works out who is calling. Returns null when the request carries proxy headers and its peer is not a trusted
 * proxy: then nobody can say who the client is, and the caller must refuse. `believeRealIp` is the configuration's
 * `gateway.allowRealIpFallback`.
 */
export function peerFacts(
  socketAddress: string,
  headers: Headers,
  proxies: TrustedProxies,
  believeRealIp = false,
): PeerFacts | null {
  const proxied = hasProxyHeaders(headers);
  const address = plainAddress(socketAddress);
  const common = {
    origin: headers.get("origin") ?? undefined,
    host: headers.get("host") ?? undefined,
    userAgent: headers.get("user-agent") ?? undefined,
  };
  if (!proxied) {
    const loopback = isLoopbackAddress(address);
    return { ...common, remoteAddress: address, isLoopback: loopback, isLocalDirect: loopback };
  }
  if (!proxies.includes(address)) return null;
  const forwardedFor = headers.get("x-forwarded-for") ?? undefined;
  const client = clientBehind(forwardedFor ?? (believeRealIp ? headers.get("x-real-ip") : null), proxies);
  if (client === null) return null;
  return {
    ...common,
    remoteAddress: client,
    isLoopback: false,
    isLocalDirect: false,
    proxyAddress: address,
    forwardedFor,
    // A copy: the request's own headers end with the upgrade.
    proxyHeaders: new Headers(headers),
  };
}

/** The nearest address in the chain that is not itself a trusted proxy: everything left of it could be made up. */
function clientBehind(chain: string | null, proxies: TrustedProxies): string | null {
  const hops = (chain ?? "").split(",").map((hop) => plainAddress(hop.trim()));
  for (const hop of hops.reverse()) {
    if (isIP(hop) === 0) return null;
    if (!proxies.includes(hop)) return hop;
  }
  return null;
}

/** `::ffff:127.0.0.1` is `127.0.0.1`. */
function plainAddress(address: string): string {
  return address.toLowerCase().startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

export function isLoopbackAddress(address: string): boolean {
  const plain = plainAddress(address);
  return plain === "::1" || (isIP(plain) === 4 && plain.startsWith("127."));
}

/** What one customer has of the net: an address, of IPv6 a network of 64 bits. Counting stops nobody who can pick another. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6 || isLoopbackAddress(address)) return address;
  const [head = "", tail] = address.toLowerCase().split("%")[0]!.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const middle = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0");
  const groups = [...left, ...middle, ...right].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
