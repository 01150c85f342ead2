import type {
  NodePairPending,
  NodeView,
  PairedNode,
  PendingNodeSurface as PendingShape,
  NodeSurface as SurfaceShape,
} from "../../generated/types.ts";
import type { PairedDevice } from "../devices/types.ts";
import { type CommandConfig, effectiveCommands, requiredApproveScopes } from "./command-policy.ts";
import { effectiveCaps, effectivePermissions } from "./surface.ts";
import type { NodeSession, NodeState, NodeSurface, SurfaceRequest } from "./types.ts";

/** Nodes as clients see them. */

const sorted = (names: readonly string[]): string[] => [...names].sort();

/** A waiting request in `node.pair.list` and in `node.pair.requested`. */
export function pendingView({ revision: _, ...request }: SurfaceRequest): NodePairPending {
  return {
    ...request,
    caps: [...request.caps],
    commands: [...request.commands],
    permissions: request.permissions,
    requiredApproveScopes: requiredApproveScopes(request.commands),
  };
}

/** A waiting request in `device.pair.list`. */
export function pendingSurfaceView({ nodeId: _n, clientId: _c, clientMode: _m, ...request }: SurfaceRequest) {
  return request as unknown as PendingShape;
}

/** An approved surface in `device.pair.list`. */
export const surfaceView = (surface: NodeSurface): SurfaceShape => surface as unknown as SurfaceShape;

/** An approved node in `node.pair.list` and in the answer to an approval. */
export function pairedView(device: PairedDevice, surface: NodeSurface): PairedNode {
  const { clientId, clientMode, platform, deviceFamily, remoteIp, lastSeenAtMs } = device;
  const { displayName, version, modelIdentifier, caps, commands, permissions } = surface;
  return {
    nodeId: device.deviceId,
    clientId,
    clientMode,
    displayName,
    platform,
    version,
    deviceFamily,
    modelIdentifier,
    remoteIp,
    caps: [...caps],
    commands: [...commands],
    permissions,
    createdAtMs: surface.createdAtMs,
    approvedAtMs: surface.approvedAtMs,
    lastConnectedAtMs: surface.lastConnectedAtMs,
    ...(lastSeenAtMs !== undefined && { lastSeenAtMs, lastSeenReason: device.lastSeenReason ?? "connect" }),
  };
}

export interface ViewedNode {
  device: PairedDevice;
  state: NodeState;
  session: NodeSession | undefined;
  config: CommandConfig;
  /** It is the one that was used last. */
  isActive: boolean;
}

/**
 * A node in `node.list` and `node.describe`: of a connected one what it can do now, of another what was approved. What
 * waits for an approval stands beside it.
 */
export function nodeView({ device, state, session, config, isActive }: ViewedNode): NodeView {
  const { surface, request } = state;
  const facts = session?.facts;
  const known = { ...device, ...request, ...surface, ...facts };
  return {
    nodeId: device.deviceId,
    displayName: surface?.displayName ?? facts?.displayName ?? request?.displayName ?? device.displayName,
    platform: device.platform,
    version: known.version,
    clientId: device.clientId,
    clientMode: device.clientMode,
    remoteIp: device.remoteIp,
    deviceFamily: device.deviceFamily,
    modelIdentifier: known.modelIdentifier,
    sessionHost: false,
    ...(session === undefined ? offline(surface) : online(session, surface, config)),
    approvalState: approvalState(state),
    ...(request !== null && {
      pendingRequestId: request.requestId,
      pendingDeclaredCaps: sorted(request.caps),
      pendingDeclaredCommands: sorted(request.commands),
      pendingDeclaredPermissions: request.permissions,
    }),
    ...lastSeen(device, session),
    approvedAtMs: surface?.approvedAtMs ?? device.approvedAtMs,
    paired: true,
    connected: session !== undefined,
    ...(isActive && { active: true }),
  };
}

function approvalState({ surface, request }: NodeState): NodeView["approvalState"] {
  if (surface === null) return request === null ? "unapproved" : "pending-approval";
  return request === null ? "approved" : "pending-reapproval";
}

function offline(surface: NodeSurface | null) {
  return {
    caps: sorted(surface?.caps ?? []),
    commands: sorted(surface?.commands ?? []),
    permissions: surface?.permissions,
    hostStats: surface?.lastHostStats,
    lastConnectedAtMs: surface?.lastConnectedAtMs,
  };
}

function online(session: NodeSession, surface: NodeSurface | null, config: CommandConfig) {
  const { declaration, connectedAtMs } = session;
  return {
    caps: sorted(effectiveCaps(declaration, surface)),
    commands: sorted(effectiveCommands(session, surface, config)),
    nodePluginTools: [...(session.pluginTools ?? [])],
    pathEnv: declaration.pathEnv,
    permissions: effectivePermissions(declaration, surface),
    hostStats: session.hostStats ?? surface?.lastHostStats,
    connectedAtMs,
    lastConnectedAtMs: connectedAtMs,
    ...session.activity,
  };
}

/** A connected node was seen at least when it connected. */
function lastSeen({ lastSeenAtMs = 0, lastSeenReason = "connect" }: PairedDevice, session: NodeSession | undefined) {
  const connectedAtMs = session?.connectedAtMs ?? 0;
  if (connectedAtMs >= lastSeenAtMs && connectedAtMs > 0) {
    return { lastSeenAtMs: connectedAtMs, lastSeenReason: "connect" };
  }
  return lastSeenAtMs > 0 ? { lastSeenAtMs, lastSeenReason } : {};
}
