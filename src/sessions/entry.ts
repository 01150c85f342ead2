import { uuid } from "../platform/ids.ts";

/** Who wrote into a session, in upstream's words: what the connection says of itself, without a proven identity. */
export interface Participant {
  identity: {
    type: "observation";
    pluginId: string | null;
    accountId: string | null;
    senderKind: "unknown";
    id: string;
  };
}

/** Where a session's answers go. `none`: nobody has written yet; `internal`: a client of the gateway. */
export interface Delivery {
  kind: "none" | "internal" | "channel";
}

/** What a client shows of what the agent is about, until `expiresAt` (epoch milliseconds). */
export interface AgentStatus {
  note?: string;
  expiresAt: number;
  attention?: string;
}

/**
 * The stored record of a session, as mutations return it under `entry` (BEHAVIOUR section 9, recordings of
 * sessions.patch). Times are epoch milliseconds. A field that is absent is at its default.
 */
export interface SessionEntry {
  sessionId: string;
  /** Changes when the session starts over; clients guard their writes with it. */
  lifecycleRevision: string;
  updatedAt: number;
  createdAt: number;
  createdVia: string;
  sessionStartedAt?: number;
  sessionRoot?: string;
  label?: string;
  displayName?: string;
  category?: string;
  icon?: string;
  color?: string;
  boardFace?: string;
  visibility?: string;
  agentStatus?: AgentStatus;
  archivedAt?: number;
  archiveReason?: string;
  pinnedAt?: number;
  markedUnreadAt?: number;
  lastReadAt?: number;
  lastInteractionAt?: number;
  chatType?: string;
  delivery?: Delivery;
  deliveryContext?: { channel?: string; to?: string; accountId?: string; threadId?: string };
  participants?: Participant[];
  parentSessionKey?: string;
  parentSessionId?: string;
  spawnedBy?: string;
  spawnDepth?: number;
  forkSource?: { sessionKey: string; sessionId: string };
  forkedFromParent?: boolean;
  /** What a person or the gateway chose instead of the agent's model. */
  providerOverride?: string;
  modelOverride?: string;
  modelOverrideSource?: string;
  modelOverrideRouteResolution?: string;
  contextWindow?: string;
  thinkingLevel?: string;
  fastMode?: boolean | "auto";
  verboseLevel?: string;
  traceLevel?: string;
  reasoningLevel?: string;
  responseUsage?: string;
  elevatedLevel?: string;
  execHost?: string;
  execNode?: string;
  execCwd?: string;
  permissionMode?: string;
  toolOverrides?: Record<string, unknown>;
  sendPolicy?: "allow" | "deny";
  groupActivation?: string;
  completionOwnerSessionKey?: string;
  inheritedToolPolicyVersion?: number;
  inheritedToolAllow?: string[];
  inheritedToolDeny?: string[];
  /** What the last run left. */
  systemSent?: boolean;
  abortedLastRun?: boolean;
  compactionCount?: number;
  status?: string;
  startedAt?: number;
  endedAt?: number;
  runtimeMs?: number;
  lastRunId?: string;
  inputTokens?: number;
  outputTokens?: number;
  totalTokens?: number;
  totalTokensFresh?: boolean;
  totalTokensVersion?: number;
  estimatedCostUsd?: number;
  modelProvider?: string;
  model?: string;
}

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

/** The participant that a connection of a client is. */
export const clientParticipant = (id: string): Participant => ({
  identity: { type: "observation", pluginId: null, accountId: null, senderKind: "unknown", id },
});

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
  "elevatedLevel",
  "execHost",
  "execNode",
  "execCwd",
  "permissionMode",
  "toolOverrides",
  "contextWindow",
  "sendPolicy",
  "groupActivation",
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
] as const satisfies readonly (keyof SessionEntry)[];

/** The record of a session that starts over: a fresh id, counters at zero, settings kept. */
export function restartedEntry(
  old: SessionEntry | null,
  now: number,
  model: { provider: string; id: string } | null,
): SessionEntry {
  const kept: Partial<Record<string, unknown>> = {};
  for (const name of KEPT_OVER_RESET) if (old?.[name] !== undefined) kept[name] = old[name];
  return {
    sessionId: uuid(),
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
