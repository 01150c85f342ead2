import { basename } from "node:path";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { immutable } from "../platform/json.ts";
import type { EventLoopFacts, EventLoopMonitor } from "./event-loop.ts";
import { type HeartbeatPlan, heartbeatPlan } from "./heartbeat-plan.ts";
import type { AgentRoster, GivenUpDeliveries, SessionStats } from "./ports.ts";
import type { StateVersions } from "./versions.ts";

export interface SessionFacts {
  /** The file that holds the sessions. */
  path: string;
  count: number;
  /** The newest ones. `age` is milliseconds since `updatedAt`. */
  recent: { key: string; updatedAt: number | null; age: number | null }[];
}

/** The state of the gateway as hello-ok, the `health` event and the `health` method show it. */
export interface HealthSnapshot {
  ok: true;
  ts: number;
  durationMs: number;
  plugins: { loaded: string[]; errors: never[]; unavailable: never[] };
  configReload: { hotReloadStatus: "active" | "disabled" };
  channels: Record<string, unknown>;
  channelOrder: string[];
  channelLabels: Record<string, string>;
  heartbeatSeconds: number;
  defaultAgentId: string;
  agents: { agentId: string; name?: string; isDefault: boolean; heartbeat: HeartbeatPlan; sessions: SessionFacts }[];
  sessions: SessionFacts;
  /** Only when messages were given up. */
  deliveryQueues?: { failed: { queueName: string; count: number; oldestFailedAt: number }[] };
  eventLoop: EventLoopFacts;
}

/** The answer of the `health` method: the snapshot, what became of changes of the config file, and how the models are. */
export interface HealthAnswer extends HealthSnapshot {
  configReload: HealthSnapshot["configReload"] & { problem?: string; waiting?: string[]; restored?: string };
  modelRuntime: { degraded: boolean; pendingAgents: string[] };
}

export interface HealthDeps {
  bus: EventBus;
  clock: Clock;
  config: ConfigPort;
  versions: StateVersions;
  eventLoop: EventLoopMonitor;
  agents: AgentRoster;
  sessions: SessionStats;
  deliveries: GivenUpDeliveries;
  databasePath: string;
}

/** Upstream's name of what this gateway's outbox is. */
const OUTBOX = "outbound-prepared-v1";
/** A snapshot older than this is taken anew for the next reader, milliseconds. */
const MAX_AGE_MS = 10_000;
/** After a change the snapshot may be this old, milliseconds: a burst of changes costs one new snapshot. */
const CHANGED_MAX_AGE_MS = 500;
const RECENT_SESSIONS = 5;

/** Takes the health snapshot and keeps it, so that `health` costs a lookup as long as nothing changed. */
export class Health {
  private latest: { snapshot: HealthSnapshot; answer: HealthAnswer; reload: ConfigPort["reload"] } | undefined;
  private changed = false;
  private taking: Promise<HealthSnapshot> | undefined;

  /** Health goes to every operator, and where this machine keeps its files is for administrators (CVE-2026-41339). */
  private readonly stored: { sessions: SessionStats; databasePath: string };

  constructor(private readonly deps: HealthDeps) {
    this.stored = { sessions: deps.sessions, databasePath: basename(deps.databasePath) };
    deps.bus.subscribe(({ event }) => {
      if (event === "sessions.changed") this.changed = true;
    });
    deps.config.onChange(() => {
      this.changed = true;
    });
  }

  /** What the `health` method answers. With `probe`, always taken anew. */
  answer(params?: { probe?: unknown }): HealthAnswer | Promise<HealthAnswer> {
    const isKnown = this.latest?.reload === this.deps.config.reload;
    if (this.latest && isKnown && params?.probe !== true && this.isFresh(this.latest.snapshot))
      return this.latest.answer;
    return this.take().then(() => this.latest!.answer);
  }

  /** The snapshot for hello-ok and events. */
  async snapshot(): Promise<HealthSnapshot> {
    return this.latest && this.isFresh(this.latest.snapshot) ? this.latest.snapshot : this.take();
  }

  /** Takes a new snapshot and sends it to those who listen. */
  async refresh(): Promise<void> {
    this.deps.bus.publish("health", await this.take());
  }

  private isFresh(snapshot: HealthSnapshot): boolean {
    return this.deps.clock.now() - snapshot.ts < (this.changed ? CHANGED_MAX_AGE_MS : MAX_AGE_MS);
  }

  private take(): Promise<HealthSnapshot> {
    this.taking ??= this.measure().finally(() => {
      this.taking = undefined;
    });
    return this.taking;
  }

  private async measure(): Promise<HealthSnapshot> {
    const { clock, config, eventLoop, versions } = this.deps;
    const ts = clock.now();
    this.changed = false;
    const { reload } = config;
    const agents = await Promise.all(this.deps.agents.list().map((agent) => this.agentFacts(agent, ts)));
    const main = agents.find((agent) => agent.isDefault) ?? agents[0];
    const givenUp = await this.deps.deliveries.givenUp();
    const snapshot: HealthSnapshot = immutable({
      ok: true,
      ts,
      durationMs: Math.max(0, clock.now() - ts),
      plugins: { loaded: [], errors: [], unavailable: [] },
      configReload: { hotReloadStatus: hotReloadStatus(config) },
      channels: {},
      channelOrder: [],
      channelLabels: {},
      heartbeatSeconds: Math.round((main?.heartbeat.everyMs ?? 0) / 1000),
      defaultAgentId: main?.agentId ?? "main",
      agents,
      sessions: main?.sessions ?? { path: this.stored.databasePath, count: 0, recent: [] },
      ...(givenUp && { deliveryQueues: { failed: [{ queueName: OUTBOX, ...givenUp }] } }),
      eventLoop: eventLoop.facts(),
    });
    const answer: HealthAnswer = immutable({
      ...snapshot,
      configReload: { ...snapshot.configReload, ...reloadFacts(config) },
      modelRuntime: { degraded: false, pendingAgents: [] },
    });
    this.latest = { snapshot, answer, reload };
    versions.health++;
    return snapshot;
  }

  private async agentFacts(agent: { id: string; name?: string; isDefault: boolean }, now: number) {
    const { id: agentId, name, isDefault } = agent;
    const sessions = await sessionFacts(this.stored, agentId, now, RECENT_SESSIONS);
    const heartbeat = heartbeatPlan(this.deps.config.current, agentId);
    return { agentId, ...(name !== undefined && { name }), isDefault, heartbeat, sessions };
  }
}

/** Counts an agent's sessions and names its newest ones. */
export async function sessionFacts(
  deps: { sessions: SessionStats; databasePath: string },
  agentId: string,
  now: number,
  limit: number,
): Promise<SessionFacts> {
  const { count, recent } = await deps.sessions.stats(agentId, limit);
  return {
    path: deps.databasePath,
    count,
    recent: recent.map(({ key, updatedAt }) => ({
      key,
      updatedAt,
      age: updatedAt === null ? null : Math.max(0, now - updatedAt),
    })),
  };
}

function hotReloadStatus(config: ConfigPort): "active" | "disabled" {
  return config.current.gateway.reload.mode === "off" ? "disabled" : "active";
}

/** Only where there is something to say: clients of upstream know no more than `hotReloadStatus`. */
function reloadFacts({ reload }: ConfigPort): { problem?: string; waiting?: string[]; restored?: string } {
  return {
    ...(reload?.problem && { problem: reload.problem }),
    ...(reload && reload.waiting.length > 0 && { waiting: [...reload.waiting] }),
    ...(reload?.restored && { restored: reload.restored }),
  };
}
