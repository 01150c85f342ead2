import type { NodeHostStats, NodePluginToolDescriptor, NodeSkillDescriptor } from "../../generated/types.ts";
import type { DeviceFacts } from "../devices/types.ts";

/** What a node says it can do, as it stands in `connect`, bounded and without doubles. */
export interface Declaration {
  caps: readonly string[];
  commands: readonly string[];
  /** By name, whether the operating system has granted it. */
  permissions?: Readonly<Record<string, boolean>>;
  /** The search path for programs on a node host. */
  pathEnv?: string;
}

/** What a node tells about itself beyond what its device does. */
export interface NodeFacts extends DeviceFacts {
  version?: string;
  modelIdentifier?: string;
  remoteIp?: string;
}

/** The part of a declaration that an operator has approved: the ceiling of what the node may be asked for. */
export interface NodeSurface {
  displayName?: string;
  version?: string;
  modelIdentifier?: string;
  caps: readonly string[];
  commands: readonly string[];
  permissions?: Readonly<Record<string, boolean>>;
  createdAtMs: number;
  approvedAtMs: number;
  lastConnectedAtMs?: number;
  lastHostStats?: NodeHostStats;
}

/** A declaration beyond the approved surface that waits for a decision. It does not expire. */
export interface SurfaceRequest extends NodeFacts {
  requestId: string;
  nodeId: string;
  /** New whenever the request is written. */
  revision: string;
  caps: readonly string[];
  commands: readonly string[];
  permissions?: Readonly<Record<string, boolean>>;
  /** The first surface of a device that was paired without asking. */
  silent?: true;
  ts: number;
}

/** What is stored of one node beside its device. */
export interface NodeState {
  surface: NodeSurface | null;
  request: SurfaceRequest | null;
}

/** The live connection that stands for a node. A later connection of the same device takes its place. */
export interface NodeSession {
  readonly connId: string;
  readonly nodeId: string;
  readonly declaration: Declaration;
  readonly facts: NodeFacts;
  readonly connectedAtMs: number;
  /** What is approved at the moment; null until something is. */
  surface: NodeSurface | null;
  hostStats?: NodeHostStats;
  /** When the node's user was last at it, by the gateway's clock. */
  activity?: { lastActiveAtMs: number; presenceUpdatedAtMs: number };
  skills?: readonly NodeSkillDescriptor[];
  pluginTools?: readonly NodePluginToolDescriptor[];
}
