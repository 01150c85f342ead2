import type {
  SessionMembersListParams,
  SessionMembersListResult,
  SessionsViewerPresenceSetParams,
  SessionTypingParams,
  SessionTypingResult,
} from "../../generated/types.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import type { StoredSession } from "./entry.ts";
import { sharingRoleOf, type Viewer } from "./list.ts";
import type { Sessions } from "./sessions.ts";

/** Whoever holds the gateway's secret; nobody else has a profile here. Upstream's name and shape for him. */
const GATEWAY_OWNER = {
  type: "human",
  id: "gateway-owner",
  identity: { type: "profile", id: "gateway-owner" },
  label: "gateway-owner",
} as const;

const VISIBILITIES = ["shared", "read-only", "suggest", "draft"] as const;

/**
 * `session.members.list` and `session.members.listEvidence`: with whom a session is shared. Everybody who may read this
 * gateway reads all of its sessions, so nobody needs to be a member of one.
 * @throws GatewayError when there is no such session
 */
export async function listMembers(
  sessions: Sessions,
  params: SessionMembersListParams,
  viewer: Viewer,
): Promise<SessionMembersListResult> {
  const { key } = await knownSession(sessions, params);
  return {
    sessionKey: key,
    members: [],
    identities: [GATEWAY_OWNER],
    role: sharingRoleOf(viewer),
    allowedVisibilities: [...VISIBILITIES],
  };
}

/**
 * `session.typing`: others are told only who types, and callers are devices and programs here, not people with a name;
 * so nobody is told, which the answer says (upstream does the same for a caller without a profile).
 * @throws GatewayError when there is no such session
 */
export async function tellTyping(sessions: Sessions, params: SessionTypingParams): Promise<SessionTypingResult> {
  await knownSession(sessions, params);
  return { ok: true, broadcast: false };
}

/** `sessions.assignOwner` is for people who are known by name, which no caller is here. */
export function refuseOwner({ key }: { key: string }): never {
  if (key.trim() === "") throw invalidRequest("key required");
  throw new GatewayError("FORBIDDEN", "sessions.assignOwner requires an identified caller");
}

/**
 * The canonical keys of the sessions that a client shows, each once and in order. They need not exist yet.
 * @throws GatewayError for an unknown agent of a key that names none
 */
export function viewedKeys(sessions: Sessions, { sessionKeys, agentId }: SessionsViewerPresenceSetParams): string[] {
  // A key that names its agent stands for itself.
  const agentOf = (key: string) => (/^agent:/i.test(key.trim()) ? undefined : agentId);
  return [...new Set(sessionKeys.map((key) => sessions.canonicalKey(key, agentOf(key))))].sort();
}

async function knownSession(
  sessions: Sessions,
  { sessionKey, agentId }: { sessionKey: string; agentId?: string },
): Promise<StoredSession> {
  const session = await sessions.repository.find(sessions.canonicalKey(sessionKey, agentId));
  if (!session) throw invalidRequest(`unknown session: ${sessionKey}`);
  return session;
}
