import type { GatewayConfig } from "../../../generated/config.ts";
import type { ConnectParams } from "../../../generated/types.ts";
import type { AdmissionPolicy } from "../../devices/admission.ts";
import type { PairingReason, PairingWish } from "../../devices/pairing.ts";
import { isKnownScope } from "../../devices/scopes.ts";
import { isMeantFor, SETUP_SCOPES, type SetupAccess } from "../../devices/setups.ts";
import type { DeviceRole } from "../../devices/types.ts";
import { type PeerFacts, TrustedProxies } from "../peer.ts";
import { isBrowserClient, isBrowserExtension, isControlUi, isLocalBackend, isNativeApp } from "./clients.ts";
import type { Authenticated } from "./credentials.ts";
import { scopesHeader } from "./trusted-proxy.ts";

export interface PairingCase {
  params: ConnectParams;
  peer: PeerFacts;
  config: GatewayConfig;
  wish: PairingWish;
  auth: Authenticated;
}

export interface PairingPolicy extends AdmissionPolicy {
  /** The scopes that the connection is to have and the pairing must cover. */
  scopes: readonly string[];
  /** False for pages behind a trusted proxy: the proxy vouches for them anew at every visit. */
  givesToken: boolean;
}

/** What is approved without asking when `gateway.auth.trustedProxy.deviceAutoApprove` names no scopes. */
const AUTO_APPROVED = ["operator.read", "operator.write", "operator.approvals", "operator.questions"];

/**
 * Which pairings need nobody's approval, or that none is needed at all (docs: gateway/pairing): programs of this
 * machine by default, nodes of named networks, and pages and apps behind a trusted proxy where it is told to.
 */
export function pairingPolicy(pairing: PairingCase): PairingPolicy | "exempt" {
  const { params, peer, wish, auth } = pairing;
  if (isExempt(pairing)) return "exempt";
  const presented = auth.deviceToken === undefined ? {} : { presented: auth.deviceToken };
  const behindProxy = proxyAutoApproval(pairing);
  if (behindProxy !== null) {
    return { ...behindProxy, silent: false, givesToken: isNativeApp(params.client) };
  }
  if (auth.setup !== undefined) return setupPolicy(auth.setup.access, wish);
  const isLocal = isSilentlyLocal(pairing);
  return {
    ...presented,
    scopes: wish.scopes,
    silent: isLocal,
    givesToken: auth.method !== "trusted-proxy" || !isBrowserClient(params.client),
    approve: (reason) => {
      if (reason === "metadata-upgrade") return null;
      // What was let in to ask must not become something to run commands on by itself; the other way round it may.
      if (reason === "role-upgrade" && wish.role === "node") return null;
      if (isLocal) return mayGrantSilently(wish) ? { via: "silent", scopes: wish.scopes } : null;
      return isFromTrustedNetwork(reason, pairing, peer) ? { via: "trusted-cidr", scopes: [] } : null;
    },
  };
}

/** An administrator made the code, so the programs it is meant for are approved by it, with what it hands out. */
function setupPolicy(access: SetupAccess, wish: PairingWish): PairingPolicy {
  const isApproved = wish.role === "node" && isMeantFor(access, wish.facts);
  const scopes = SETUP_SCOPES[access];
  const roles: readonly DeviceRole[] = scopes.length === 0 ? ["node"] : ["node", "operator"];
  return {
    scopes: wish.scopes,
    silent: false,
    givesToken: true,
    approve: (reason) => (isApproved && reason === "not-paired" ? { via: "bootstrap", scopes, roles } : null),
  };
}

/** The machine's own backend with the shared secret: old pairings must not keep it from its work. */
function isExempt({ params, peer, wish, auth }: PairingCase): boolean {
  const isShared = auth.method === "token" || auth.method === "password" || auth.method === "none";
  return (
    isShared &&
    wish.role === "operator" &&
    isLocalBackend(params.client) &&
    peer.isLocalDirect &&
    peer.origin === undefined
  );
}

/** On this machine, and not a page that merely reached it: pages of the control UI and the web chat were judged by origin. */
function isSilentlyLocal({ params, peer, config }: PairingCase): boolean {
  if (!peer.isLocalDirect || config.gateway.nodes?.pairing?.autoApproveLocal === false) return false;
  if (isBrowserExtension(params.client)) return false;
  return peer.origin === undefined || isControlUi(params.client) || isBrowserClient(params.client);
}

/** Scopes that do not exist, and scopes of nodes, are for a person to judge. */
const mayGrantSilently = ({ role, scopes }: PairingWish): boolean =>
  role === "operator" ? scopes.every((scope) => isKnownScope(scope)) : scopes.length === 0;

/** A new node from a network that the configuration names. What a process of this machine could forge does not count. */
function isFromTrustedNetwork(reason: PairingReason, { config, wish }: PairingCase, peer: PeerFacts): boolean {
  const { autoApproveCidrs = [] } = config.gateway.nodes?.pairing ?? {};
  if (reason !== "not-paired" || wish.role !== "node" || wish.scopes.length > 0) return false;
  if (peer.isLoopback || peer.origin !== undefined || autoApproveCidrs.length === 0) return false;
  if (peer.proxyAddress !== undefined && new TrustedProxies(["127.0.0.0/8", "::1"]).includes(peer.proxyAddress))
    return false;
  return new TrustedProxies(autoApproveCidrs).includes(peer.remoteAddress);
}

/** The proxy's word counts as the approval for pages and apps, within the scopes that the configuration lists. */
function proxyAutoApproval(pairing: PairingCase): Pick<PairingPolicy, "scopes" | "approve"> | null {
  const { params, peer, config, wish, auth } = pairing;
  const settings = config.gateway.auth.trustedProxy?.deviceAutoApprove;
  const isEligible = isBrowserClient(params.client) || isNativeApp(params.client);
  if (settings?.enabled !== true || auth.method !== "trusted-proxy" || wish.role !== "operator" || !isEligible)
    return null;
  const ceiling = settings.scopes ?? AUTO_APPROVED;
  const asked = wish.scopes.length === 0 ? ceiling : wish.scopes;
  const withQuestions = settings.scopes === undefined ? [...asked, "operator.questions"] : asked;
  const cap = scopesHeader(peer.proxyHeaders);
  const scopes = [...new Set(withQuestions)]
    .filter((scope) => ceiling.includes(scope) && (cap === null || cap.has(scope)))
    .sort();
  return {
    scopes,
    approve: (reason) =>
      reason === "not-paired" || reason === "scope-upgrade" ? { via: "trusted-proxy", scopes } : null,
  };
}
