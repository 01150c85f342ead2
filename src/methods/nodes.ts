import type { NodesHandlers } from "../../generated/handlers.ts";
import { NODE_COMMANDS } from "../../generated/node-commands.ts";
import type { CallContext } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { commandConfig } from "../nodes/command-policy.ts";
import { approvedSession } from "../nodes/live-node.ts";
import { refreshSurface } from "../nodes/plugin-surface.ts";
import { invalidRequest } from "../platform/errors.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";

export const nodes: NodesHandlers<CallContext> = {
  "node.pair.list": (_params, { nodePairing }) => nodePairing.list(),
  "node.pair.approve": ({ requestId }, { nodePairing, caller }) => nodePairing.approve(requestId, caller),
  "node.pair.reject": ({ requestId }, { nodePairing }) => nodePairing.reject(requestId),
  "node.pair.remove": ({ nodeId }, { nodePairing, caller }) => nodePairing.remove(nodeId, caller),
  "node.pair.request": (params, { namedNodes }) => namedNodes.request(params),
  "node.pair.verify": (params, { namedNodes }) => namedNodes.verify(params),
  "node.list": (_params, { nodes }) => nodes.list(),
  "node.describe": ({ nodeId }, { nodes }) => nodes.describe(nodeId),
  "node.rename": ({ nodeId, displayName }, { nodes }) => nodes.rename(nodeId, displayName),
  "node.invoke": (params, { nodeInvokes, caller }) => nodeInvokes.invoke(params, caller),
  "node.invoke.result": (params, { nodeInvokes, caller }) => nodeInvokes.result(params, caller),
  "node.invoke.progress": (params, { nodeInvokes, caller }) => nodeInvokes.progress(params, caller),
  "node.event": (params, { nodeEvents, sessions, subscriptions, caller }) =>
    nodeEvents.take(params, caller, {
      canonicalKey: (key) => sessions.canonicalKey(key),
      follow: (key) => subscriptions.subscribeMessages(key),
      unfollow: (key) => subscriptions.unsubscribeMessages(key),
    }),
  "node.pending.enqueue": (params, { pendingWork }) => pendingWork.enqueue(params),
  "node.pending.drain": (params, { pendingWork, caller }) => pendingWork.drain(params, caller),
  "node.pending.pull": async (_params, { foregroundActions, nodeSessions, config, caller }) => {
    const session = approvedSession(nodeSessions, caller);
    return { nodeId: session.nodeId, actions: await foregroundActions.pull(session, commandConfig(config.current)) };
  },
  "node.pending.ack": async ({ ids }, { foregroundActions, nodeSessions, caller }) => {
    const { nodeId } = approvedSession(nodeSessions, caller);
    return { nodeId, ackedIds: ids, remainingCount: await foregroundActions.acknowledge(nodeId, ids) };
  },
  "node.skills.update": ({ skills }, { nodeOffers, caller }) => nodeOffers.updateSkills(skills, caller),
  "node.pluginTools.update": ({ tools }, { nodeOffers, caller }) => nodeOffers.updateTools(tools, caller),
  "node.pluginSurface.refresh": ({ surface }) => refreshSurface(surface),
  "canvas.present": (params, { canvas, caller }) => canvas.present(params, caller),
  "node.runnerInventory.update": (params, { nodeOffers, caller }) => nodeOffers.updateInventory(params, caller),
};

/** Relaying a command that reaches into the node's host takes an administrator (docs: gateway/operator-scopes). */
const invokeScope: Guard = ({ command }, caller) => {
  const isAdmin = typeof command === "string" && NODE_COMMANDS.adminInvoke.includes(command.trim());
  const scope = isAdmin ? "operator.admin" : "operator.write";
  if (!hasScope(caller, scope)) throw missingScope(scope);
};

/** For clients of wire 3; to others these are what they are to 2026.9.6, unknown methods. */
const olderClients =
  (method: string): Guard =>
  (_params, caller) => {
    const isOlder = caller.protocol < 4;
    const scope = isOlder ? "operator.pairing" : "operator.admin";
    if (!hasScope(caller, scope)) throw missingScope(scope);
    if (!isOlder) throw invalidRequest(`unknown method: ${method}`);
  };

export const nodeGuards = {
  "node.invoke": invokeScope,
  "node.pair.request": olderClients("node.pair.request"),
  "node.pair.verify": olderClients("node.pair.verify"),
} as const;
