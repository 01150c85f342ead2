import type { Server } from "bun";
import { CLOSE_CODES } from "../../generated/errors.ts";
import type { Handlers } from "../../generated/handlers.ts";
import { LIMITS } from "../../generated/limits.ts";
import type { ConnectParams } from "../../generated/types.ts";
import { sessionTools } from "../attach/tools.ts";
import type { AccessEnd } from "../devices/types.ts";
import { uuid } from "../platform/ids.ts";
import { requestAddress } from "./address.ts";
import { AuthWatch } from "./auth/auth-watch.ts";
import type { Authorizer, ConnectAccepted } from "./authorizer.ts";
import { Broadcaster } from "./broadcast.ts";
import { ChannelsHttp } from "./channels-http.ts";
import { Connection, type ConnectionHost, type SocketData } from "./connection.ts";
import { type CallContext, connectionContext } from "./context.ts";
import { type ContractWatch, Dispatcher, type Guard } from "./dispatch.ts";
import { type HandshakeDeps, handshake } from "./handshake.ts";
import { HooksHttp } from "./hooks-http.ts";
import { HttpSurface } from "./http.ts";
import { McpHttp } from "./mcp-http.ts";
import { sendModelSnapshot } from "./model-snapshot.ts";
import { Outgoing } from "./outgoing.ts";
import { type PeerFacts, peerFacts, TrustedProxies } from "./peer.ts";
import type { Services } from "./services.ts";
import { Strangers } from "./strangers.ts";
import { attributionRequired, badRequest, plainText, suspended, upgradeProblem } from "./upgrade.ts";
import { WriteBudget } from "./write-budget.ts";

export interface GatewayOptions {
  services: Services;
  handlers: Handlers<CallContext>;
  guards?: Readonly<Record<string, Guard>>;
  authorizer: Authorizer;
  /** Address to listen on. Port 0 takes any free one. */
  host: string;
  port: number;
  /** Further addresses with the same port, all of which must be had. */
  moreHosts?: readonly string[];
  /** Further addresses with the same port, where they can be had. */
  optionalHosts?: readonly string[];
  tls?: { cert: string; key: string };
  /** Shorter times and bounds for tests. */
  limits?: Partial<GatewayLimits>;
  /** Given in tests: sees every answer and event, to hold it against its spec. */
  verify?: ContractWatch;
}

/** The bounds a gateway keeps; see `spec/chela/limits.yaml` for units and reasons. */
export type GatewayLimits = { -readonly [Name in keyof typeof LIMITS]: number };

/**
 * The listening gateway: accepts sockets and HTTP requests on one port, connects them with the dispatcher and
 * hands out events. Start it with {@link Gateway.start}, end it with {@link Gateway.stop}.
 */
export class Gateway implements ConnectionHost {
  readonly limits: GatewayLimits;
  readonly dispatcher: Dispatcher;
  readonly broadcaster: Broadcaster;
  private readonly connections = new Map<string, Connection>();
  private readonly strangers: Strangers;
  private readonly outgoing: Outgoing<Connection>;
  /** By connection id: what ends the notes of others that it is connected. */
  private readonly attachments = new Map<string, (() => void)[]>();
  /** By connection id, before hello-ok: what makes it the connection of its node, and gives what ends that. */
  private readonly joining = new Map<string, () => () => void>();
  private readonly handshakeDeps: HandshakeDeps;
  private readonly authWatch: AuthWatch;
  /** Refused connects by code; the codes are a closed set. */
  private readonly refusals = new Map<string, number>();
  private readonly http: HttpSurface;
  private readonly hooks: HooksHttp;
  private readonly channelHooks: ChannelsHttp;
  private readonly mcp: McpHttp;
  private readonly startedAtMs: number;
  private readonly stopping: (() => void)[] = [];
  private readonly servers: Server<SocketData>[] = [];

  private constructor(private readonly options: GatewayOptions) {
    const { services, handlers, guards, authorizer, verify } = options;
    this.limits = { ...LIMITS, ...options.limits };
    this.strangers = new Strangers(this.limits);
    this.outgoing = new Outgoing(this.limits.maxBufferedTotalBytes, (reader, bytes) => this.logCut(reader, bytes));
    this.startedAtMs = services.clock.now();
    const { maxInFlightPerConnection: maxInFlight, startsPerTurn, startQueuePerConnection } = this.limits;
    const writes = new WriteBudget(services.clock, this.limits);
    this.dispatcher = new Dispatcher({
      handlers,
      guards,
      log: services.log.child("gateway/dispatch"),
      refusal: (method) => services.suspension.refusal(method) ?? services.plugins.refusal(method),
      spend: (method, caller) => writes.spend(method, caller),
      begin: (name) => services.openRequests.begin(name),
      limits: { maxInFlight, startsPerTurn, startQueue: startQueuePerConnection },
      verify,
    });
    this.broadcaster = new Broadcaster({
      connections: { [Symbol.iterator]: () => this.connections.values() },
      versions: services.versions,
      verify,
    });
    this.authWatch = new AuthWatch(services.config.current);
    const hello = { services, methods: this.dispatcher.methods, bootId: uuid(), startedAtMs: this.startedAtMs };
    this.handshakeDeps = {
      refused: (code) => this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1),
      authorizer,
      watchAuth: () => this.authWatch.watch(),
      hello,
      log: services.log.child("gateway/ws"),
      contextFor: (connection, { caller }) => connectionContext(services, caller, connection),
      entering: (connection, accepted, params) => this.entering(connection, accepted, params),
      admitted: (connection, accepted, params) => this.admitted(connection, accepted, params.client),
    };
    this.hooks = new HooksHttp({ ...services, limits: this.limits });
    this.mcp = new McpHttp({
      grants: services.attachGrants,
      tools: sessionTools(services.sessions),
      clock: services.clock,
    });
    this.channelHooks = new ChannelsHttp({ ...services, limits: this.limits });
    this.http = new HttpSurface({
      services,
      dispatcher: this.dispatcher,
      authorizer,
      startedAtMs: this.startedAtMs,
      maxBodyBytes: this.limits.httpBodyBytes,
      maxPageFileBytes: this.limits.controlUiFileBytes,
    });
    this.defineMetrics();
  }

  /** Begins to listen. @throws when the address is taken */
  static start(options: GatewayOptions): Gateway {
    const gateway = new Gateway(options);
    gateway.listen();
    options.services.attachGrants.listensAt(gateway.url.replace(/^ws/, "http"));
    gateway.startTimers();
    return gateway;
  }

  get port(): number {
    return this.servers[0]!.port!;
  }

  /** `ws://host:port`, with a host that a client on this machine can reach. */
  get url(): string {
    const host = this.options.host === "0.0.0.0" || this.options.host === "::" ? "127.0.0.1" : this.options.host;
    return `${this.options.tls ? "wss" : "ws"}://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }

  /** The connections that have said hello, for tests and diagnosis. */
  openConnections(): Connection[] {
    return [...this.connections.values()].filter((connection) => connection.state === "open");
  }

  /** How many sockets are open, those before hello included. */
  get connectionCount(): number {
    return this.connections.size;
  }

  /**
   * Ends the runs, tells every client why, closes all sockets with 1012 and stops listening. Resolves when the
   * sockets are gone or their grace is over. The store is not closed here: writes of running handlers still reach it.
   */
  async stop(reason = "gateway stopping"): Promise<void> {
    await this.options.services.runs.stop();
    for (const end of this.stopping.splice(0)) end();
    this.broadcaster.publish({ event: "shutdown", payload: { reason } });
    const closing = [...this.connections.values()];
    for (const connection of closing) connection.close(CLOSE_CODES.SERVICE_RESTART);
    // Each connection is cut off by itself when its peer does not answer the close frame within the grace.
    await Promise.all(closing.map((connection) => connection.finished));
    await Promise.all(this.servers.map((server) => server.stop(true)));
  }

  /** Ends every live connection of a device, or only those in one role. */
  disconnectDevice(deviceId: string, role?: string): void {
    for (const connection of this.connections.values()) {
      const { caller } = connection;
      if (caller?.deviceId !== deviceId || (role !== undefined && caller.role !== role)) continue;
      connection.close(CLOSE_CODES.DEVICE_REMOVED);
    }
  }

  /** Ends the connections that came in by ways the configuration has changed. */
  private endOutdated(ways: ReadonlySet<string>): void {
    if (ways.size === 0) return;
    for (const connection of this.connections.values()) {
      if (ways.has(connection.caller?.authMethod ?? "")) connection.close(CLOSE_CODES.AUTH_CHANGED);
    }
  }

  now(): number {
    return this.options.services.clock.now();
  }

  async handshake(connection: Connection, frame: Parameters<ConnectionHost["handshake"]>[1]): Promise<void> {
    await handshake(this.handshakeDeps, connection, frame);
    if (connection.state !== "open") return;
    await sendModelSnapshot(this.dispatcher, connection, (frame.params as ConnectParams).modelCatalog);
  }

  dispatch(connection: Connection, frame: Parameters<ConnectionHost["dispatch"]>[1]): void {
    this.dispatcher.dispatch(connection, frame);
  }

  tooLarge(): void {
    this.options.services.stability.tooLarge(
      "gateway.ws.preauth",
      this.limits.preauthFrameBytes,
      "preauth_frame_limit",
    );
  }

  buffered(connection: Connection): void {
    this.outgoing.update(connection);
  }

  private logCut({ id }: Connection, bytes: number): void {
    const { log } = this.options.services;
    log.warn("a reader was cut off: too much waits to be sent to all together", { connection: id, bytes });
  }

  gone(connection: Connection): void {
    if (!this.connections.delete(connection.id)) return;
    this.strangers.remove(connection);
    if (connection.caller !== undefined) this.left(connection.id);
    this.joining.delete(connection.id);
    this.dispatcher.forget(connection);
  }

  private left(connId: string): void {
    this.options.services.presence.disconnected(connId);
    for (const end of this.attachments.get(connId) ?? []) end();
    this.attachments.delete(connId);
  }

  private async entering(connection: Connection, { caller }: ConnectAccepted, params: ConnectParams): Promise<void> {
    const { connId, role, deviceId } = caller;
    if (role !== "node" || deviceId === undefined) return;
    const { nodes } = this.options.services;
    const remoteIp = connection.peer.isLoopback ? undefined : connection.peer.remoteAddress;
    const join = await nodes.connecting({ connId, nodeId: deviceId, params, remoteIp });
    if (connection.state === "closed") return;
    this.joining.set(connId, () => {
      join();
      return () => nodes.disconnected(deviceId, connId);
    });
  }

  private admitted(connection: Connection, { caller }: ConnectAccepted, client: PresentClientFacts): void {
    this.strangers.remove(connection);
    const { connId, role, scopes, deviceId, caps } = caller;
    const ip = connection.peer.isLoopback ? undefined : connection.peer.remoteAddress;
    this.options.services.presence.connected({ connId, role, scopes, deviceId, ip, client });
    const { devices, reviewers, users, voiceWake, log } = this.options.services;
    const ends: (() => void)[] = [users.arrived(caller)];
    if (role === "operator") ends.push(reviewers.attach({ connId, deviceId, scopes, caps }));
    if (deviceId !== undefined) ends.push(devices.attach(deviceId));
    const leave = this.joining.get(connId)?.();
    this.joining.delete(connId);
    if (leave !== undefined) {
      ends.push(leave);
      // After the connection is open, which it is once this call returns.
      const greeting = Promise.resolve().then(() => voiceWake.greet(connId));
      greeting.catch((error) => log.warn("a node was not told the waking words", { error }));
    }
    if (ends.length > 0) this.attachments.set(connId, ends);
  }

  private listen(): void {
    const { host, port, moreHosts = [], optionalHosts = [] } = this.options;
    try {
      this.servers.push(this.serve(host, port));
      for (const other of moreHosts) this.servers.push(this.serve(other, this.port));
    } catch (error) {
      for (const server of this.servers) void server.stop(true);
      throw error;
    }
    for (const other of optionalHosts) {
      try {
        this.servers.push(this.serve(other, this.port));
      } catch (error) {
        this.options.services.log.debug("an optional address cannot be listened on", { host: other, error });
      }
    }
  }

  private serve(hostname: string, port: number): Server<SocketData> {
    return Bun.serve<SocketData>({
      hostname,
      port,
      tls: this.options.tls,
      maxRequestBodySize: this.limits.httpBodyBytes,
      idleTimeout: Math.ceil(this.limits.httpIdleTimeoutMs / 1000),
      fetch: (request, server) => this.fetch(request, server),
      error: (error) => {
        this.options.services.log.error("an HTTP request failed unexpectedly", { error });
        return plainText(500, "Internal Server Error");
      },
      websocket: {
        maxPayloadLength: this.limits.maxPayloadBytes,
        // Twice the bound that closes a slow reader: it is noticed before Bun starts to drop frames.
        backpressureLimit: this.limits.maxBufferedBytes * 2,
        closeOnBackpressureLimit: true,
        idleTimeout: Math.ceil(this.limits.idleTimeoutMs / 1000),
        sendPings: false,
        perMessageDeflate: false,
        open: (socket) => socket.data.connection.opened(socket),
        message: (socket, message) => socket.data.connection.received(message),
        pong: (socket) => socket.data.connection.heard(),
        drain: (socket) => socket.data.connection.drained(),
        close: (socket) => {
          socket.data.connection.closed();
          this.outgoing.remove(socket.data.connection);
        },
      },
    });
  }

  private fetch(request: Request, server: Server<SocketData>): Response | Promise<Response> | undefined {
    const address = requestAddress(request);
    if (address === null) return badRequest();
    if (request.headers.has("upgrade")) return this.upgrade(request, server);
    const probe = this.http.probe(request, address, this.peerOf(request, server));
    if (probe) return probe;
    const peer = this.peerOf(request, server);
    if (peer === null) return attributionRequired();
    const allowSilence = (seconds: number) => server.timeout(request, seconds);
    const call = { request, url: address, peer, allowSilence };
    // Methods are refused one by one by the dispatcher: a controller may come this way, too.
    if (request.method === "POST" && address.pathname !== "/rpc" && this.isSuspended) return suspended();
    return (
      this.hooks.serve(call) ??
      this.channelHooks.serve(call) ??
      this.mcp.serve(call) ??
      this.http.serve(request, address, peer)
    );
  }

  private get isSuspended(): boolean {
    return this.options.services.suspension.phase !== "accepting";
  }

  private upgrade(request: Request, server: Server<SocketData>): Response | undefined {
    const problem = upgradeProblem(request);
    if (problem) return problem;
    const peer = this.peerOf(request, server);
    if (peer === null) return attributionRequired();
    if (this.strangers.isFullFor(peer)) return plainText(503, "Too many unauthenticated sockets");
    if (this.connections.size >= this.limits.maxConnections) return plainText(503, "Too many connections");
    const connection = new Connection(this, peer);
    this.connections.set(connection.id, connection);
    this.strangers.add(connection);
    if (server.upgrade(request, { data: { connection } })) return undefined;
    connection.closed();
    return plainText(400, "Bad Request");
  }

  private peerOf(request: Request, server: Server<SocketData>): PeerFacts | null {
    const { allowRealIpFallback } = this.options.services.config.current.gateway;
    const address = server.requestIP(request)?.address ?? "";
    return peerFacts(address, request.headers, this.trustedProxies(), allowRealIpFallback === true);
  }

  /** Made anew only when the configuration names other proxies. */
  private trustedProxies(): TrustedProxies {
    const entries = this.options.services.config.current.gateway.trustedProxies;
    if (this.proxies === undefined || this.proxies.of !== entries) {
      this.proxies = { of: entries, list: new TrustedProxies(entries) };
    }
    return this.proxies.list;
  }

  private proxies: { of: string[] | undefined; list: TrustedProxies } | undefined;

  private startTimers(): void {
    const { services } = this.options;
    const every = (ms: number, run: () => void): void => {
      const timer = setInterval(run, ms);
      this.stopping.push(() => clearInterval(timer));
    };
    this.stopping.push(services.bus.subscribe((event) => this.broadcaster.publish(event)));
    // In the next turn, so that a device that ended its own access still gets the answer.
    const endAccess = ({ deviceId, role }: AccessEnd) => setImmediate(() => this.disconnectDevice(deviceId, role));
    this.stopping.push(services.devices.accessEnds.subscribe(endAccess));
    this.stopping.push(services.config.onChange((next) => this.endOutdated(this.authWatch.changedBy(next))));
    every(this.limits.tickIntervalMs, () =>
      this.broadcaster.publish({ event: "tick", payload: { ts: services.clock.now() } }),
    );
    every(this.limits.pingIntervalMs, () => {
      const mostUnheard = Math.floor(this.limits.idleTimeoutMs / this.limits.pingIntervalMs);
      for (const connection of [...this.connections.values()]) connection.ping(mostUnheard);
    });
    every(this.limits.stabilitySampleMs, () => services.stability.sample());
    every(this.limits.healthIntervalMs, () => {
      if (this.connections.size > 0) services.health.refresh().catch((error) => this.logHealthFailure(error));
    });
    services.eventLoop.start();
    this.stopping.push(() => services.eventLoop.stop());
  }

  private logHealthFailure(error: unknown): void {
    this.options.services.log.error("the health snapshot could not be taken", { error });
  }

  private defineMetrics(): void {
    const { metrics } = this.options.services;
    metrics.gauge("chela_connections", "Open sockets.", () => this.connections.size);
    metrics.gauge("chela_connections_unauthenticated", "Open sockets before hello.", () => this.strangers.count);
    metrics.total(
      "chela_connections_cut_total",
      "Sockets before hello that were cut off because memory grew.",
      () => this.strangers.cut,
    );
    metrics.gauge("chela_outgoing_bytes", "Bytes that wait for readers.", () => this.outgoing.bytes);
    metrics.total(
      "chela_readers_cut_total",
      "Connections that were cut off because too much waited for all readers together.",
      () => this.outgoing.cut,
    );
    metrics.total("chela_requests_total", "Requests by method and outcome (ok or the error code).", () =>
      this.dispatcher.counts(),
    );
    metrics.total("chela_connects_refused_total", "Refused connects by the code of the refusal.", () =>
      [...this.refusals].map(([code, count]) => [{ code }, count]),
    );
    metrics.total("chela_events_sent_total", "Events handed to connections.", () => this.broadcaster.sent);
    metrics.total("chela_events_dropped_total", "Events that a slow reader lost.", () => this.broadcaster.dropped);
  }
}

type PresentClientFacts = Parameters<Services["presence"]["connected"]>[0]["client"];
