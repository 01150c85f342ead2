import { basename } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import { workspaceOf } from "../agents/roster.ts";
import type { ConfigPort } from "../config/types.ts";
import type { Models } from "../models/models.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Store } from "../store/store.ts";
import type { SessionStats } from "../system/ports.ts";
import { clientParticipant, newEntry, restartedEntry, type SessionEntry, type StoredSession } from "./entry.ts";
import { SessionEvents } from "./events.ts";
import { canonicalKey, keyFacts } from "./keys.ts";
import { applyModelOverride } from "./model-choice.ts";
import { previewOf, titleOf } from "./names.ts";
import { RowBuilder, type RowOptions, type SessionRow } from "./row.ts";
import { SessionRepository } from "./session-repository.ts";
import {
  type Appended,
  appendMessages,
  hasMessages,
  hasTranscript,
  TranscriptRepository,
} from "./transcript-repository.ts";
import type {
  ActiveRuns,
  SessionRunUpdate,
  SessionState,
  SessionsPort,
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

/** How many sessions up the line of parents an event tells of. */
const MAX_ANCESTORS = 8;

/**
 * The sessions of this gateway: who they are, what was said in them, and the events about both. Every change is one
 * transaction; its events follow when it is on disk.
 */
export class Sessions implements SessionsPort, SessionStats {
  readonly repository: SessionRepository;
  readonly transcripts: TranscriptRepository;
  readonly agents: AgentCatalogue;
  readonly models: Models;
  readonly clock: Clock;
  /** The database as answers name it: its file without the folder, which is not for every reader (CVE-2026-41339). */
  readonly path: string;
  private readonly config: ConfigPort;
  private readonly events: SessionEvents;
  private activeRuns: ActiveRuns = NO_RUNS;

  constructor({ store, bus, clock, config, agents, models }: SessionsOptions) {
    this.repository = new SessionRepository(store);
    this.transcripts = new TranscriptRepository(store);
    this.config = config;
    this.agents = agents;
    this.models = models;
    this.clock = clock;
    this.path = basename(store.db.filename);
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
    const session = await this.repository.update(key, (known, db) => {
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
      return { ...base, entry };
    });
    if (joined) await this.announce(session, "participants");
    return stateOf(session);
  }

  async append(key: string, messages: readonly TranscriptMessage[], reason?: string): Promise<StoredMessage[]> {
    const { session, appended } = await this.store(key, messages);
    await this.announceMessages(session, appended, reason);
    return appended.map(({ message }) => message as StoredMessage);
  }

  /**
   * Stores messages without telling anybody; {@link announceMessages} does that.
   * @throws what `check` throws, with the session as it is before
   */
  async store(
    key: string,
    messages: readonly TranscriptMessage[],
    check: (session: StoredSession | null) => void = () => {},
  ): Promise<{ session: StoredSession; appended: Appended[] }> {
    const now = this.clock.now();
    let appended: Appended[] = [];
    const session = await this.repository.update(key, (known, db) => {
      check(known);
      const base = known ?? this.blank(key, now, "internal");
      appended = appendMessages(db, { key, sessionId: base.entry.sessionId }, messages, now);
      const added = appended.flatMap(({ message, isNew }) => (isNew ? [message] : []));
      if (added.length === 0 && known) return known;
      return {
        ...base,
        entry: { ...base.entry, updatedAt: now },
        title: base.title ?? firstOf(added.map(titleOf)),
        preview: firstOf(added.map(previewOf).reverse()) ?? base.preview,
      };
    });
    return { session, appended };
  }

  /** Publishes `session.message` for each new message, then `sessions.changed` if there is a reason to name. */
  async announceMessages(session: StoredSession, appended: readonly Appended[], reason?: string): Promise<void> {
    const added = appended.filter(({ isNew }) => isNew);
    if (added.length === 0) return;
    const row = await this.eventRow(session);
    const ancestors = await this.ancestors(session);
    for (const { message } of added) this.events.message(row, ancestors, message);
    if (reason !== undefined) this.events.changed(row, ancestors, reason, this.clock.now());
  }

  async recent(key: string, limit: number): Promise<StoredMessage[]> {
    const session = await this.repository.find(key);
    return session ? this.transcripts.newest(session.entry.sessionId, limit, LIMITS.recentChars) : [];
  }

  async recordRun(key: string, update: SessionRunUpdate, reason?: string): Promise<void> {
    const now = this.clock.now();
    const session = await this.repository.update(key, (known) => {
      if (!known) return null;
      const entry: Record<string, unknown> = { ...known.entry, updatedAt: now };
      for (const [name, value] of Object.entries(update)) {
        if (value === null) delete entry[name];
        else if (value !== undefined) entry[name] = value;
      }
      // From its first run on a session counts tokens.
      if (update.status === "running") entry.totalTokens ??= 0;
      if (update.totalTokens !== undefined || entry.totalTokens === 0) entry.totalTokensFresh = true;
      return { ...known, entry: entry as unknown as SessionEntry };
    });
    if (session && reason !== undefined) await this.announce(session, reason);
  }

  async startOver(key: string, reason: "new" | "reset"): Promise<SessionState> {
    return stateOf(await this.restart(key, reason));
  }

  /**
   * A fresh session id and an empty transcript under the same key; creates the session if need be. Where something
   * had been said, the new transcript begins with a mark. The old transcript stays on disk under its old id.
   * @throws what `check` throws, with the session as it is before
   */
  async restart(
    key: string,
    reason: "new" | "reset",
    check: (session: StoredSession | null) => void = () => {},
  ): Promise<StoredSession> {
    const now = this.clock.now();
    const session = await this.repository.update(key, (known, db): StoredSession => {
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
        appendMessages(db, { key, sessionId: entry.sessionId }, [mark], now);
      }
      return { key, agentId, entry, title: null, preview: null };
    });
    await this.announce(session, reason);
    return session;
  }

  async setOverrides(
    key: string,
    { modelOverride, thinkingLevel }: { modelOverride?: string | null; thinkingLevel?: string | null },
  ): Promise<SessionState> {
    const now = this.clock.now();
    const session = await this.repository.update(key, (known) => {
      const base = known ?? this.blank(key, now, "internal");
      const entry: SessionEntry = { ...base.entry, updatedAt: now };
      if (modelOverride !== undefined) applyModelOverride(entry, modelOverride);
      if (thinkingLevel === null) delete entry.thinkingLevel;
      else if (thinkingLevel !== undefined) entry.thinkingLevel = thinkingLevel;
      return { ...base, entry };
    });
    await this.announce(session, "patch");
    return stateOf(session);
  }

  /** Publishes `sessions.changed` for a session as it is on disk now. */
  async announce(session: StoredSession, reason: string): Promise<void> {
    const row = await this.eventRow(session);
    this.events.changed(row, await this.ancestors(session), reason, this.clock.now());
  }

  /** Publishes that a session is gone. */
  announceDeleted({ key, agentId, entry }: StoredSession): void {
    this.events.deleted({ key, agentId, sessionId: entry.sessionId }, this.clock.now());
  }

  /** A session nobody has stored yet, with a fresh id unless one is wanted. */
  blank(key: string, now: number, createdVia: string, sessionId?: string): StoredSession {
    const entry = newEntry(now, createdVia);
    if (sessionId !== undefined) entry.sessionId = sessionId;
    return { key, agentId: this.agentOf(key), entry, title: null, preview: null };
  }

  /** The row of a session as its events show it. */
  async eventRow(session: StoredSession): Promise<SessionRow> {
    const children = await this.repository.children([session.key], LIMITS.sessionChildrenShown);
    return this.rows().row(session, EVENT_ROW, { childSessions: children.get(session.key) });
  }

  /** Rows of the sessions that this one descends from, the nearest first. */
  async ancestors(session: StoredSession): Promise<SessionRow[]> {
    const rows: SessionRow[] = [];
    const seen = new Set([session.key]);
    let parent = session.entry.parentSessionKey;
    while (parent !== undefined && !seen.has(parent) && rows.length < MAX_ANCESTORS) {
      seen.add(parent);
      const next = await this.repository.find(parent);
      if (!next) break;
      rows.push(await this.eventRow(next));
      parent = next.entry.parentSessionKey;
    }
    return rows;
  }
}

/** The part of a session that turns need. */
function stateOf({ key, agentId, entry }: StoredSession): SessionState {
  const { providerOverride, modelOverride } = entry;
  return {
    key,
    sessionId: entry.sessionId,
    agentId,
    modelOverride: providerOverride && modelOverride ? `${providerOverride}/${modelOverride}` : null,
    thinkingLevel: entry.thinkingLevel ?? null,
    sendPolicy: entry.sendPolicy ?? null,
    archived: entry.archivedAt !== undefined,
  };
}

const firstOf = (values: readonly (string | null)[]): string | null => values.find((value) => value !== null) ?? null;
