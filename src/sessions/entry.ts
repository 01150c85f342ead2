import type { SessionEntry, SessionParticipant } from "../../generated/types.ts";
import { uuid } from "../platform/ids.ts";

export type { SessionEntry } from "../../generated/types.ts";

/** A session as it is stored: its record, and what lists show of its transcript. */
export interface StoredSession {
  key: string;
  agentId: string;
  entry: SessionEntry;
  /** Derived from the first thing that was said; null before that. */
  title: string | null;
  /** The beginning of the last message that has text; null before that. */
  preview: string | null;
}

/** The record of a session nobody has used yet. */
export function newEntry(now: number, createdVia: string): SessionEntry {
  return { sessionId: uuid(), lifecycleRevision: uuid(), updatedAt: now, createdVia, createdAt: now };
}

/** The record as the answers of mutations show it; who takes part in a session is told by its row. */
export function shownEntry({ participants: _participants, ...entry }: SessionEntry): SessionEntry {
  return entry;
}

/** What a connection says of itself, without a proven identity, as upstream keeps it. */
export const clientParticipant = (id: string): SessionParticipant => ({
  identity: { type: "observation", pluginId: null, accountId: null, senderKind: "unknown", id },
});

/** The record without what runs left in it. */
export function withoutRunState(entry: SessionEntry): SessionEntry {
  const {
    status: _status,
    startedAt: _startedAt,
    endedAt: _endedAt,
    runtimeMs: _runtimeMs,
    lastRunId: _lastRunId,
    lastRunError: _lastRunError,
    modelAttempts: _modelAttempts,
    inputTokens: _inputTokens,
    outputTokens: _outputTokens,
    totalTokens: _totalTokens,
    contextBudgetStatus: _contextBudgetStatus,
    ...rest
  } = entry;
  return { ...rest, systemSent: false, abortedLastRun: false, totalTokensFresh: false };
}

/** What survives when a session starts over (recordings of sessions.reset): who and where it is, not what was said. */
const KEPT_OVER_RESET = [
  "modelOverrideSource",
  "providerOverride",
  "modelOverride",
  "modelOverrideRouteResolution",
  "thinkingLevel",
  "fastMode",
  "verboseLevel",
  "traceLevel",
  "reasoningLevel",
  "responseUsage",
  "queueMode",
  "queueDebounceMs",
  "queueCap",
  "queueDrop",
  "elevatedLevel",
  "execHost",
  "execNode",
  "execCwd",
  "permissionMode",
  "toolOverrides",
  "contextWindow",
  "sendPolicy",
  "groupActivation",
  "queueMode",
  "chatType",
  "sessionRoot",
  "parentSessionKey",
  "parentSessionId",
  "spawnedBy",
  "spawnDepth",
  "participants",
  "label",
  "displayName",
  "category",
  "icon",
  "color",
  "boardFace",
  "visibility",
  "pinnedAt",
  "delivery",
  "deliveryContext",
  "inheritedToolPolicyVersion",
  "inheritedToolAllow",
  "inheritedToolDeny",
  "inheritedSandbox",
] as const satisfies readonly (keyof SessionEntry)[];

/** The record of a session that starts over: its id and settings kept, another lifecycle revision, counters at zero. */
export function restartedEntry(
  old: SessionEntry | null,
  now: number,
  model: { provider: string; id: string } | null,
): SessionEntry {
  const kept: Partial<Record<string, unknown>> = {};
  for (const name of KEPT_OVER_RESET) if (old?.[name] !== undefined) kept[name] = old[name];
  return {
    sessionId: old?.sessionId ?? uuid(),
    lifecycleRevision: uuid(),
    updatedAt: now,
    sessionStartedAt: now,
    systemSent: false,
    abortedLastRun: false,
    compactionCount: 0,
    ...kept,
    createdVia: old?.createdVia ?? "operator",
    createdAt: old?.createdAt ?? now,
    inputTokens: 0,
    outputTokens: 0,
    totalTokens: 0,
    totalTokensFresh: true,
    totalTokensVersion: 1,
    ...(model ? { modelProvider: model.provider, model: model.id } : {}),
  };
}
