import { LIMITS } from "../../generated/limits.ts";
import type { SessionsResolveParams, SessionsResolveResult } from "../../generated/types.ts";
import { agentId as normalAgentId } from "../agents/roster.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { StoredSession } from "./entry.ts";
import { knownAgent } from "./keys.ts";
import { displayName } from "./names.ts";
import type { Sessions } from "./sessions.ts";

/** How many sessions an ambiguous answer names; upstream's ten. */
const MAX_CANDIDATES = 10;

type Found = { session: StoredSession; named: boolean } | { candidates: StoredSession[] } | null;

/**
 * `sessions.resolve`: the session that one selector means (BEHAVIOUR section 9; docs: gateway/protocol,
 * sessions.resolve). A key wins over a route beside it; label and session id must agree with the route; a route alone
 * means the session that used it last.
 * @throws GatewayError when none or several selectors are given, or nothing is found and `allowMissing` is not set
 */
export async function resolveSession(
  sessions: Sessions,
  params: SessionsResolveParams,
): Promise<SessionsResolveResult> {
  const selector = selectorOf(params);
  if (params.agentId !== undefined && selector.kind !== "label" && selector.kind !== "sessionId") {
    knownAgent(params.agentId, sessions.agents.roster);
  }
  const found = await SELECTORS[selector.kind](sessions, selector.value, params);
  if (found === null) {
    if (params.allowMissing) return { ok: false };
    throw invalidRequest(`No session found${selector.kind === "label" ? " with label" : ""}: ${selector.value}`);
  }
  const { roster } = sessions.agents;
  if ("candidates" in found) {
    const candidates = found.candidates.map(({ key, agentId, entry }) => {
      const name = displayName(key, entry, roster);
      return { key, agentId, ...(name === undefined ? {} : { displayName: name }), ...boardFaceOf(entry) };
    });
    return { ok: false, candidates };
  }
  const { key, agentId, entry } = found.session;
  if (!sessions.agents.find(agentId)) throw invalidRequest(`Agent "${agentId}" no longer exists in configuration`);
  const name = found.named ? displayName(key, entry, roster) : undefined;
  return { ok: true, key, agentId, ...(name === undefined ? {} : { displayName: name, ...boardFaceOf(entry) }) };
}

type Kind = "key" | "sessionId" | "label" | "shortId" | "reference" | "route";

function selectorOf(params: SessionsResolveParams): { kind: Kind; value: string } {
  const texts = (["key", "sessionId", "label", "shortId"] as const).flatMap((kind) => {
    const value = params[kind]?.trim();
    return value ? [{ kind, value } as { kind: Kind; value: string }] : [];
  });
  if (params.reference) texts.push({ kind: "reference", value: params.reference.key.trim() });
  if (texts.length > 1) {
    throw invalidRequest("Provide either key, sessionId, label, shortId, or reference (not multiple)");
  }
  if (params.slugHint !== undefined && texts[0]?.kind !== "shortId") throw invalidRequest("slugHint requires shortId");
  if (texts[0]) return texts[0];
  const route = [params.channel, params.to, params.accountId].filter((part) => part !== undefined);
  if (route.length === 0) throw invalidRequest("Either key, sessionId, label, shortId, or reference is required");
  return { kind: "route", value: route.join(" ") };
}

type Lookup = (sessions: Sessions, value: string, params: SessionsResolveParams) => Promise<Found>;

const SELECTORS: Readonly<Record<Kind, Lookup>> = {
  async key(sessions, value, { agentId, spawnedBy }) {
    const session = await sessions.repository.find(sessions.canonicalKey(value, agentId));
    if (!session || (spawnedBy !== undefined && parentOf(session) !== spawnedBy)) return null;
    return { session, named: false };
  },
  async sessionId(sessions, value, params) {
    const session = await sessions.repository.findById(value);
    return session && matches(session, params) && onRoute(session, params) ? { session, named: false } : null;
  },
  async label(sessions, value, params) {
    const bearing = await sessions.repository.findByLabel(value, MAX_CANDIDATES);
    const found = bearing.filter(
      (session) => isListed(session, params) && matches(session, params) && onRoute(session, params),
    );
    if (found.length > 1) {
      const keys = found.map(({ key }) => key).join(", ");
      throw invalidRequest(`Multiple sessions found with label: ${value} (${keys})`);
    }
    return found[0] ? { session: found[0], named: false } : null;
  },
  async shortId(sessions, value, params) {
    if (!/^[0-9a-f]{8,32}$/i.test(value)) throw invalidRequest("shortId must be 8-32 hexadecimal characters");
    const all = await sessions.repository.findByUuid(value.toLowerCase(), MAX_CANDIDATES);
    const found = all.filter((session) => matches(session, params));
    const hinted = params.slugHint === undefined ? found : bySlug(sessions, found, params.slugHint);
    return choose(hinted.length > 0 ? hinted : found);
  },
  async reference(sessions, value, params) {
    const session = await sessions.repository.find(sessions.canonicalKey(value, params.agentId));
    if (session && isListed(session, params) && matches(session, params)) return { session, named: true };
    const slug = params.reference?.slug;
    if (slug === undefined) return null;
    const longest = slugOf(slug)
      .split("-")
      .reduce((a, b) => (b.length > a.length ? b : a));
    const named = await sessions.repository.findNamedWithUuid(longest, LIMITS.sessionListMax);
    return choose(bySlug(sessions, named, slug).filter((candidate) => matches(candidate, params)));
  },
  async route(sessions, _value, params) {
    const { channel, to, accountId, agentId, spawnedBy } = params;
    const filter = {
      agentIds: agentId === undefined ? undefined : [normalAgentId(agentId)],
      spawnedBy,
      archived: false,
      includeGlobal: params.includeGlobal,
      includeUnknown: params.includeUnknown,
      route: { channel: channel?.trim().toLowerCase(), to, accountId },
    };
    const page = { order: "recent", limit: 1, offset: 0 } as const;
    const [session] = (await sessions.repository.list(filter, page)).sessions;
    return session ? { session, named: false } : null;
  },
};

function choose(found: readonly StoredSession[]): Found {
  if (found.length === 0) return null;
  if (found.length > 1) return { candidates: found.slice(0, MAX_CANDIDATES) };
  return { session: found[0]!, named: true };
}

const parentOf = ({ entry }: StoredSession): string | undefined => entry.spawnedBy ?? entry.parentSessionKey;

function matches(session: StoredSession, { agentId, spawnedBy }: SessionsResolveParams): boolean {
  if (agentId !== undefined && session.agentId !== normalAgentId(agentId)) return false;
  return spawnedBy === undefined || parentOf(session) === spawnedBy;
}

function isListed({ key }: StoredSession, { includeGlobal, includeUnknown }: SessionsResolveParams): boolean {
  return (key !== "global" || includeGlobal === true) && (key !== "unknown" || includeUnknown === true);
}

function onRoute({ entry }: StoredSession, { channel, to, accountId }: SessionsResolveParams): boolean {
  const route = entry.deliveryContext ?? {};
  if (channel !== undefined && route.channel !== channel.trim().toLowerCase()) return false;
  return (to === undefined || route.to === to) && (accountId === undefined || route.accountId === accountId);
}

function bySlug(sessions: Sessions, found: readonly StoredSession[], slug: string): StoredSession[] {
  const wanted = slugOf(slug);
  return found.filter(({ key, entry }) => {
    const name = displayName(key, entry, sessions.agents.roster);
    return name !== undefined && slugOf(name) === wanted;
  });
}

/** A name as it stands in addresses: `Alpha One!` is `alpha-one`. */
const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");

const boardFaceOf = ({ boardFace }: StoredSession["entry"]) =>
  boardFace === "chat" || boardFace === "dashboard" ? { boardFace: boardFace as "chat" | "dashboard" } : {};
