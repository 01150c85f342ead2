import type { SessionListRow } from "../../generated/types.ts";
import type { AgentCatalogue, SessionDefaults } from "../agents/catalogue.ts";
import type { ModelEntry } from "../models/catalogue.ts";
import type { Models } from "../models/models.ts";
import { refOf } from "../models/references.ts";
import type { ThinkingFacts } from "../models/thinking.ts";
import type { SessionEntry, StoredSession } from "./entry.ts";
import { type KeyFacts, keyFacts } from "./keys.ts";
import { derivedTitle, displayName } from "./names.ts";
import type { ActiveRuns } from "./types.ts";

/** How a session's turns are run: here, by the gateway itself. Nothing else can be chosen. */
export const SESSION_RUNTIME = {
  id: "openclaw",
  cloudPlacementSupported: false,
  cloudPlacementExecutionMode: "worker-turn",
  devicePlacement: { requiredNodeCommands: [], consumesWorkerSlot: true },
  devicePlacementSupported: false,
  source: "implicit",
} as const;

/** The gateway writes no summaries of what a session is about. */
const ACTIVITY_SUMMARY = { state: "unavailable", canEnsure: false } as const;

/** Seconds after which `fastMode: "auto"` would switch; upstream's default. */
const FAST_AUTO_SECONDS = 60;

/** Which optional parts a row has. */
export interface RowOptions {
  derivedTitle?: boolean;
  lastMessage?: boolean;
  activity?: boolean;
  runs?: boolean;
  /** Part of a row for a caller: what sharing allows it. */
  sharingRole?: "admin" | "owner";
}

/** What a row says of the session's place among others, when the caller looked. */
export interface RowRelations {
  childSessions?: string[];
}

export interface RowDeps {
  agents: AgentCatalogue;
  models: Models;
  runs(): ActiveRuns;
}

interface ModelFacts extends ThinkingFacts {
  provider: string | null;
  id: string | null;
  contextTokens: number | null;
}

/**
 * Builds rows as `sessions.list`, `sessions.describe`, `chat.history` and the session events show them, fields in
 * upstream's order. One builder serves one answer: it remembers what sessions with the same agent and model share.
 */
export class RowBuilder {
  private readonly facts = new Map<string, ModelFacts>();

  constructor(
    private readonly deps: RowDeps,
    private readonly now: number,
  ) {}

  /** The row of a stored session. */
  row(session: StoredSession, options: RowOptions = {}, relations: RowRelations = {}): SessionRow {
    const { entry } = session;
    const key = keyFacts(session.key, this.deps.agents.roster);
    const model = this.modelFacts(session);
    return defined({
      key: session.key,
      visibility: entry.visibility ?? "shared",
      spawnedCwd: entry.spawnedCwd,
      workspaceDir: entry.spawnedCwd,
      permissionMode: entry.permissionMode,
      permissionModePending: false,
      sessionRoot: entry.permissionMode === undefined ? undefined : entry.sessionRoot,
      execNode: entry.execNode,
      execCwd: entry.execCwd,
      spawnedBy: entry.spawnedBy,
      spawnDepth: entry.spawnDepth,
      createdVia: entry.createdVia,
      ...participantFields(entry),
      createdAt: entry.createdAt,
      forkedFromParent: entry.forkedFromParent,
      forkSource: entry.forkSource,
      kind: key.kind,
      label: entry.label,
      icon: entry.icon,
      color: entry.color,
      category: entry.category,
      boardFace: entry.boardFace,
      ...keyFields(key, entry),
      displayName: displayName(session.key, entry, this.deps.agents.roster),
      derivedTitle: options.derivedTitle ? derivedTitle(session) : undefined,
      lastMessagePreview: options.lastMessage ? (session.preview ?? undefined) : undefined,
      chatType: entry.chatType,
      updatedAt: entry.updatedAt,
      ...attentionFields(entry, this.now),
      sessionId: entry.sessionId,
      systemSent: entry.systemSent,
      abortedLastRun: entry.abortedLastRun,
      ...settingFields(entry, model),
      ...runFields(entry),
      goal: entry.goal,
      ...automationField(key),
      parentSessionKey: entry.parentSessionKey,
      parentSessionId: entry.parentSessionId,
      childSessions: relations.childSessions,
      ...this.tail(session.key, entry, model, SESSION_RUNTIME),
      ...this.activeModel(session.key),
      ...placementField(entry),
      ...(options.activity ? { activitySummary: ACTIVITY_SUMMARY } : {}),
      ...(options.runs ? this.runFields(session.key) : {}),
      sharingRole: options.sharingRole,
    }) as unknown as SessionRow;
  }

  /** What clients are told of a session that does not exist yet. */
  unknown(key: string, relations: RowRelations = {}): SessionRow {
    const facts = keyFacts(key, this.deps.agents.roster);
    const defaults = this.deps.agents.sessionDefaults(facts.agentId);
    const model = fromDefaults(defaults);
    return defined({
      key,
      permissionModePending: false,
      kind: facts.kind,
      ...keyFields(facts, {}),
      displayName: displayName(key, {}, this.deps.agents.roster),
      updatedAt: null,
      archived: false,
      pinned: false,
      unread: false,
      ...settingFields({}, model),
      totalTokensFresh: false,
      ...automationField(facts),
      childSessions: relations.childSessions,
      ...this.tail(key, {}, model, defaults.agentRuntime),
      ...this.runFields(key),
    }) as unknown as SessionRow;
  }

  /** The model that the session's next turn would use: its own choice, else its agent's. */
  model(session: StoredSession): ModelEntry | null {
    const { providerOverride, modelOverride } = session.entry;
    if (providerOverride === undefined || modelOverride === undefined) return this.deps.agents.model(session.agentId);
    return this.deps.models.find(refOf({ provider: providerOverride, id: modelOverride }));
  }

  private modelFacts(session: StoredSession): ModelFacts {
    const { providerOverride, modelOverride } = session.entry;
    const name = `${session.agentId} ${providerOverride} ${modelOverride}`;
    const known = this.facts.get(name);
    if (known) return known;
    const facts = this.readModelFacts(session);
    this.facts.set(name, facts);
    return facts;
  }

  private readModelFacts(session: StoredSession): ModelFacts {
    const { agents, models } = this.deps;
    const { providerOverride, modelOverride } = session.entry;
    if (modelOverride === undefined) return fromDefaults(agents.sessionDefaults(session.agentId));
    const model = this.model(session);
    return {
      provider: providerOverride ?? null,
      id: modelOverride,
      contextTokens: model ? models.contextWindow(model) : null,
      ...models.thinking(model, agents.find(session.agentId)?.thinkingDefault),
    };
  }

  private tail(key: string, entry: Partial<SessionEntry>, model: ModelFacts, agentRuntime: object) {
    return {
      responseUsage: entry.responseUsage,
      effectiveResponseUsage: entry.responseUsage ?? "off",
      queueMode: entry.queueMode,
      effectiveQueueMode: this.deps.runs().queueMode?.(key, entry.queueMode) ?? entry.queueMode ?? "steer",
      modelProvider: model.provider ?? undefined,
      model: model.id ?? undefined,
      modelOverrideSource:
        entry.modelOverrideSource === "user" || entry.modelOverrideSource === "auto" ? entry.modelOverrideSource : null,
      runtimeSelectionLocked: false,
      agentRuntime,
      contextTokens: model.contextTokens ?? undefined,
      contextBudgetStatus: entry.contextBudgetStatus,
      snapshotAt: this.now,
    };
  }

  private activeModel(key: string) {
    const model = this.deps.runs().activeModel?.(key);
    return model ? { activeModelProvider: model.provider, activeModel: model.id } : {};
  }

  private runFields(key: string) {
    const activeRunIds = this.deps.runs().activeRunIds(key);
    return { hasActiveRun: activeRunIds.length > 0, activeRunIds };
  }
}

/** A row as it is sent. */
export type SessionRow = SessionListRow;

const fromDefaults = ({ modelProvider, model, contextTokens, ...thinking }: SessionDefaults): ModelFacts => ({
  provider: modelProvider,
  id: model,
  contextTokens,
  thinkingLevels: thinking.thinkingLevels,
  thinkingOptions: thinking.thinkingOptions,
  thinkingDefault: thinking.thinkingDefault,
});

function participantFields({ participants }: SessionEntry) {
  if (!participants || participants.length === 0) return {};
  return {
    participants: participants.slice(0, 4),
    expandedParticipants: participants,
    participantCount: participants.length,
  };
}

/** A session in which somebody has talked is a direct one, whatever its key is called. */
function keyFields(key: KeyFacts, { chatType }: Partial<SessionEntry>) {
  return {
    channel: key.channel,
    classification: key.classification === "custom" && chatType !== undefined ? chatType : key.classification,
    agentId: key.agentId,
    accountId: key.accountId,
    peerKind: key.peerKind,
    isMain: key.isMain,
    isBackground: key.isBackground,
  };
}

function attentionFields(entry: SessionEntry, now: number) {
  const seen = entry.lastReadAt ?? entry.createdAt;
  const status = entry.agentStatus && entry.agentStatus.expiresAt > now ? entry.agentStatus : undefined;
  return {
    archived: entry.archivedAt !== undefined,
    archivedAt: entry.archivedAt,
    archiveReason: entry.archiveReason,
    pinned: entry.pinnedAt !== undefined,
    pinnedAt: entry.pinnedAt,
    unread: entry.markedUnreadAt !== undefined || (entry.lastInteractionAt ?? 0) > seen,
    lastReadAt: entry.lastReadAt,
    markedUnreadAt: entry.markedUnreadAt,
    agentStatus: status,
    lastInteractionAt: entry.lastInteractionAt,
    lastActivityAt: entry.lastActivityAt,
  };
}

function settingFields(entry: Partial<SessionEntry>, model: ModelFacts) {
  return {
    thinkingLevel: entry.thinkingLevel,
    thinkingLevels: model.thinkingLevels,
    thinkingOptions: model.thinkingOptions,
    thinkingDefault: model.thinkingDefault,
    fastMode: entry.fastMode,
    toolOverrides: entry.toolOverrides,
    effectiveFastMode: entry.fastMode ?? false,
    effectiveFastModeSource: entry.fastMode === undefined ? "default" : "session",
    fastAutoOnSeconds: FAST_AUTO_SECONDS,
    verboseLevel: entry.verboseLevel,
    traceLevel: entry.traceLevel,
    reasoningLevel: entry.reasoningLevel,
    elevatedLevel: entry.elevatedLevel,
    sendPolicy: entry.sendPolicy,
  };
}

const runFields = (entry: SessionEntry) => ({
  inputTokens: entry.inputTokens,
  outputTokens: entry.outputTokens,
  totalTokens: entry.totalTokens,
  totalTokensFresh: entry.totalTokensFresh ?? false,
  estimatedCostUsd: entry.estimatedCostUsd,
  status: entry.status,
  startedAt: entry.startedAt,
  endedAt: entry.endedAt,
  runtimeMs: entry.runtimeMs,
  lastRunError: entry.lastRunError,
  lastRunId: entry.lastRunId,
});

/** Heartbeats go to main sessions. This gateway does not send any by itself yet (see heartbeat-plan.ts). */
const automationField = ({ isMain }: KeyFacts) => (isMain ? { hasAutomation: false } : {});

/** A session that ran is placed here since its first run; it never moves. */
function placementField({ startedAt, endedAt }: SessionEntry) {
  if (startedAt === undefined) return {};
  const since = { createdAtMs: startedAt, updatedAtMs: endedAt ?? startedAt, stateChangedAtMs: startedAt };
  return { placement: { state: "local", generation: 0, ...since } };
}

/** What has a value. A new object: one from which fields are deleted is slow to read and to serialise ever after. */
function defined(fields: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
