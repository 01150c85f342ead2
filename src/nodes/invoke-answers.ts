import type { NodeInvokeResult, NodeInvokeResultParams } from "../../generated/types.ts";
import { GatewayError } from "../platform/errors.ts";

/** How an invocation ended, from the node's word or from what the gateway saw. */
export type Outcome = Pick<NodeInvokeResultParams, "ok" | "payload" | "payloadJSON" | "error">;

export const failed = (code: string, message: string): Outcome => ({ ok: false, error: { code, message } });

/** The answer to the caller. @throws GatewayError with the node's error */
export function answerOf(nodeId: string, command: string, outcome: Outcome): NodeInvokeResult {
  if (!outcome.ok) throw nodeError(outcome);
  const { payload, payloadJSON } = outcome;
  const given = payloadJSON === undefined ? payload : parsed(payloadJSON);
  return {
    ok: true,
    nodeId,
    command,
    ...(given !== undefined && { payload: given }),
    payloadJSON: payloadJSON ?? null,
  };
}

/** What a node sent as its result, from either form. */
export const payloadOf = ({ payload, payloadJSON }: Outcome): unknown =>
  payloadJSON === undefined || payloadJSON === null ? payload : parsed(payloadJSON);

function parsed(payloadJSON: string): unknown {
  try {
    return JSON.parse(payloadJSON);
  } catch {
    return { payloadJSON };
  }
}

/** Nobody was there to be asked. */
export const wasAsked = ({ error }: Outcome): boolean => error?.code !== "NOT_CONNECTED";

/** The node's error in upstream's form; `details.nodeCommandDispatched` says that the node may have acted. */
export function nodeError({ error }: Outcome, dispatched: boolean | null = true): GatewayError {
  const { code, message } = error ?? {};
  const text = message ?? "node invoke failed";
  return new GatewayError("UNAVAILABLE", code === undefined ? text : `${code}: ${text}`, {
    details: { nodeError: error ?? null, ...(dispatched !== null && { nodeCommandDispatched: dispatched }) },
  });
}

export function notConnected(): GatewayError {
  const nodeError = { code: "NOT_CONNECTED", message: "node not connected" };
  return new GatewayError("UNAVAILABLE", nodeError.message, {
    details: { code: nodeError.code, nodeError, nodeCommandDispatched: false },
  });
}
