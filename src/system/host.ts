import { statfs } from "node:fs/promises";
import { arch, cpus, freemem, hostname, loadavg, platform, release, totalmem, type } from "node:os";
import type {
  DiagnosticsLanesResult,
  EnvironmentSummary,
  EnvironmentsListRequest,
  NodeView,
  SystemInfoResult,
  UpdateHoldResult,
  UpdateRunResult,
  UpdateStatusResult,
} from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { ConfigPort } from "../config/types.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { hasScope } from "../platform/scopes.ts";
import type { EventLoopMonitor } from "./event-loop.ts";

interface HostDeps {
  config: ConfigPort;
  clock: Clock;
  eventLoop: EventLoopMonitor;
  agents: AgentCatalogue;
  nodes: { list(): Promise<{ nodes: NodeView[] }> };
  runs: { readonly waiting: number; readonly atWork: number; readonly maxConcurrent: number };
}

/** The place where sessions run: this process. */
const ENVIRONMENT = "gateway";

/** The machine and the process that the gateway is. */
export class Host {
  private readonly instance = uuid();
  private readonly startedAt: number;

  constructor(private readonly deps: HostDeps) {
    this.startedAt = deps.clock.now();
  }

  /** `system.info`. Where this machine keeps its files is for administrators. Sizes in bytes, times in milliseconds. */
  async info(caller: { scopes: ReadonlySet<string> }): Promise<SystemInfoResult> {
    const { config, clock, eventLoop } = this.deps;
    const name = hostname();
    const processors = cpus();
    const [one = 0, five = 0, fifteen = 0] = loadavg();
    const port = config.current.gateway?.port;
    const memory = process.memoryUsage();
    return {
      machineName: name,
      hostname: name,
      platform: platform(),
      release: release(),
      arch: arch(),
      osLabel: `${type()} ${release()}`,
      ...(port ? { port } : {}),
      nodeVersion: process.version,
      pid: process.pid,
      processInstanceId: this.instance,
      uptimeMs: clock.now() - this.startedAt,
      cpuCount: processors.length,
      ...(processors[0]?.model ? { cpuModel: processors[0].model } : {}),
      loadAverage: [one, five, fifteen],
      memoryTotalBytes: totalmem(),
      memoryFreeBytes: freemem(),
      eventLoop: eventLoop.facts(),
      processMemory: {
        rssBytes: memory.rss,
        heapUsedBytes: memory.heapUsed,
        heapTotalBytes: memory.heapTotal,
        externalBytes: memory.external,
        arrayBuffersBytes: memory.arrayBuffers,
      },
      ...(await this.disk(hasScope(caller, "operator.admin"))),
      defaultAgentUtilityModel: { status: "unavailable" },
    };
  }

  /**
   * `environments.list`. The profiles of machines that could be rented are none; neither is there a way to show the
   * desktop of this one, which is said to who asks.
   */
  async environmentList({ projection, includeDesktopSetup }: EnvironmentsListRequest): Promise<EnvironmentSummary[]> {
    if (projection === "profiles") return [];
    const all = await this.environments();
    if (!includeDesktopSetup) return all;
    const desktopSetup = {
      state: "unsupported" as const,
      detail: "This gateway does not show the desktop of its machine.",
    };
    return all.map((each) => (each.id === ENVIRONMENT ? { ...each, desktopSetup } : each));
  }

  /** The gateway, in which sessions run, and the nodes, which run commands for them. */
  async environments(): Promise<EnvironmentSummary[]> {
    const { nodes } = await this.deps.nodes.list();
    return [
      {
        id: ENVIRONMENT,
        type: "local",
        label: "Gateway local",
        status: "available",
        platform: platform(),
        sessionHost: true,
        trust: "persistent",
        capabilities: ["agent.run", "sessions", "workspace"],
      },
      ...nodes.map(nodeEnvironment),
    ];
  }

  /** `environments.status`. @throws GatewayError `unknown environmentId` */
  async environment(id: string): Promise<EnvironmentSummary> {
    const found = (await this.environments()).find((each) => each.id === id);
    if (!found) throw invalidRequest("unknown environmentId");
    return found;
  }

  /** `update.status`. The gateway neither looks for newer releases nor replaces itself: its operator does. */
  updates(): UpdateStatusResult {
    const channel = this.deps.config.current.update?.channel ?? "stable";
    return {
      sentinel: null,
      updateAvailable: null,
      effectiveChannel: channel,
      schedule: { channel, autoEnabled: false, install: { kind: "package" } },
    };
  }

  /** `update.run`: refused, as an answer. The operator replaces the executable and starts it again. */
  update(): UpdateRunResult {
    return {
      ok: false,
      ackDelivered: false,
      ackQueued: false,
      result: {
        status: "skipped",
        mode: "binary",
        reason: "managed-service-handoff-unavailable",
        steps: [],
        durationMs: 0,
      },
      restart: null,
      sentinel: null,
    };
  }

  /** `update.hold`: there is no update on its way that could be held. */
  holdUpdates(): UpdateHoldResult {
    return { ok: false, schedule: this.updates().schedule };
  }

  /** `diagnostics.lanes`: how many runs wait and are at work, of all sessions together. */
  lanes(): DiagnosticsLanesResult {
    const { clock, runs } = this.deps;
    const main = {
      lane: "main",
      queuedCount: runs.waiting,
      activeCount: runs.atWork,
      maxConcurrent: runs.maxConcurrent,
    };
    return { ts: clock.now(), lanes: [{ ...main, draining: false, generation: 0, blockedBy: null }], dynamic: null };
  }

  private async disk(showsPath: boolean): Promise<Partial<SystemInfoResult>> {
    const { stateDir } = this.deps.config;
    const [root, facts] = await Promise.all(["/", stateDir].map((path) => statfs(path).catch(() => undefined)));
    if (!facts) return {};
    return {
      ...(root && {
        disks: [{ path: "/", totalBytes: root.blocks * root.bsize, availableBytes: root.bavail * root.bsize }],
      }),
      diskTotalBytes: facts.blocks * facts.bsize,
      diskAvailableBytes: facts.bavail * facts.bsize,
      ...(showsPath ? { diskPath: stateDir } : {}),
    };
  }
}

function nodeEnvironment(node: NodeView): EnvironmentSummary {
  const { nodeId, displayName, platform, connected, lastSeenAtMs, lastSeenReason } = node;
  return {
    id: `node:${nodeId}`,
    type: "node",
    label: displayName || nodeId,
    status: connected ? "available" : "unavailable",
    ...(platform ? { platform } : {}),
    sessionHost: false,
    ...(lastSeenAtMs === undefined ? {} : { lastSeenAtMs }),
    ...(lastSeenReason ? { lastSeenReason } : {}),
    trust: "persistent",
  };
}
