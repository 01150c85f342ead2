import type { ConfigPort } from "../../config/types.ts";
import type { DefenderPort } from "../../defender/types.ts";
import type { EventBus } from "../../platform/bus.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { deniesServer } from "../policy.ts";
import type { ToolSubject } from "../types.ts";
import { type ConnectionLimits, type Discovery, McpConnection, type McpToolFacts } from "./connection.ts";
import { type McpServerSettings, mcpSettings } from "./settings.ts";
import { type McpTool, serverTools } from "./tools.ts";
import type { McpTransport, TransportEvents, TransportLimits } from "./transport.ts";

export interface McpDeps {
  config: Pick<ConfigPort, "current" | "env" | "onChange">;
  defender: Pick<DefenderPort, "screen">;
  clock: Clock;
  log: Logger;
  limits: ConnectionLimits & TransportLimits & { mcpSessionsMax: number; mcpPassingIdleMs: number };
}

type Connections = Map<string, McpConnection>;

/** Reasons of changes after which a session is another one. */
const FORGETTING: ReadonlySet<unknown> = new Set(["reset", "new", "delete"]);
const SWEEP_MS = 60_000;
/** Sessions that a piece of work is done in and that are hardly spoken to again. */
const PASSING = /^agent:[^:]+:(?:subagent|cron):/;

/**
 * The MCP servers of `mcp.servers`, one set for each session (docs: tools/mcp, cli/mcp/registry): started when a run first
 * needs them, and ended when the session starts over or goes, when their settings change, and with the gateway.
 */
export class McpServers {
  /** By session key, the one used longest ago first. */
  private readonly sessions = new Map<string, Connections>();
  /** What is left of a discovery once the defender has seen it. */
  private readonly screened = new WeakMap<Discovery, Promise<Discovery>>();
  private readonly ending = new Set<Promise<void>>();
  private told = "";
  private sweeper: ReturnType<typeof setInterval> | undefined;
  private isStopping = false;

  constructor(private readonly deps: McpDeps) {
    deps.config.onChange(() => this.retireChanged());
  }

  /**
   * The tools of the servers that a subject may use, under names of their own.
   * @param mayConnect false for those alone that were found already
   */
  async tools(subject: ToolSubject, mayConnect: boolean): Promise<McpTool[]> {
    const usable = this.usable(subject);
    if (usable.length === 0) return [];
    const connections = mayConnect ? this.open(subject.sessionKey) : this.sessions.get(subject.sessionKey);
    if (!connections) return [];
    const own = usable.flatMap((settings) => {
      const connection = connections.get(settings.name) ?? (mayConnect ? this.added(connections, settings) : undefined);
      return connection ? [connection] : [];
    });
    const found = await Promise.all(own.map((each) => (mayConnect ? each.discover() : each.known)));
    const taken = new Set<string>();
    const tools = await Promise.all(
      own.map(async (connection, index) => {
        const discovery = found[index];
        return discovery ? { connection, discovery: await this.safe(discovery, connection.settings.name) } : undefined;
      }),
    );
    return tools.flatMap((each) => (each ? serverTools(each.connection, each.discovery, taken) : []));
  }

  /** Servers that a subject may use and that no run of its session has connected yet. */
  waiting(subject: ToolSubject): string[] {
    const connections = this.sessions.get(subject.sessionKey);
    return this.usable(subject)
      .filter(({ name }) => connections?.get(name)?.known === undefined)
      .map(({ name }) => name);
  }

  /** Ends a session's servers when it starts over or goes. */
  follow(bus: EventBus): void {
    bus.subscribe(({ event, payload }) => {
      if (event !== "sessions.changed") return;
      const { sessionKey, reason } = payload as { sessionKey?: string; reason?: string };
      if (sessionKey !== undefined && FORGETTING.has(reason)) this.retire(sessionKey);
    });
  }

  /** Ends all servers with what came of them; none is started any more. */
  async stop(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.sweeper);
    for (const key of [...this.sessions.keys()]) this.retire(key);
    await Promise.all(this.ending);
  }

  private usable(subject: ToolSubject): McpServerSettings[] {
    const { config } = this.deps;
    if (config.current.mcp === undefined || this.isStopping) return [];
    const settings = mcpSettings(config.current);
    this.tell(settings.problems, settings.servers);
    return settings.servers.filter(({ name }) => !deniesServer(config.current, subject, name));
  }

  /** The servers of a session, made room for where too many sessions have some. */
  private open(sessionKey: string): Connections | undefined {
    const known = this.sessions.get(sessionKey) ?? new Map();
    this.sessions.delete(sessionKey);
    if (this.sessions.size >= this.deps.limits.mcpSessionsMax) {
      const [idle] =
        [...this.sessions].find(([, each]) => [...each.values()].every(({ atWork }) => atWork === 0)) ?? [];
      if (idle === undefined) {
        this.deps.log.warn("too many sessions use servers of tools; this one gets none", { sessionKey });
        return undefined;
      }
      this.retire(idle);
    }
    this.sessions.set(sessionKey, known);
    this.sweepLater();
    return known;
  }

  private added(connections: Connections, settings: McpServerSettings): McpConnection {
    const { clock, log, limits } = this.deps;
    const open = (target: McpServerSettings, events: TransportEvents) => this.transport(target, events);
    const connection = new McpConnection(settings, { open, clock, log, limits });
    connections.set(settings.name, connection);
    return connection;
  }

  private async transport({ name, target }: McpServerSettings, events: TransportEvents): Promise<McpTransport> {
    const { limits, log, config } = this.deps;
    if (target.kind !== "stdio") {
      const { httpTransport } = await import("./http.ts");
      return httpTransport(target, events, limits);
    }
    const { startServer } = await import("./stdio.ts");
    const environment = config.env ?? process.env;
    return startServer({ ...target, cwd: target.cwd ?? process.cwd() }, events, {
      limits,
      log: log.child(name.slice(0, 64)),
      environment,
    });
  }

  /** Without the tools whose descriptions the defender holds back: they are a stranger's words in the prompt. */
  private safe(discovery: Discovery, server: string): Promise<Discovery> {
    const known = this.screened.get(discovery);
    if (known) return known;
    const safe = this.screen(discovery, server);
    this.screened.set(discovery, safe);
    return safe;
  }

  private async screen(discovery: Discovery, server: string): Promise<Discovery> {
    const { defender, log } = this.deps;
    const tools: McpToolFacts[] = [];
    for (const facts of discovery.tools) {
      const { name, title, description, schema } = facts;
      const words = [name, title, description, JSON.stringify(schema)].filter((part) => part !== undefined).join("\n");
      const about = { direction: "inbound", origin: "tool-result", actor: `mcp:${server}` } as const;
      const { verdict } = await defender.screen(words, about);
      if (verdict === "allow") tools.push(facts);
      else log.warn("the defender holds back a tool of a server", { server, tool: name.slice(0, 64) });
    }
    return { ...discovery, tools };
  }

  private retire(sessionKey: string): void {
    const connections = this.sessions.get(sessionKey);
    this.sessions.delete(sessionKey);
    for (const connection of connections?.values() ?? []) this.end(connection);
  }

  private end(connection: McpConnection): void {
    const { log } = this.deps;
    const { name } = connection.settings;
    const ended = connection
      .close()
      .catch((error) => log.error("a server of tools did not end", { server: name, error }));
    this.ending.add(ended);
    void ended.finally(() => this.ending.delete(ended));
  }

  /** Those whose settings are others now; the rest go on. */
  private retireChanged(): void {
    if (this.sessions.size === 0) return;
    const { servers } = mcpSettings(this.deps.config.current);
    const now = new Map(servers.map((settings) => [settings.name, JSON.stringify(settings.source)]));
    for (const connections of this.sessions.values()) {
      for (const [name, connection] of connections) {
        if (now.get(name) === JSON.stringify(connection.settings.source)) continue;
        connections.delete(name);
        this.end(connection);
      }
    }
  }

  private sweepLater(): void {
    if (this.sweeper !== undefined) return;
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS);
    this.sweeper.unref();
  }

  /** Ends what has not been used for as long as the configuration says; of sessions that pass, sooner in any case. */
  sweep(): void {
    const { clock, config, limits } = this.deps;
    const { idleMs } = mcpSettings(config.current);
    if (this.sessions.size === 0) {
      clearInterval(this.sweeper);
      this.sweeper = undefined;
    }
    for (const [key, connections] of this.sessions) {
      const afterMs = idleMs > 0 ? idleMs : PASSING.test(key) ? limits.mcpPassingIdleMs : Number.POSITIVE_INFINITY;
      const isIdle = [...connections.values()].every(
        ({ atWork, lastUsed }) => atWork === 0 && clock.now() - lastUsed >= afterMs,
      );
      if (isIdle) this.retire(key);
    }
  }

  /** Says once what cannot be used as it is configured. */
  private tell(problems: readonly { name: string; problem: string }[], servers: readonly McpServerSettings[]): void {
    const dropped = servers.filter(({ droppedVariables }) => droppedVariables.length > 0);
    const told = JSON.stringify([problems, dropped.map(({ name, droppedVariables }) => [name, droppedVariables])]);
    if (told === this.told) return;
    this.told = told;
    const { log } = this.deps;
    for (const { name, problem } of problems) log.warn("a server of tools is left out", { server: name, problem });
    for (const { name, droppedVariables } of dropped) {
      log.warn("a server of tools does not get variables that change what programs run", {
        server: name,
        variables: droppedVariables,
      });
    }
  }
}
