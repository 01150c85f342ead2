import type { SessionsHandlers } from "../../generated/handlers.ts";
import { prepareTitle } from "../agents/utility/title.ts";
import type { CallContext } from "../gateway/context.ts";
import {
  companionState,
  discussionInfo,
  githubOptions,
  listCatalogs,
  openDiscussion,
  recoverSession,
  refuseCatalog,
} from "../sessions/companions.ts";
import { listMembers, refuseOwner, tellTyping, viewedKeys } from "../sessions/people.ts";
import { sessionDiff } from "../sessions/session-diff.ts";
import { revealSessionFiles, setSessionFile } from "../sessions/session-file-changes.ts";
import { getSessionFile, listSessionFiles } from "../sessions/session-files.ts";
import { storageStatus } from "../sessions/storage.ts";

/** What stands beside a session: who looks at it, its files, what plugins and accounts could add. */
export const sessionSides = {
  "sessions.viewers.set": (params, { sessions, presence, caller }) => {
    const sessionKeys = viewedKeys(sessions, params);
    presence.watch(caller.connId, sessionKeys);
    return { sessionKeys };
  },
  // Whether a client shows an observer's notes; no observer writes any here, so nobody needs to know.
  "sessions.observer.visibility": () => ({ ok: true }),
  "session.members.list": (params, { sessions, caller }) => listMembers(sessions, params, caller),
  "session.members.listEvidence": (params, { sessions, caller }) => listMembers(sessions, params, caller),
  "session.typing": (params, { sessions }) => tellTyping(sessions, params),
  "sessions.assignOwner": (params) => refuseOwner(params),
  "session.discussion.info": (params, { sessions }) => discussionInfo(sessions, params),
  "sessions.companion.state": (params, { sessions }) => companionState(sessions, params),
  "sessions.catalog.list": (params, { sessions }) => listCatalogs(sessions, params),
  "sessions.github.options": (params, { sessions }) => githubOptions(sessions, params),
  "sessions.recover": (params, { sessions }) => recoverSession(sessions, params),
  "sessions.files.list": (params, { sessions }) => listSessionFiles(sessions, params),
  "sessions.files.set": (params, { sessions }) => setSessionFile(sessions, params),
  "sessions.files.reveal": (params, { sessions }) => revealSessionFiles(sessions, params),
  "sessions.diff": (params, { sessions }) => sessionDiff(sessions, params),
  "sessions.title.prepare": (params, { utility, agents }) => prepareTitle(utility, agents, params),
  "session.discussion.open": (params, { sessions }) => openDiscussion(sessions, params),
  "sessions.catalog.read": (params) => refuseCatalog(params),
  "sessions.catalog.archive": (params) => refuseCatalog(params),
  "sessions.catalog.continue": (params) => refuseCatalog(params),
  "sessions.catalog.startTerminal": (params) => refuseCatalog(params),
  "sessions.files.get": (params, { sessions }) => getSessionFile(sessions, params),
  "sessions.storage.status": (_params, { sessions }) => storageStatus(sessions),
} satisfies Partial<SessionsHandlers<CallContext>>;
