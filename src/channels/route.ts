import { agentId, ownerRequired, type Roster } from "../agents/roster.ts";
import type { GatewayError } from "../platform/errors.ts";
import { foldedKey, mainSessionKey } from "../sessions/keys.ts";
import { channelId } from "./ids.ts";

export type PeerKind = "direct" | "group" | "channel";

/** Whom a message comes from, or the group or room that it was written in. */
export interface Peer {
  kind: PeerKind;
  /** As the channel has it. */
  id: string;
}

/** Where a message came in. */
export interface InboundPlace {
  channel: string;
  /** The account of the channel; `default` unless told. */
  accountId?: string;
  peer?: Peer;
  /** Of a thread: what it belongs to, whose bindings count where the thread has none. */
  parentPeer?: Peer;
  /** Of a channel that tells threads apart by a suffix of the key. */
  threadId?: string;
  guildId?: string;
  teamId?: string;
  /** The sender's roles in the guild. */
  roles?: readonly string[];
  /** Whose message it is when no binding says. */
  fallbackAgentId?: string;
}

/** One entry of the section `bindings`. */
export interface Binding {
  type?: "route" | "acp";
  agentId?: string;
  match?: {
    channel?: string;
    accountId?: string;
    peer?: { kind?: string; id?: string };
    guildId?: string;
    teamId?: string;
    roles?: readonly string[];
  };
  session?: { dmScope?: DmScope; groupScope?: GroupScope };
}

export type DmScope = "main" | "per-peer" | "per-channel-peer" | "per-account-channel-peer";
export type GroupScope = "main" | "per-group";

/** What of the configuration decides where messages go. */
export interface RouteSettings {
  bindings?: readonly Binding[];
  session?: { dmScope?: DmScope; groupScope?: GroupScope; identityLinks?: Readonly<Record<string, readonly string[]>> };
}

/** The kinds of bindings, those that count most first. */
const TIERS = [
  "binding.peer",
  "binding.peer.parent",
  "binding.peer.wildcard",
  "binding.guild+roles",
  "binding.guild",
  "binding.team",
  "binding.account",
  "binding.channel",
] as const;
type Tier = (typeof TIERS)[number];

/** Who answers a message, and in which session. */
export interface InboundRoute {
  agentId: string;
  channel: string;
  accountId: string;
  /** Canonical. */
  sessionKey: string;
  /** The agent's main session. */
  mainSessionKey: string;
  /** The session without its thread. */
  baseSessionKey: string;
  matchedBy: Tier | "default";
}

/**
 * The agent and session of a message from a channel. Pure: the same place and configuration give the same route.
 * Of the bindings that match, the one of the highest tier counts, and within a tier the first; all that a binding names
 * must match, and one without an account is for the account `default` alone. Direct messages share the main session
 * unless `dmScope` says otherwise, groups have one each unless `groupScope` does; a binding's own scopes come first.
 * (docs: channels/channel-routing, concepts/agent-bindings, gateway/config-agents/sessions.)
 * @throws GatewayError `AGENT_SELECTION_REQUIRED` when several agents are configured and none is meant, or when a binding
 * names one that is not there
 */
export function inboundRoute(place: InboundPlace, settings: RouteSettings, roster: Roster): InboundRoute {
  const channel = channelId(place.channel);
  const accountId = accountName(place.accountId);
  const found = bestBinding({ ...place, channel, accountId }, settings.bindings ?? []);
  const agent = found ? boundAgent(found.binding, roster) : unboundAgent(place, { channel, accountId }, roster);
  const { dmScope, groupScope } = { ...settings.session, ...found?.binding.session };
  const main = mainSessionKey(agent, roster);
  const own = peerKey({ channel, accountId, peer: place.peer }, { ...settings.session, dmScope, groupScope });
  const baseSessionKey = own === null ? main : foldedKey(`agent:${agent}:${own}`);
  return {
    agentId: agent,
    channel,
    accountId,
    sessionKey: place.threadId?.trim()
      ? foldedKey(`${baseSessionKey}:thread:${place.threadId.trim()}`)
      : baseSessionKey,
    mainSessionKey: main,
    baseSessionKey,
    matchedBy: found?.tier ?? "default",
  };
}

/** An account's name as it is compared: lower case, what is neither letter nor digit a hyphen; `default` for none. */
export function accountName(name: string | undefined): string {
  return agentId(name ?? "") || "default";
}

/** What follows the agent in the key of a peer's session; null for the main session. */
function peerKey(
  { channel, accountId, peer }: { channel: string; accountId: string; peer?: Peer },
  { dmScope = "main", groupScope = "per-group", identityLinks = {} }: NonNullable<RouteSettings["session"]>,
): string | null {
  if (peer === undefined) return null;
  const id = peer.id.trim() || "unknown";
  if (peer.kind !== "direct") return groupScope === "main" ? null : `${channel}:${peer.kind}:${id}`;
  if (dmScope === "main") return null;
  const person = linkedPerson(channel, id, identityLinks) ?? id;
  switch (dmScope) {
    case "per-peer":
      return `direct:${person}`;
    case "per-channel-peer":
      return `${channel}:direct:${person}`;
    case "per-account-channel-peer":
      return `${channel}:${accountId}:direct:${person}`;
  }
}

/** The name under which `session.identityLinks` knows a sender, by `channel:id` or by the id alone. */
function linkedPerson(channel: string, id: string, links: NonNullable<RouteSettings["session"]>["identityLinks"]) {
  const wanted = new Set([id.toLowerCase(), `${channel}:${id}`.toLowerCase()]);
  for (const [name, ids] of Object.entries(links ?? {})) {
    if (name.trim() !== "" && ids.some((each) => wanted.has(each.trim().toLowerCase()))) return name.trim();
  }
  return null;
}

type Place = InboundPlace & { accountId: string };

function bestBinding(place: Place, bindings: readonly Binding[]): { binding: Binding; tier: Tier } | null {
  let best: { binding: Binding; tier: Tier } | null = null;
  for (const binding of bindings) {
    const tier = tierOf(binding, place);
    if (tier !== null && (best === null || TIERS.indexOf(tier) < TIERS.indexOf(best.tier))) best = { binding, tier };
  }
  return best;
}

/** How exactly a binding means this place; null when it does not, or binds something else than routes. */
function tierOf({ type = "route", match }: Binding, place: Place): Tier | null {
  if (type !== "route" || !match?.channel || channelId(match.channel) !== place.channel) return null;
  const anyAccount = match.accountId?.trim() === "*";
  if (!anyAccount && accountName(match.accountId) !== place.accountId) return null;
  const guild = idOf(match.guildId);
  const team = idOf(match.teamId);
  if (guild !== "" && guild !== idOf(place.guildId)) return null;
  if (team !== "" && team !== idOf(place.teamId)) return null;
  const roles = match.roles ?? [];
  if (roles.length > 0 && !roles.some((role) => place.roles?.includes(role))) return null;
  if (match.peer !== undefined) return peerTier(match.peer, place);
  if (guild !== "") return roles.length > 0 ? "binding.guild+roles" : "binding.guild";
  if (team !== "") return "binding.team";
  return anyAccount ? "binding.channel" : "binding.account";
}

function peerTier({ kind, id }: NonNullable<NonNullable<Binding["match"]>["peer"]>, place: Place): Tier | null {
  const wanted = idOf(id);
  if (kind === undefined || wanted === "") return null;
  const isOfKind = (peer: Peer | undefined): peer is Peer => peer !== undefined && sameKind(kind, peer.kind);
  if (wanted === "*") return isOfKind(place.peer) ? "binding.peer.wildcard" : null;
  if (isOfKind(place.peer) && idOf(place.peer.id) === wanted) return "binding.peer";
  return isOfKind(place.parentPeer) && idOf(place.parentPeer.id) === wanted ? "binding.peer.parent" : null;
}

/** Services call the same place a group or a channel, so that a binding for one is for the other, too. */
const sameKind = (bound: string, kind: PeerKind): boolean =>
  (bound === "direct" || bound === "dm") === (kind === "direct");

const idOf = (id: string | number | undefined): string => String(id ?? "").trim();

function boundAgent({ agentId: named }: Binding, roster: Roster): string {
  const id = agentId(named ?? "");
  if (roster.agents.some((agent) => agent.id === id)) return id;
  throw selectionRequired("route binding", `Update the binding agentId "${named ?? ""}" to a configured agent.`);
}

function unboundAgent(
  { fallbackAgentId }: InboundPlace,
  { channel, accountId }: { channel: string; accountId: string },
  roster: Roster,
): string {
  const given = agentId(fallbackAgentId ?? "");
  if (roster.agents.some((agent) => agent.id === given)) return given;
  if (!roster.selectionRequired) return roster.defaultId;
  const binding = JSON.stringify({ agentId: "<agentId>", match: { channel, accountId } });
  throw selectionRequired(
    `${channel} account ${accountId} routing`,
    `Add a channel-wide binding for ${channel}:${accountId}: ${binding}. Replace <agentId> with a configured agent.`,
  );
}

function selectionRequired(what: string, remedy: string): GatewayError {
  const error = ownerRequired(what, remedy);
  return Object.assign(error, { details: { code: "AGENT_SELECTION_REQUIRED" } });
}
