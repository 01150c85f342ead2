import type { NodePairApproveResult, NodePairListResult } from "../../generated/types.ts";
import type { DeviceManager, PairedDevice } from "../devices/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import { requiredApproveScopes } from "./command-policy.ts";
import type { NamedNodes } from "./named-nodes.ts";
import type { NodeRepository } from "./node-repository.ts";
import type { NodeSessions } from "./node-sessions.ts";
import type { NodeDevicesPort } from "./nodes.ts";
import { requireScopes } from "./required-scopes.ts";
import { approved } from "./surface.ts";
import { pairedView, pendingView } from "./views.ts";

export interface NodePairingOptions {
  repository: NodeRepository;
  sessions: NodeSessions;
  /** Nodes without a device, as older releases paired them. */
  named: NamedNodes;
  devices: NodeDevicesPort & {
    /** Takes the device's node role away, and the device with it when it has no other. @throws GatewayError */
    removeNode(deviceId: string, manager: DeviceManager): Promise<void>;
  };
  bus: EventBus;
  clock: Clock;
}

/** Approving, rejecting and removing what nodes may do (docs: gateway/pairing). */
export class NodePairing {
  constructor(private readonly options: NodePairingOptions) {}

  /** Waiting requests, newest first, and approved nodes, latest approval first. */
  async list(): Promise<NodePairListResult> {
    const { repository, devices, named } = this.options;
    const [states, nodes, others] = await Promise.all([repository.readAll(), devices.nodes(), named.list()]);
    const known = nodes.map((device) => ({ device, state: states.get(device.deviceId) }));
    const pending = known.flatMap(({ state }) => (state?.request ? [pendingView(state.request)] : []));
    const paired = known.flatMap(({ device, state }) => (state?.surface ? [pairedView(device, state.surface)] : []));
    return {
      pending: [...pending, ...others.pending].sort((a, b) => b.ts - a.ts),
      paired: [...paired, ...others.paired].sort((a, b) => b.approvedAtMs - a.approvedAtMs),
    };
  }

  /**
   * Makes the requested surface the approved one; a live connection has it at once. What the approver must hold depends
   * on the requested commands. @throws GatewayError `unknown requestId`, `missing scope: ...`
   */
  async approve(requestId: string, manager: DeviceManager): Promise<NodePairApproveResult> {
    const { repository, devices, sessions, named, bus, clock } = this.options;
    const byName = await named.approve(requestId, manager);
    if (byName !== undefined) return byName;
    const now = clock.now();
    const { nodeId, surface } = await repository.changeByRequest(requestId, (state) => {
      if (state === null) throw invalidRequest("unknown requestId");
      requireScopes(manager, requiredApproveScopes(state.request.commands));
      const after = approved(state.request, state.surface, now);
      const result = { nodeId: state.request.nodeId, surface: after };
      return { state: { surface: after, request: null }, result };
    });
    const session = sessions.get(nodeId);
    if (session !== undefined) session.surface = surface;
    const payload = { requestId, nodeId, decision: "approved", ts: clock.now() };
    bus.publish("node.pair.resolved", payload, { role: "operator" });
    if (session !== undefined) bus.publish("node.pair.resolved", payload, { connIds: [session.connId] });
    const device = await devices.node(nodeId);
    return { requestId, node: pairedView(device ?? ({ deviceId: nodeId } as PairedDevice), surface) };
  }

  /** @throws GatewayError `unknown requestId` */
  async reject(requestId: string): Promise<{ requestId: string; nodeId: string }> {
    const byName = await this.options.named.reject(requestId);
    if (byName !== undefined) return byName;
    const nodeId = await this.options.repository.changeByRequest(requestId, (state) => {
      if (state === null) throw invalidRequest("unknown requestId");
      return { state: { ...state, request: null }, result: state.request.nodeId };
    });
    this.resolved(requestId, nodeId, "rejected");
    return { requestId, nodeId };
  }

  /** Takes the node role with everything approved away and ends its connections. @throws GatewayError `unknown nodeId` */
  async remove(nodeId: string, manager: DeviceManager): Promise<{ nodeId: string }> {
    const { repository, devices, named } = this.options;
    const byName = await named.remove(nodeId);
    if (byName !== undefined) return byName;
    await devices.removeNode(nodeId, manager);
    // What is left when the device has another role; the rest went with the device.
    await repository.change(nodeId, () => ({ state: { surface: null, request: null }, result: undefined }));
    this.resolved("", nodeId, "removed");
    return { nodeId };
  }

  private resolved(requestId: string, nodeId: string, decision: "rejected" | "removed"): void {
    const { bus, clock } = this.options;
    bus.publish("node.pair.resolved", { requestId, nodeId, decision, ts: clock.now() }, { role: "operator" });
  }
}
