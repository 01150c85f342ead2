import { LIMITS } from "../../generated/limits.ts";
import { degradedOwners } from "../config/degraded.ts";
import type { ConfigPort } from "../config/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { EventLoopMonitor } from "./event-loop.ts";
import { sessionFacts } from "./health.ts";
import { heartbeatPlan } from "./heartbeat-plan.ts";
import type { ActiveWork, AgentRoster, DefaultModel, SessionStats } from "./ports.ts";

const RECENT_SESSIONS = 10;

export interface StatusDeps {
  clock: Clock;
  config: ConfigPort;
  eventLoop: EventLoopMonitor;
  agents: AgentRoster;
  sessions: SessionStats;
  models: DefaultModel;
  runs: ActiveWork;
  databasePath: string;
  /** The version that clients are told. */
  version: string;
}

/** The overview behind `status`: what runs, for whom, and what it uses. */
export class Status {
  constructor(private readonly deps: StatusDeps) {}

  /**
   * The shape that upstream's `status` answers and its CLI prints (`sessions.byAgent` and `channelSummary`
   * must be lists). Numbers of domains that this release does not have are those of an empty one: no channel
   * is connected and no background task exists. As upstream, only administrators see which sessions there are, what
   * they run on and where they are kept (`complete`).
   */
  async report(complete: boolean) {
    const { agents, clock, config, eventLoop, version } = this.deps;
    const now = clock.now();
    const roster = agents.list();
    const byAgent = await Promise.all(
      roster.map(async ({ id }) => ({ agentId: id, ...(await sessionFacts(this.deps, id, now, RECENT_SESSIONS)) })),
    );
    const plans = roster.map(({ id }) => ({ agentId: id, ...heartbeatPlan(config.current, id) }));
    return {
      runtimeVersion: version,
      hostDesktop: { enabled: false, state: "disabled", port: config.current.desktop?.host?.port ?? VNC_PORT },
      heartbeat: {
        defaultAgentId: (roster.find((agent) => agent.isDefault) ?? roster[0])?.id ?? "main",
        // Without a channel no heartbeat has anywhere to go.
        agents: plans.map(({ agentId, enabled, every, everyMs }) => ({
          agentId,
          enabled,
          every,
          everyMs,
          waitingForRoute: true,
        })),
      },
      channelSummary: [],
      queuedSystemEvents: [],
      degradedSecretOwners: degradedOwners(config.unresolvedSecrets?.() ?? []),
      degradedPlugins: [],
      tasks: NO_TASKS,
      taskAudit: NO_TASK_FINDINGS,
      sessions: {
        paths: complete ? [this.deps.databasePath] : [],
        count: byAgent.reduce((sum, agent) => sum + agent.count, 0),
        defaults: complete ? this.modelDefaults() : { model: null, contextTokens: null },
        recent: complete ? newest(byAgent.flatMap((agent) => agent.recent)) : [],
        byAgent: complete ? byAgent : byAgent.map((agent) => ({ ...agent, path: "[redacted]", recent: [] })),
      },
      modelRuntime: { degraded: false, pendingAgents: [] },
      eventLoop: eventLoop.facts(),
      processMemory: processMemory(),
      workerPools: { transcriptReconciliation: NO_WORKERS, modelCatalog: NO_WORKERS },
      pid: process.pid,
      shutdownBudget: {
        timeoutMs: LIMITS.closeGraceMs,
        reserveMs: 0,
        nativeStopBudget: false,
        activeWork: { ...NO_WORK, rootRequests: this.deps.runs.atWork },
        writeCustody: [],
      },
    };
  }

  private modelDefaults(): { model: string | null; contextTokens: number | null } {
    const model = this.deps.models.defaultModel();
    return { model: model?.id ?? null, contextTokens: model?.contextWindow ?? null };
  }
}

/** Where a desktop that is shared would listen, unless configured: the port of VNC. */
const VNC_PORT = 5900;

/** What upstream gives to worker threads is done in this process. */
const NO_WORKERS = { maxWorkers: 0, workers: 0, workersCreated: 0, activeTasks: 0, pendingTasks: 0 };

/** Work that a stop would wait for. Writes are not among it: they are on disk before they are acknowledged. */
const NO_WORK = { rootRequests: 0, cronRuns: 0, sessionMutations: 0, terminalPersistence: 0, lifecycleWrites: 0 };

const NO_TASKS = {
  total: 0,
  active: 0,
  terminal: 0,
  failures: 0,
  byStatus: { queued: 0, running: 0, succeeded: 0, failed: 0, timed_out: 0, cancelled: 0, lost: 0 },
  byRuntime: { subagent: 0, acp: 0, cli: 0, cron: 0 },
};

const NO_TASK_FINDINGS = {
  total: 0,
  warnings: 0,
  errors: 0,
  byCode: {
    stale_queued: 0,
    stale_running: 0,
    lost: 0,
    delivery_failed: 0,
    missing_cleanup: 0,
    inconsistent_timestamps: 0,
  },
};

function newest<T extends { updatedAt: number | null }>(sessions: T[]): T[] {
  return sessions.sort((a, b) => (b.updatedAt ?? 0) - (a.updatedAt ?? 0)).slice(0, RECENT_SESSIONS);
}

function processMemory() {
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
  return {
    rssBytes: rss,
    heapUsedBytes: heapUsed,
    heapTotalBytes: heapTotal,
    externalBytes: external,
    arrayBuffersBytes: arrayBuffers,
  };
}
