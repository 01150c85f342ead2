import type { Database } from "bun:sqlite";
import { basename } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import type { SessionGoal } from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import { workspaceOf } from "../agents/roster.ts";
import type { ConfigPort } from "../config/types.ts";
import type { Models } from "../models/models.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Store } from "../store/store.ts";
import type { SessionStats } from "../system/ports.ts";
import { isInternal } from "./display.ts";
import { clientParticipant, newEntry, restartedEntry, type SessionEntry, type StoredSession } from "./entry.ts";
import { SessionEvents } from "./events.ts";
import { goalAfterRun } from "./goals/goal.ts";
import { commandGoal, type GoalRule } from "./goals/goals.ts";
import { GoalReceipts } from "./goals/receipts.ts";
import { GroupRepository } from "./groups.ts";
import { canonicalKey, keyFacts, lookupKey } from "./keys.ts";
import { applyModelOverride } from "./model-choice.ts";
import { previewOf, titleOf } from "./names.ts";
import { applyQueue, queueOf } from "./queue-choice.ts";
import type { Family, WithChildren } from "./relatives.ts";
import { RowBuilder, type RowOptions, type SessionRow } from "./row.ts";
import { SearchRepository } from "./search.ts";
import { SessionRepository } from "./session-repository.ts";
import {
  type Appended,
  appendMessages,
  endTranscript,
  hasMessages,
  hasTranscript,
  type TranscriptRecord,
  TranscriptRepository,
} from "./transcript-repository.ts";
import type {
  ActiveRuns,
  SessionOverrides,
  SessionRunUpdate,
  SessionState,
  SessionsPort,
  SessionToolSettings,
  StoredMessage,
  TranscriptMessage,
} from "./types.ts";

export interface SessionsOptions {
  store: Store;
  bus: EventBus;
  clock: Clock;
  config: ConfigPort;
  agents: AgentCatalogue;
  models: Models;
}

/** Before anything runs turns, nothing is at work. */
const NO_RUNS: ActiveRuns = { activeRunIds: () => [], pendingInputs: () => [] };

/** Rows in events carry everything that a client shows of a session. */
const EVENT_ROW: RowOptions = {
  derivedTitle: true,
  lastMessage: true,
  activity: true,
  runs: true,
  sharingRole: "admin",
};

/** What a client shows of where a session comes from. */
const ANCESTOR_ROW: RowOptions = { ...EVENT_ROW, derivedTitle: false };

/**
 * The sessions of this gateway: who they are, what was said in them, and the events about both. Every change is one
 * transaction; its events follow when it is on disk.
 */
export class Sessions implements SessionsPort, SessionStats {
  readonly repository: SessionRepository;
  readonly transcripts: TranscriptRepository;
  readonly groups: GroupRepository;
  readonly search: SearchRepository;
  readonly goalReceipts: GoalReceipts;
  readonly agents: AgentCatalogue;
  readonly models: Models;
  readonly clock: Clock;
  /** The database as answers name it: its file without the folder, which is not for every reader (CVE-2026-41339). */
  readonly path: string;
  /** The database with its folder, for administrators. */
  readonly storePath: string;
  private readonly config: ConfigPort;
  private readonly events: SessionEvents;
  private activeRuns: ActiveRuns = NO_RUNS;

  constructor({ store, bus, clock, config, agents, models }: SessionsOptions) {
    this.repository = new SessionRepository(store);
    this.transcripts = new TranscriptRepository(store);
    this.groups = new GroupRepository(store);
    this.search = new SearchRepository(store);
    this.goalReceipts = new GoalReceipts(store);
    this.config = config;
    this.agents = agents;
    this.models = models;
    this.clock = clock;
    this.storePath = store.db.filename;
    this.path = basename(this.storePath);
    this.events = new SessionEvents(bus);
  }

  /** The runs that are at work. Set once by the composition, because runs are built from sessions. */
  get runs(): ActiveRuns {
    return this.activeRuns;
  }

  useRuns(runs: ActiveRuns): void {
    this.activeRuns = runs;
  }

  canonicalKey(key: string, agentId?: string): string {
    return canonicalKey(key, this.agents.roster, agentId);
  }

  lookupKey(key: string, agentId?: string): string {
    return lookupKey(key, this.agents.roster, agentId);
  }

  /** Whose session it is, from its canonical key. */
  agentOf(key: string): string {
    return keyFacts(key, this.agents.roster).agentId;
  }

  /** The absolute path of the agent's workspace. */
  workspaceOf(agentId: string): string {
    return workspaceOf(this.config.current, this.config.stateDir, agentId);
  }

  /** A builder of rows as they are now. */
  rows(): RowBuilder {
    return new RowBuilder({ agents: this.agents, models: this.models, runs: () => this.runs }, this.clock.now());
  }

  stats(
    agentId: string,
    limit: number,
  ): Promise<{ count: number; recent: { key: string; updatedAt: number | null }[] }> {
    return this.repository.stats(agentId, limit);
  }

  async find(key: string): Promise<SessionState | null> {
    const session = await this.repository.find(key);
    return session && stateOf(session);
  }

  /** Where the last message of a session came from, if a channel brought it and its sender can be reached there. */
  async lastRoute(key: string): Promise<{ channel: string; to: string; accountId?: string; threadId?: string } | null> {
    const route = (await this.repository.find(key))?.entry.deliveryContext;
    if (!route?.channel || !route.to || route.channel === "webchat") return null;
    const { channel, to, accountId, threadId } = route;
    return {
      channel,
      to,
      ...(accountId === undefined ? {} : { accountId }),
      ...(threadId === undefined ? {} : { threadId: String(threadId) }),
    };
  }

  async findById(sessionId: string): Promise<SessionState | null> {
    const session = await this.repository.findById(sessionId);
    return session && stateOf(session);
  }

  async ensure(
    key: string,
    { createdVia, actor, sessionId }: { createdVia: string; actor?: string; sessionId?: string },
  ): Promise<SessionState> {
    const now = this.clock.now();
    let joined = false;
    const join = (known: StoredSession | null, db: Database): StoredSession => {
      const wanted = known || sessionId === undefined || hasTranscript(db, sessionId) ? undefined : sessionId;
      const base = known ?? this.blank(key, now, createdVia, wanted);
      if (actor === undefined) return base;
      const { participants = [] } = base.entry;
      joined = !participants.some(({ identity }) => identity.id === actor);
      const entry: SessionEntry = {
        ...base.entry,
        updatedAt: now,
        lastInteractionAt: now,
        // A program's run does not make its session one that people talk in.
        chatType: base.entry.chatType ?? (createdVia === "run" ? undefined : "direct"),
        delivery: base.entry.delivery?.kind === "channel" ? base.entry.delivery : { kind: "internal" },
        participants: joined ? [...participants, clientParticipant(actor)] : participants,
      };
      // What the session was said to be waiting for is over when somebody says something.
      delete entry.agentStatus;
      return { ...base, entry };
    };
    const session = await this.repository.update(key, join, (family) => {
      if (joined) this.changed(family, "participants");
    });
    return stateOf(session);
  }

  async append(key: string, messages: readonly TranscriptMessage[], reason?: string): Promise<StoredMessage[]> {
    const appended = await this.say(key, messages, { reason });
    return appended.map(({ message }) => message as StoredMessage);
  }

  /**
   * Stores messages and publishes `session.message` for each new one, then `sessions.changed` if there is a reason to
   * name; `first` is published before both.
   * @throws what `check` throws, with the session as it is before
   */
  async say(
    key: string,
    messages: readonly TranscriptMessage[],
    { reason, check, first }: SayOptions = {},
  ): Promise<Appended[]> {
    const now = this.clock.now();
    let appended: Appended[] = [];
    const add = (known: StoredSession | null, db: Database): StoredSession => {
      check?.(known);
      const base = known ?? this.blank(key, now, "internal");
      appended = appendMessages(db, { key, sessionId: base.entry.sessionId, agentId: base.agentId }, messages, now);
      const added = newOnes(appended);
      if (added.length === 0) return base;
      return {
        ...base,
        entry: { ...base.entry, updatedAt: now },
        title: base.title ?? firstOf(added.map(titleOf)),
        preview: firstOf(added.map(previewOf).reverse()) ?? base.preview,
      };
    };
    await this.repository.update(key, add, (family) => {
      const added = newOnes(appended);
      if (added.length === 0) return;
      first?.(family.session, added);
      const { row, ancestors } = this.eventRows(family);
      // A tool's result is told by the events of its call (measured on 2026.9.6).
      const told = added.filter((message) => message.role !== "toolResult" && !isInternal(message));
      for (const message of told) this.events.message(row, ancestors, message);
      if (reason !== undefined) this.events.changed(row, ancestors, reason, this.clock.now());
    });
    return appended;
  }

  async recent(key: string, limit: number): Promise<StoredMessage[]> {
    const session = await this.repository.find(key);
    return session ? this.transcripts.context(session.entry.sessionId, limit, LIMITS.recentChars) : [];
  }

  async recordRun(key: string, update: SessionRunUpdate, reason?: string): Promise<void> {
    const now = this.clock.now();
    const merge = (known: StoredSession | null): StoredSession | null => {
      if (!known) return null;
      const entry: Record<string, unknown> = { ...known.entry, updatedAt: now };
      for (const [name, value] of Object.entries(update)) {
        if (value === null) delete entry[name];
        else if (value !== undefined) entry[name] = value;
      }
      // From its first run on a session counts tokens.
      if (update.status === "running") entry.totalTokens ??= 0;
      if (update.totalTokens !== undefined || entry.totalTokens === 0) entry.totalTokensFresh = true;
      if (known.entry.goal && update.endedAt) {
        const { status, lastRunError: error } = update;
        entry.goal = goalAfterRun(known.entry.goal, entry as Partial<SessionEntry>, { status, error }, now);
      }
      return { ...known, entry: entry as unknown as SessionEntry };
    };
    const tell = reason === undefined ? undefined : (family: Family) => this.changed(family, reason);
    await this.repository.update(key, merge, tell);
  }

  async startOver(key: string, reason: "new" | "reset"): Promise<SessionState> {
    return stateOf(await this.restart(key, reason));
  }

  /**
   * An empty transcript and a new lifecycle revision under the same key and id, as upstream 2026.9.6 does it (older
   * releases gave the session a new id); creates the session if need be. Where something had been said, the new
   * transcript begins with a mark. The old transcript stays on disk and is found by its messages.
   * @throws what `check` throws, with the session as it is before
   */
  async restart(
    key: string,
    reason: "new" | "reset",
    check: (session: StoredSession | null) => void = () => {},
  ): Promise<StoredSession> {
    const now = this.clock.now();
    const renew = (known: StoredSession | null, db: Database): StoredSession => {
      check(known);
      const agentId = known?.agentId ?? this.agentOf(key);
      const entry = restartedEntry(known?.entry ?? null, now, this.agents.model(agentId));
      if (known && hasMessages(db, known.entry.sessionId)) {
        const mark = {
          role: "system" as const,
          content: [{ type: "text" as const, text: "Reset" }],
          timestamp: now,
          meta: { kind: "reset" },
        };
        endTranscript(db, { key, sessionId: entry.sessionId }, now);
        appendMessages(db, { key, sessionId: entry.sessionId, agentId }, [mark], now);
      }
      return { key, agentId, entry, title: null, preview: null };
    };
    return this.repository.update(key, renew, (family) => this.changed(family, reason));
  }

  async setOverrides(key: string, { modelOverride, thinkingLevel, queue }: SessionOverrides): Promise<SessionState> {
    const now = this.clock.now();
    const choose = (known: StoredSession | null): StoredSession => {
      const base = known ?? this.blank(key, now, "internal");
      const entry: SessionEntry = { ...base.entry, updatedAt: now };
      if (modelOverride !== undefined) applyModelOverride(entry, modelOverride);
      if (thinkingLevel === null) delete entry.thinkingLevel;
      else if (thinkingLevel !== undefined) entry.thinkingLevel = thinkingLevel;
      if (queue !== undefined) applyQueue(entry, queue);
      return { ...base, entry };
    };
    return stateOf(await this.repository.update(key, choose, (family) => this.changed(family, "patch")));
  }

  changeGoal(key: string, rule: GoalRule): Promise<SessionGoal | null> {
    return commandGoal(this, key, rule);
  }

  /** Publishes `sessions.changed` for a session as it has just been stored, with what else a client is told. */
  changed(family: Family, reason: string, more?: object): void {
    const { row, ancestors } = this.eventRows(family);
    this.events.changed(row, ancestors, reason, this.clock.now(), more);
  }

  /** Publishes that the groups, or which sessions are in them, are others. */
  regrouped(): void {
    this.events.regrouped(this.clock.now());
  }

  /** Publishes that a session is gone. */
  gone({ key, agentId, entry }: StoredSession): void {
    this.events.deleted({ key, agentId, sessionId: entry.sessionId }, this.clock.now());
  }

  /** A session nobody has stored yet, with a fresh id unless one is wanted. */
  blank(key: string, now: number, createdVia: string, sessionId?: string): StoredSession {
    const entry = newEntry(now, createdVia);
    if (sessionId !== undefined) entry.sessionId = sessionId;
    return { key, agentId: this.agentOf(key), entry, title: null, preview: null };
  }

  /** The rows of a session and of those it descends from, as events show them. */
  eventRows({ ancestors, ...own }: Family): { row: SessionRow; ancestors: SessionRow[] } {
    const rows = this.rows();
    const show = ({ session, childSessions }: WithChildren, options: RowOptions) =>
      rows.row(session, options, childSessions.length > 0 ? { childSessions } : {});
    return { row: show(own, EVENT_ROW), ancestors: ancestors.map((each) => show(each, ANCESTOR_ROW)) };
  }
}

/** How messages are stored and told of. */
export interface SayOptions {
  reason?: string;
  check?(session: StoredSession | null): void;
  first?(session: StoredSession, added: readonly TranscriptRecord[]): void;
}

const newOnes = (appended: readonly Appended[]): TranscriptRecord[] =>
  appended.flatMap(({ message, isNew }) => (isNew ? [message] : []));

/** The part of a session that turns need. */
function stateOf({ key, agentId, entry }: StoredSession): SessionState {
  const { providerOverride, modelOverride } = entry;
  const { permissionMode, execHost, execNode, execCwd, spawnedBy } = entry;
  return {
    key,
    sessionId: entry.sessionId,
    agentId,
    modelOverride: providerOverride && modelOverride ? `${providerOverride}/${modelOverride}` : null,
    thinkingLevel: entry.thinkingLevel ?? null,
    sendPolicy: entry.sendPolicy ?? null,
    goal: entry.goal ?? null,
    archived: entry.archivedAt !== undefined,
    queue: queueOf(entry),
    spawnDepth: entry.spawnDepth ?? 0,
    ...(entry.inheritedToolAllow ? { inheritedTools: entry.inheritedToolAllow } : {}),
    ...(entry.inheritedSandbox ? { inheritedSandbox: true } : {}),
    tools: {
      permissionMode: permissionMode as SessionToolSettings["permissionMode"],
      execHost,
      execNode,
      execCwd,
      spawnedBy,
    },
  };
}

const firstOf = (values: readonly (string | null)[]): string | null => values.find((value) => value !== null) ?? null;
