import type { SessionsHandlers } from "../../generated/handlers.ts";
import type { SessionsCreateParams } from "../../generated/types.ts";
import type { CallContext, Caller } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { GatewayError } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";
import { forkSession, listBranches, rewindSession, switchBranch } from "../sessions/branches.ts";
import { cleanUpSessions, type Maintenance } from "../sessions/cleanup.ts";
import { shortenSession } from "../sessions/compact.ts";
import { createSession } from "../sessions/create.ts";
import { shownEntry } from "../sessions/entry.ts";
import { deleteGroup, groupDefaults, listGroups, putGroups, renameGroup, updateGroup } from "../sessions/groups.ts";
import { deleteSession, resetSession } from "../sessions/lifecycle.ts";
import { listSessions } from "../sessions/list.ts";
import { patchSession, resolvedModel } from "../sessions/patch.ts";
import { patchSessions } from "../sessions/patch-many.ts";
import { describeSession, getMessages, previewSessions, sessionHistory, sessionStatus } from "../sessions/read.ts";
import { resolveSession } from "../sessions/resolve.ts";
import { createScope, deleteScope, patchManyScope, patchScope } from "../sessions/scopes.ts";
import { searchSessions } from "../sessions/search.ts";
import { usageLogs, usageTimeseries } from "../usage/session-detail.ts";
import { senderOf } from "./sender.ts";
import { sessionSides } from "./session-sides.ts";
import { demandKey, demandTarget } from "./session-target.ts";

export const sessions: SessionsHandlers<CallContext> = {
  ...sessionSides,
  "sessions.list": (params, { sessions, caller }) => listSessions(sessions, params, caller),
  "sessions.create": async (params, context) => {
    const { sessions, caller } = context;
    const { session } = await createSession(sessions, params, caller);
    const { key, entry } = session;
    const run = await firstTurn(params, key, context);
    const resolved = resolvedModel(sessions, session);
    return { ok: true, key, sessionId: entry.sessionId, entry: shownEntry(entry), ...run, resolved };
  },
  "sessions.describe": (params, { sessions, caller }) => describeSession(sessions, params, caller),
  "sessions.get": (params, { sessions }) => getMessages(sessions, params),
  "sessions.resolve": (params, { sessions }) => resolveSession(sessions, params),
  "sessions.preview": (params, { sessions }) => previewSessions(sessions, params),
  "sessions.patch": (params, { sessions }) => patchSession(sessions, params),
  "sessions.patchMany": (params, { sessions }) => patchSessions(sessions, params),
  "sessions.search": (params, { sessions }) => searchSessions(sessions, params),
  "sessions.groups.list": (_params, { sessions }) => listGroups(sessions),
  "sessions.groups.defaults": (_params, { sessions }) => groupDefaults(sessions),
  "sessions.groups.put": (params, { sessions }) => putGroups(sessions, params),
  "sessions.groups.update": (params, { sessions }) => updateGroup(sessions, params),
  "sessions.groups.rename": (params, { sessions }) => renameGroup(sessions, params),
  "sessions.groups.delete": (params, { sessions }) => deleteGroup(sessions, params),
  "sessions.cleanup": (params, { sessions, config }) =>
    cleanUpSessions(sessions, config.current.session?.maintenance as Maintenance | undefined, params),
  "sessions.compact": (params, { sessions, compactor }) =>
    params.maxLines === undefined ? compactor.compact(params) : shortenSession(sessions, params, params.maxLines),
  "sessions.fork": (params, { sessions }) => forkSession(sessions, params),
  "sessions.rewind": (params, { sessions }) => rewindSession(sessions, params),
  "sessions.branches.list": (params, { sessions }) => listBranches(sessions, params),
  "sessions.branches.switch": (params, { sessions }) => switchBranch(sessions, params),
  "sessions.reset": (params, { sessions }) => resetSession(sessions, params),
  "sessions.delete": (params, { sessions }) => deleteSession(sessions, params),
  "sessions.send": (params, { sessionCalls, caller }) => sessionCalls.send(params, senderOf(caller)),
  "sessions.steer": (params, { sessionCalls, caller }) => sessionCalls.steer(params, senderOf(caller)),
  "sessions.abort": (params, { sessionCalls, caller }) => sessionCalls.abort(params, senderOf(caller)),
  "sessions.goal.update": (params, { goalRuns, caller }) => goalRuns.update(params, senderOf(caller)),
  "sessions.goal.clear": (params, { goalRuns }) => goalRuns.clear(params),
  "sessions.usage": (params, { usageReports }) => usageReports.sessions(params),
  "sessions.usage.timeseries": (params, { sessions }) => usageTimeseries(sessions, params),
  "sessions.usage.logs": (params, { sessions }) => usageLogs(sessions, params),
  "sessions.history": (params, { sessions }) => sessionHistory(sessions, params),
  "session.status": (params, { sessions, caller }) => sessionStatus(sessions, params, caller),
  "sessions.subscribe": async (params, { sessions, caller, subscriptions }) => {
    // Before the list is read, so that no change falls between the two.
    subscriptions.subscribeSessions();
    if (Object.keys(params).length === 0) return { subscribed: true };
    return { subscribed: true, list: await listSessions(sessions, params, caller) };
  },
  "sessions.messages.subscribe": (params, { sessions, subscriptions, reviewers, approvalRecords, caller }) => {
    const key = sessions.canonicalKey(params.key, params.agentId);
    if (params.includeApprovals) reviewers.follow(key, caller);
    subscriptions.subscribeMessages(key);
    if (!params.includeApprovals) return { subscribed: true, key };
    return approvalRecords.replay(key).then((approvalReplay) => ({ subscribed: true, key, approvalReplay }));
  },
  "sessions.messages.unsubscribe": (params, { sessions, subscriptions, reviewers, caller }) => {
    const key = sessions.canonicalKey(params.key, params.agentId);
    subscriptions.unsubscribeMessages(key);
    reviewers.unfollow(key, caller.connId);
    return { subscribed: false, key };
  },
};

/**
 * Sends the first message of a new session. One that is not accepted does not undo the session: the answer tells why, so
 * that the client can send it again. A repeated creation sends it under the same run id, which starts nothing twice.
 */
async function firstTurn(params: SessionsCreateParams, sessionKey: string, { chat, caller }: CallContext) {
  const { idempotencyKey, attachments } = params;
  const message = params.message ?? params.task;
  if (message === undefined && !attachments?.length) return { runStarted: false };
  const runId = idempotencyKey === undefined ? uuid() : `create:${caller.deviceId}:${idempotencyKey}`;
  const request = {
    sessionKey,
    message: message ?? "",
    attachments,
    timeoutMs: params.timeoutMs,
    idempotencyKey: runId,
  };
  try {
    const answer = await chat.send(request, senderOf(caller));
    return "runId" in answer ? { runStarted: true, runId: answer.runId, status: answer.status } : { runStarted: false };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { code, message, details } = error;
    return { runStarted: false, runError: { code, message, ...(details ? { details } : {}) } };
  }
}

/** Refuses a caller who may not do what these params ask for, before anybody looks whether they are well formed. */
function demand(caller: Caller, scope: string): void {
  if (!hasScope(caller, scope)) throw missingScope(scope);
}

/** Checks that come before the schema. */
export const sessionGuards: Readonly<Record<string, Guard>> = {
  "sessions.send": (params) => demandKey("sessions.send", params),
  "sessions.steer": (params) => demandKey("sessions.steer", params),
  "sessions.create": (params, caller) => demand(caller, createScope(params)),
  "sessions.patch": (params, caller) => {
    demand(caller, patchScope(params));
    demandTarget("sessions.patch", params, caller);
  },
  "sessions.patchMany": (params, caller) => demand(caller, patchManyScope(params)),
  "sessions.delete": (params, caller) => {
    demand(caller, deleteScope(params));
    demandTarget("sessions.delete", params, caller);
  },
};
