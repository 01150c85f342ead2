import { isIP } from "node:net";

/** True for an address of this machine itself. */
export function isLoopbackUrl(url: string): boolean {
  const host = hostOf(new URL(url));
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/**
 * Why a gateway must not be spoken to at this URL, or null. Without encryption secrets may only cross this machine
 * and private networks: loopback, private and link-local addresses, `.local` and `.ts.net` names
 * (docs: gateway/clients). `OPENCLAW_ALLOW_INSECURE_PRIVATE_WS=1` lets the operator vouch for other private names.
 */
export function urlProblem(text: string, allowPlaintext = false): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return `"${text}" is not a URL.`;
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:")
    return `A gateway's URL begins with ws:// or wss://, not ${url.protocol}//.`;
  if (url.username !== "" || url.password !== "")
    return "Credentials do not belong into the URL; use --token or --password.";
  if (url.protocol === "wss:" || allowPlaintext || isPrivateHost(hostOf(url))) return null;
  return `${url.host} is not on this machine or a private network, and ws:// would send secrets there in the clear. Use wss://.`;
}

const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "").toLowerCase();

const PRIVATE_V4 = [
  /^127\./,
  /^10\./,
  /^192\.168\./,
  /^169\.254\./,
  /^172\.(1[6-9]|2\d|3[01])\./,
  /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./,
];

function isPrivateHost(host: string): boolean {
  if (isIP(host) === 4) return PRIVATE_V4.some((range) => range.test(host));
  if (isIP(host) === 6) return host === "::1" || /^f[cd]/.test(host) || /^fe[89ab]/.test(host);
  return host === "localhost" || host.endsWith(".localhost") || host.endsWith(".local") || host.endsWith(".ts.net");
}
