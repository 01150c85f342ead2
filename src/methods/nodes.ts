import type { NodesHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const nodes: NodesHandlers<CallContext> = {
  "node.pair.list": (_params, { nodePairing }) => nodePairing.list(),
  "node.pair.approve": ({ requestId }, { nodePairing, caller }) => nodePairing.approve(requestId, caller),
  "node.pair.reject": ({ requestId }, { nodePairing }) => nodePairing.reject(requestId),
  "node.pair.remove": ({ nodeId }, { nodePairing, caller }) => nodePairing.remove(nodeId, caller),
  "node.list": (_params, { nodes }) => nodes.list(),
  "node.describe": ({ nodeId }, { nodes }) => nodes.describe(nodeId),
  "node.rename": ({ nodeId, displayName }, { nodes }) => nodes.rename(nodeId, displayName),
};
