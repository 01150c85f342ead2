import type { ConfigPort } from "../config/types.ts";
import type { Devices } from "../devices/devices.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { NodePairing } from "./node-pairing.ts";
import type { NodeRepository } from "./node-repository.ts";
import { NodeSessions } from "./node-sessions.ts";
import { Nodes } from "./nodes.ts";

export interface NodeServices {
  readonly nodes: Nodes;
  readonly nodePairing: NodePairing;
}

/** The room's services over the devices that nodes are. */
export function createNodes(deps: {
  repository: NodeRepository;
  devices: Devices;
  config: ConfigPort;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}): NodeServices {
  const sessions = new NodeSessions();
  const shared = { ...deps, sessions, log: deps.log.child("nodes") };
  return { nodes: new Nodes(shared), nodePairing: new NodePairing(shared) };
}
