import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { ConfigPort } from "../config/types.ts";
import type { Devices } from "../devices/devices.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Store } from "../store/store.ts";
import { ActiveNode } from "./active-node.ts";
import { BrowserRelay } from "./browser-relay.ts";
import { Canvas } from "./canvas.ts";
import { ExecPolicyRelay } from "./exec-policy-relay.ts";
import { ExecRuns } from "./exec-runs.ts";
import { FolderRelay } from "./folder-relay.ts";
import { ForegroundActions } from "./foreground.ts";
import { InvokeMemory } from "./invoke-memory.ts";
import { type InvokesOptions, NodeInvokes } from "./invokes.ts";
import { NamedNodes } from "./named-nodes.ts";
import { NodeEvents } from "./node-events.ts";
import { NodeNotes, type NodeNotesDeps } from "./node-notes.ts";
import { NodeOffers } from "./node-offers.ts";
import { NodePairing } from "./node-pairing.ts";
import type { NodeRepository } from "./node-repository.ts";
import { NodeSessions } from "./node-sessions.ts";
import { Nodes } from "./nodes.ts";
import { PendingWork } from "./pending-work.ts";

export interface NodeServices {
  readonly nodes: Nodes;
  readonly nodePairing: NodePairing;
  readonly namedNodes: NamedNodes;
  readonly nodeInvokes: NodeInvokes;
  readonly nodeEvents: NodeEvents;
  readonly nodeOffers: NodeOffers;
  readonly nodeSessions: NodeSessions;
  readonly foregroundActions: ForegroundActions;
  readonly pendingWork: PendingWork;
  readonly execPolicyRelay: ExecPolicyRelay;
  readonly browserRelay: BrowserRelay;
  readonly canvas: Canvas;
  readonly folderRelay: FolderRelay;
}

/** The room's services over the devices that nodes are. */
export function createNodes(deps: {
  repository: NodeRepository;
  store: Store;
  devices: Devices;
  permissions: InvokesOptions["permissions"];
  conversations: Omit<NodeNotesDeps, "config" | "clock" | "log">;
  agents: Pick<AgentCatalogue, "roster">;
  config: ConfigPort;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}): NodeServices {
  const sessions = new NodeSessions();
  const shared = { ...deps, sessions, log: deps.log.child("nodes") };
  const execRuns = new ExecRuns();
  sessions.onEnd((session) => execRuns.sessionEnded(session));
  const actions = new ForegroundActions(deps);
  const activeNode = new ActiveNode(shared);
  const named = new NamedNodes(deps);
  const invokes = new NodeInvokes({ ...shared, execRuns, actions, memory: new InvokeMemory(deps) });
  return {
    nodes: new Nodes({ ...shared, activeNode }),
    nodePairing: new NodePairing({ ...shared, named }),
    namedNodes: named,
    nodeInvokes: invokes,
    nodeEvents: new NodeEvents({
      ...shared,
      execRuns,
      activeNode,
      notes: new NodeNotes({ ...shared, ...deps.conversations }),
    }),
    nodeOffers: new NodeOffers(shared),
    nodeSessions: sessions,
    foregroundActions: actions,
    pendingWork: new PendingWork(shared),
    execPolicyRelay: new ExecPolicyRelay({ ...shared, invokes }),
    browserRelay: new BrowserRelay({ ...shared, invokes }),
    canvas: new Canvas({ ...shared, invokes }),
    folderRelay: new FolderRelay({ ...shared, invokes }),
  };
}
