import type { EventBus } from "../platform/bus.ts";
import type { SessionRow } from "./row.ts";
import type { TranscriptRecord } from "./transcript-repository.ts";
import { transcriptSource, wireMessage } from "./wire-message.ts";

/**
 * Fields of a row that the session events repeat beside it, in upstream's order. A client merges them into what it
 * knows, so one that is absent from the row is sent as null, which clears it.
 */
const REPEATED_OR_NULL = [
  "createdActor",
  "owner",
  "archivedAt",
  "archivedBy",
  "archiveReason",
  "pinnedAt",
  "markedUnreadAt",
  "agentStatus",
  "observerDigest",
  "controlOwnerSessionKey",
  "swarm",
  "permissionMode",
  "label",
  "autoLabel",
  "icon",
  "color",
  "channelAvatarUrl",
  "category",
  "boardPresentation",
  "displayName",
  "thinkingLevel",
  "toolOverrides",
  "restartRecoveryStatus",
  "goal",
  "contextBudgetStatus",
  "activeModelProvider",
  "activeModel",
  "lastRunError",
  "providerReview",
  "lastRunId",
  "endedAt",
  "runtimeMs",
] as const;

const REPEATED = [
  "updatedAt",
  "sessionId",
  "participants",
  "participantCount",
  "kind",
  "visibility",
  "chatType",
  "archived",
  "pinned",
  "unread",
  "activitySummary",
  "permissionModePending",
  "sessionRoot",
  "execNode",
  "spawnDepth",
  "createdVia",
  "createdAt",
  "parentSessionKey",
  "childSessions",
  "fastMode",
  "effectiveFastMode",
  "effectiveFastModeSource",
  "fastAutoOnSeconds",
  "verboseLevel",
  "traceLevel",
  "reasoningLevel",
  "elevatedLevel",
  "sendPolicy",
  "systemSent",
  "abortedLastRun",
  "inputTokens",
  "outputTokens",
  "totalTokens",
  "totalTokensFresh",
  "contextTokens",
  "estimatedCostUsd",
  "responseUsage",
  "effectiveResponseUsage",
  "modelProvider",
  "model",
  "modelOverrideSource",
  "agentRuntime",
  "runtimeSelectionLocked",
  "status",
  "startedAt",
  "hasActiveRun",
  "activeRunIds",
  "placement",
  "sharingRole",
] as const;

/** The row with what events repeat of it, and the rows of the sessions it descends from. */
function eventFields(row: SessionRow, ancestors: readonly SessionRow[]): Record<string, unknown> {
  const known: Readonly<Record<string, unknown>> = row;
  const fields: Record<string, unknown> = { session: row };
  for (const name of REPEATED) if (known[name] !== undefined) fields[name] = known[name];
  for (const name of REPEATED_OR_NULL) fields[name] = known[name] ?? null;
  fields.participants ??= [];
  fields.participantCount ??= 0;
  fields.hasAutomation = false;
  if (ancestors.length > 0) fields.ancestorSessions = ancestors;
  return fields;
}

/** Publishes the session events in upstream's shape. Call it after the commit that made them true. */
export class SessionEvents {
  constructor(private readonly bus: EventBus) {}

  changed(row: SessionRow, ancestors: readonly SessionRow[], reason: string, ts: number, more: object = {}): void {
    const { key: sessionKey, agentId } = row;
    const placement = { placement: row.placement ?? null, placementMove: null };
    const fields = { ...eventFields(row, ancestors), ...placement };
    this.bus.publish("sessions.changed", { sessionKey, agentId, reason, ...more, ts, ...fields });
  }

  /** A session is gone. Upstream says it twice: with the session, and that the list is another one. */
  deleted(session: { key: string; agentId: string; sessionId: string }, ts: number): void {
    const { key: sessionKey, agentId, sessionId } = session;
    this.bus.publish("sessions.changed", { sessionKey, sessionId, agentId, reason: "delete", ts });
    this.bus.publish("sessions.changed", { reason: "delete", ts });
  }

  /** The groups of sessions are others. */
  regrouped(ts: number): void {
    this.bus.publish("sessions.changed", { reason: "groups", ts });
  }

  message(row: SessionRow, ancestors: readonly SessionRow[], message: TranscriptRecord): void {
    this.bus.publish("session.message", messageEvent(row, ancestors, message), { sessionKey: row.key });
  }
}

/** A row in which what is absent is null, so that a client that merges it forgets what it knew. */
export function clearingRow(row: SessionRow): Record<string, unknown> {
  const nulls = Object.fromEntries(REPEATED_OR_NULL.map((name) => [name, null]));
  return { ...nulls, participants: [], participantCount: 0, hasAutomation: false, ...row };
}

/** The payload of `session.message`; a client that catches up with a cursor gets the same. */
export function messageEvent(row: SessionRow, ancestors: readonly SessionRow[], message: TranscriptRecord) {
  const { key: sessionKey, agentId, sessionId } = row;
  const { senderIsOwner, runId } = message.meta ?? {};
  return {
    sessionKey,
    ...(senderIsOwner === undefined ? {} : { senderIsOwner }),
    agentId,
    message: wireMessage(message, transcriptSource(String(sessionId))),
    messageId: message.id,
    messageSeq: message.seq,
    ...(runId === undefined ? {} : { runId }),
    ...eventFields(row, ancestors),
  };
}
