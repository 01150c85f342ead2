import type { ConnectParams, NodeDescribeResult, NodeListResult, NodeView } from "../../generated/types.ts";
import type { ConfigPort } from "../config/types.ts";
import { deviceFacts } from "../devices/device-facts.ts";
import type { PairedDevice } from "../devices/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Logger } from "../platform/logger.ts";
import type { ActiveNode } from "./active-node.ts";
import { commandConfig } from "./command-policy.ts";
import type { NodeRepository } from "./node-repository.ts";
import type { NodeSessions } from "./node-sessions.ts";
import { approved, declarationOf, requestFor } from "./surface.ts";
import type { NodeFacts, NodeState, SurfaceRequest } from "./types.ts";
import { nodeView, pendingView } from "./views.ts";

/** What nodes need of the devices behind them. */
export interface NodeDevicesPort {
  /** The paired device, if it may connect as a node. */
  node(deviceId: string): Promise<PairedDevice | null>;
  /** All paired devices that may connect as nodes. */
  nodes(): Promise<PairedDevice[]>;
}

export interface NodesOptions {
  repository: NodeRepository;
  sessions: NodeSessions;
  devices: NodeDevicesPort;
  activeNode: ActiveNode;
  config: ConfigPort;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}

export interface ConnectingNode {
  connId: string;
  nodeId: string;
  params: ConnectParams;
  /** The peer's address; absent for local peers, whose address says nothing. */
  remoteIp?: string;
}

/** Nodes as they come and go, and what operators see of them. */
export class Nodes {
  constructor(private readonly options: NodesOptions) {}

  /**
   * Compares what a connecting node declares with what was approved, and stores a request for the rest. Called before
   * the node hears that it is connected; the returned function makes the connection the one that stands for the node.
   */
  async connecting({ connId, nodeId, params, remoteIp }: ConnectingNode): Promise<() => void> {
    const { sessions, clock } = this.options;
    const { version, modelIdentifier } = params.client;
    const known = { ...deviceFacts(params.client, "node"), version, modelIdentifier, remoteIp };
    const facts: NodeFacts = Object.fromEntries(Object.entries(known).filter(([, fact]) => fact !== undefined));
    const declaration = declarationOf(params);
    const state = await this.declare(nodeId, facts, declaration);
    return () => {
      sessions.add({ connId, nodeId, facts, declaration, connectedAtMs: clock.now(), surface: state.surface });
      if (state.surface !== null) this.noteConnected(nodeId, clock.now());
    };
  }

  disconnected(nodeId: string, connId: string): void {
    this.options.sessions.remove(nodeId, connId);
  }

  /** Connected nodes first, then by name. */
  async list(): Promise<NodeListResult> {
    const { repository, devices, clock } = this.options;
    const [states, paired] = await Promise.all([repository.readAll(), devices.nodes()]);
    const nodes = paired.map((device) => this.view(device, states.get(device.deviceId)));
    const nameOf = ({ displayName, nodeId }: NodeView): string => (displayName ?? nodeId).toLowerCase();
    nodes.sort(
      (a, b) =>
        Number(b.connected) - Number(a.connected) || compare(nameOf(a), nameOf(b)) || compare(a.nodeId, b.nodeId),
    );
    return { ts: clock.now(), nodes };
  }

  /** @throws GatewayError `unknown nodeId` */
  async describe(nodeId: string): Promise<NodeDescribeResult> {
    const { repository, devices, clock } = this.options;
    const [state, device] = await Promise.all([repository.read(nodeId), devices.node(nodeId)]);
    if (device === null) throw invalidRequest("unknown nodeId");
    return { ts: clock.now(), ...this.view(device, state) };
  }

  /** Gives the node the operator's own name. @throws GatewayError `displayName required`, `unknown nodeId` */
  async rename(nodeId: string, name: string): Promise<{ nodeId: string; displayName: string }> {
    const displayName = name.trim();
    if (displayName === "") throw invalidRequest("displayName required");
    const surface = await this.options.repository.change(nodeId, (state) => {
      if (state.surface === null) return { result: null };
      const renamed = { ...state.surface, displayName };
      return { state: { ...state, surface: renamed }, result: renamed };
    });
    if (!surface) throw invalidRequest("unknown nodeId");
    const session = this.options.sessions.get(nodeId);
    if (session !== undefined) session.surface = surface;
    return { nodeId, displayName };
  }

  private view(device: PairedDevice, state: NodeState = { surface: null, request: null }): NodeView {
    const session = this.options.sessions.get(device.deviceId);
    const isActive = this.options.activeNode.nodeId === device.deviceId;
    return nodeView({ device, state, session, config: commandConfig(this.options.config.current), isActive });
  }

  private async declare(
    nodeId: string,
    facts: NodeFacts,
    declaration: ReturnType<typeof declarationOf>,
  ): Promise<NodeState> {
    const { repository, devices, config, clock, bus } = this.options;
    const device = await devices.node(nodeId);
    const now = clock.now();
    const declared = { nodeId, facts, declaration, silent: device?.approvedVia === "silent" };
    const change = await repository.change(nodeId, (before) => {
      const request = requestFor(before, declared, commandConfig(config.current), now);
      // An administrator made the setup code for this very node: it stands for the approval of its first surface.
      const isGranted = request !== null && before.surface === null && device?.approvedVia === "bootstrap";
      const state = isGranted
        ? { surface: approved(request, null, now), request: null }
        : { surface: before.surface, request };
      return { state, result: { before, state } };
    });
    if (change === undefined) return { surface: null, request: null };
    const { before, state } = change;
    if (before.request !== null && before.request.requestId !== state.request?.requestId) this.replaced(before.request);
    if (state.request !== null && state.request.requestId !== before.request?.requestId) {
      bus.publish("node.pair.requested", pendingView(state.request));
    }
    return state;
  }

  /** A request whose place another took, or that is no longer needed, counts as rejected. */
  private replaced({ requestId, nodeId }: SurfaceRequest): void {
    const { bus, clock } = this.options;
    const payload = { requestId, nodeId, decision: "rejected", ts: clock.now() };
    bus.publish("node.pair.resolved", payload, { role: "operator" });
  }

  /** Nobody waits for it: a lost note costs nothing. */
  private noteConnected(nodeId: string, lastConnectedAtMs: number): void {
    const { repository, log } = this.options;
    repository
      .change(nodeId, (state) => {
        if (state.surface === null) return { result: undefined };
        return { state: { ...state, surface: { ...state.surface, lastConnectedAtMs } }, result: undefined };
      })
      .catch((error) => log.warn("a node's connection was not recorded", { error }));
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
