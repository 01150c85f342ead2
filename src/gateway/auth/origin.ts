import type { GatewayConfig } from "../../../generated/config.ts";
import type { ConnectParams } from "../../../generated/types.ts";
import { invalidRequest } from "../../platform/errors.ts";
import type { ConnectRefused } from "../authorizer.ts";
import { isLoopbackAddress, type PeerFacts } from "../peer.ts";
import { isBrowserClient, isBrowserExtension } from "./clients.ts";
import { originRefused, refused } from "./refusals.ts";

/**
 * Where a browser page may come from to open a connection: whatever client it claims to be, a request with an Origin
 * is judged by it, or any page on the web could use a secret it got hold of (GHSA-jmmg-jqc7-5qf4). Clients that live in
 * pages must send one. Null: go on.
 */
export function originProblem(params: ConnectParams, peer: PeerFacts, config: GatewayConfig): ConnectRefused | null {
  if (isBrowserExtension(params.client)) return extensionProblem(params, peer);
  if (peer.origin === undefined)
    return isBrowserClient(params.client) ? originRefused("origin missing or invalid") : null;
  return judgeOrigin(peer, config);
}

/** Judges the Origin header of a request that has one. Null: allowed. */
export function judgeOrigin(peer: PeerFacts, config: GatewayConfig): ConnectRefused | null {
  const origin = canonicalOrigin(peer.origin ?? "");
  if (origin === null) return originRefused("origin missing or invalid");
  const { allowedOrigins = [], dangerouslyAllowHostHeaderOriginFallback } = config.gateway.controlUi ?? {};
  if (allowedOrigins.some((entry) => entry.trim() === "*" || canonicalOrigin(entry) === origin)) return null;
  // A page of this machine, in a browser of this machine. The Host header counts for nothing here: a name that an
  // attacker rebinds to 127.0.0.1 would match it.
  if (peer.isLocalDirect && isLoopbackName(new URL(origin).hostname)) return null;
  const fallback = dangerouslyAllowHostHeaderOriginFallback === true && peer.host !== undefined;
  if (fallback && new URL(origin).host === peer.host?.trim().toLowerCase()) return null;
  return originRefused("origin not allowed");
}

/** Scheme, host and port in one canonical form, or null for what is no origin of a page (`null`, `file://`, user names). */
export function canonicalOrigin(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return null;
  }
  if (url.host === "" || url.username !== "" || url.password !== "") return null;
  return `${url.protocol}//${url.host}`;
}

/** True when a request was addressed to this machine by a name that means nothing else. */
export function isLoopbackHost(host: string): boolean {
  return URL.canParse(`http://${host}`) && isLoopbackName(new URL(`http://${host}`).hostname);
}

function isLoopbackName(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || host.endsWith(".localhost") || isLoopbackAddress(host);
}

const EXTENSION_CAPS = ["run-tool-bindings", "session-scoped-events"];
const EXTENSION_ORIGIN = /^chrome-extension:\/\/[a-p]{32}$/;

function extensionProblem({ client, caps = [] }: ConnectParams, { origin = "" }: PeerFacts): ConnectRefused | null {
  if (client.mode !== "ui" || !EXTENSION_CAPS.every((cap) => caps.includes(cap))) {
    const message = `browser copilot requires ui mode with ${EXTENSION_CAPS.join(" and ")} capabilities`;
    return refused(invalidRequest(message));
  }
  if (EXTENSION_ORIGIN.test(origin)) return null;
  return refused(
    invalidRequest("browser copilot requires a canonical Chrome extension origin", {
      code: "CONTROL_UI_ORIGIN_NOT_ALLOWED",
      reason: "invalid browser copilot origin",
    }),
  );
}
