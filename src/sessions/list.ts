import { LIMITS } from "../../generated/limits.ts";
import type { SessionDefaults, SessionsListRequest, SessionsListResult } from "../../generated/types.ts";
import { agentId as normalAgentId } from "../agents/roster.ts";
import { refOf } from "../models/references.ts";
import { hasScope } from "../platform/scopes.ts";
import type { StoredSession } from "./entry.ts";
import type { ListFilter, ListPage } from "./list-query.ts";
import type { RowBuilder, RowOptions, SessionRow } from "./row.ts";
import type { Sessions } from "./sessions.ts";

/** Who asks, as far as answers depend on it. */
export interface Viewer {
  scopes: ReadonlySet<string>;
}

/** What sharing allows the viewer: an administrator everything, anybody else what an owner may, since nobody else is. */
export const sharingRoleOf = (viewer: Viewer): "admin" | "owner" =>
  hasScope(viewer, "operator.admin") ? "admin" : "owner";

/** `sessions.list`: a page of the sessions that match, pinned ones first, then the most recently changed. */
export async function listSessions(
  sessions: Sessions,
  params: SessionsListRequest,
  viewer: Viewer,
): Promise<SessionsListResult> {
  const { agents, clock } = sessions;
  const now = clock.now();
  const limit = Math.min(params.limit ?? LIMITS.sessionListDefault, LIMITS.sessionListMax);
  const offset = params.offset ?? 0;
  const order = params.sortBy ?? "updatedAt";
  const filter = filterOf(sessions, params, now);
  const { page, total } = await pageOf(sessions, filter, { order, limit, offset }, params.activeOnly === true);
  const end = offset + page.length;
  const hasMore = page.length > 0 && end < total;
  const agentId = params.agentId === undefined ? undefined : normalAgentId(params.agentId);
  const known = agentId === undefined || agents.find(agentId) !== undefined || total > 0;
  return {
    ts: now,
    path: known ? sessions.path : "(multiple)",
    count: page.length,
    totalCount: total,
    limitApplied: limit,
    ...(offset > 0 ? { offset } : {}),
    nextOffset: hasMore ? end : null,
    hasMore,
    owners: [],
    ...(params.includePeople ? { people: [], peopleIncomplete: false, peopleSessionCount: total } : {}),
    defaults: sessionDefaults(sessions, agentId),
    sessions: await rowsOf(sessions, page, {
      runs: true,
      sharingRole: sharingRoleOf(viewer),
      derivedTitle: params.includeDerivedTitles,
      lastMessage: params.includeLastMessage,
      activity: params.includeActivitySummary,
    }),
  };
}

/** What a session of the agent starts with. */
export const sessionDefaults = (sessions: Sessions, agentId?: string): Required<SessionDefaults> => ({
  ...sessions.agents.sessionDefaults(agentId),
  modelSelectionTarget: "session",
});

/** The rows of sessions, with the keys of their children. */
export async function rowsOf(
  sessions: Sessions,
  stored: readonly StoredSession[],
  options: RowOptions,
  builder: RowBuilder = sessions.rows(),
): Promise<SessionRow[]> {
  const children = await sessions.repository.children(stored.map(({ key }) => key));
  return stored.map((session) => {
    const childSessions = children.get(session.key);
    return builder.row(session, options, childSessions ? { childSessions } : {});
  });
}

async function pageOf(
  sessions: Sessions,
  filter: ListFilter | null,
  page: ListPage,
  activeOnly: boolean,
): Promise<{ page: StoredSession[]; total: number }> {
  if (filter === null) return { page: [], total: 0 };
  if (!activeOnly) {
    const { sessions: rows, total } = await sessions.repository.list(filter, page);
    return { page: rows, total };
  }
  // Whether a session is at work only its runs know. Few are, so all that may be are looked at.
  const all = { ...page, limit: LIMITS.sessionListMax, offset: 0 };
  const candidates = await sessions.repository.list({ ...filter, running: true }, all);
  const active = candidates.sessions.filter(({ key }) => sessions.runs.activeRunIds(key).length > 0);
  return { page: active.slice(page.offset, page.offset + page.limit), total: active.length };
}

/** The conditions that the params mean, or null when nothing can match. */
function filterOf({ agents }: Sessions, params: SessionsListRequest, now: number): ListFilter | null {
  // There are no users, creators and projects yet that a session could belong to.
  if (params.creatorId ?? params.ownerId ?? params.involvingProfileId ?? params.projectId) return null;
  const search = params.search?.trim();
  const route = { channel: params.channel?.trim().toLowerCase(), to: params.to, accountId: params.accountId };
  const { roster } = agents;
  const agentIds =
    params.agentId !== undefined
      ? [normalAgentId(params.agentId)]
      : params.configuredAgentsOnly
        ? roster.agents.map(({ id }) => id)
        : undefined;
  return {
    agentIds,
    includeGlobal: params.includeGlobal,
    includeUnknown: params.includeUnknown,
    archived: params.archived === "all" ? undefined : params.archived === true,
    pinned: params.pinned,
    label: params.label?.trim(),
    spawnedBy: params.spawnedBy,
    boardFace: params.boardFace,
    hasBoard: params.hasBoard,
    withoutSubagents: params.excludeSubagents,
    talkedIn: params.requireLastInteraction,
    since: params.activeMinutes === undefined ? undefined : now - params.activeMinutes * 60_000,
    search,
    searchAgentIds: search
      ? roster.agents.map(({ id }) => id).filter((id) => defaultModelMatches(agents.model(id), search))
      : undefined,
    route,
  };
}

function defaultModelMatches(model: { provider: string; id: string } | null, search: string): boolean {
  return model !== null && refOf(model).toLowerCase().includes(search.toLowerCase());
}
