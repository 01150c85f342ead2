import type {
  SessionDiscussionInfoParams,
  SessionDiscussionInfoResult,
  SessionDiscussionOpenParams,
  SessionDiscussionOpenResult,
  SessionGitHubOptionsParams,
  SessionGitHubOptionsResult,
  SessionsCatalogListParams,
  SessionsCatalogListResult,
  SessionsCompanionStateParams,
  SessionsCompanionStateResult,
  SessionsRecoverParams,
} from "../../generated/types.ts";
import { agentId as normalAgentId } from "../agents/roster.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import type { Sessions } from "./sessions.ts";

/**
 * What can stand beside a session where plugins or accounts provide it: a discussion, a companion, sessions of other
 * programs, publication on GitHub. None of them is set up here, and each call says so as upstream does where it is not.
 */

/** `session.discussion.info`. @throws GatewayError for an unknown agent */
export function discussionInfo(
  sessions: Sessions,
  { sessionKey, agentId }: SessionDiscussionInfoParams,
): SessionDiscussionInfoResult {
  sessions.lookupKey(sessionKey, agentId);
  return { state: "none" };
}

/** `session.discussion.open`: as {@link discussionInfo}, since nothing provides discussions. @throws GatewayError for an unknown agent */
export function openDiscussion(
  sessions: Sessions,
  { sessionKey, agentId }: SessionDiscussionOpenParams,
): SessionDiscussionOpenResult {
  sessions.lookupKey(sessionKey, agentId);
  return { state: "none" };
}

/** `sessions.companion.state`: nothing was asked of a companion. @throws GatewayError for an unknown agent */
export function companionState(
  sessions: Sessions,
  { sessionKey, agentId }: SessionsCompanionStateParams,
): SessionsCompanionStateResult {
  sessions.lookupKey(sessionKey, agentId);
  return { exchanges: [] };
}

/** `sessions.catalog.list`: programs whose sessions could be continued here. @throws GatewayError for an unknown agent or catalogue */
export function listCatalogs(
  { agents }: Sessions,
  { catalogId, agentId, cursors }: SessionsCatalogListParams,
): SessionsCatalogListResult {
  agents.asked(agentId);
  if (catalogId === undefined && cursors !== undefined) {
    throw invalidRequest("catalogId is required when cursors are provided");
  }
  if (catalogId !== undefined) throw invalidRequest(`unknown session catalog: ${catalogId}`);
  return { catalogs: [] };
}

/** What is asked of a session of another program: none is connected, so that no catalogue is known. @throws GatewayError always */
export function refuseCatalog({ catalogId }: { catalogId: string }): never {
  throw invalidRequest(`unknown session catalog: ${catalogId}`);
}

/** `sessions.github.options`: under which accounts a session could be published. @throws GatewayError when there is no such session */
export async function githubOptions(
  sessions: Sessions,
  { sessionKey }: SessionGitHubOptionsParams,
): Promise<SessionGitHubOptionsResult> {
  if (!(await sessions.repository.find(sessions.lookupKey(sessionKey)))) {
    throw new GatewayError("FORBIDDEN", "GitHub publication session was not found.");
  }
  return { personal: null, shared: null, pendingPersonal: null, latestShared: null };
}

/**
 * `sessions.recover` continues a session that upstream gave up after restarts. A run that a restart cuts off ends here,
 * and its session goes on, so that no session ever is one of these.
 * @throws GatewayError always
 */
export async function recoverSession(sessions: Sessions, { key }: SessionsRecoverParams): Promise<never> {
  if (await sessions.repository.find(sessions.canonicalKey(key))) {
    throw invalidRequest("Session recovery requires a restart-tombstoned session.");
  }
  throw invalidRequest("Session recovery source was not found.");
}
