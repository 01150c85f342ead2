import { GatewayError } from "../platform/errors.ts";
import type { NodeSessions } from "./node-sessions.ts";
import type { NodeSession, NodeSurface } from "./types.ts";

/** Who calls as a node: facts of its connection, never of its parameters. */
export interface NodeCaller {
  connId: string;
  deviceId?: string;
}

/** Upstream's refusal whenever a node is not, or no longer, what the caller takes it for. */
export const pairingChanged = (message: string): GatewayError =>
  new GatewayError("UNAVAILABLE", message, { retryable: true, details: { code: "PAIRING_CHANGED" } });

export const INVOCATION_CHANGED = "node pairing changed while invocation was active";
export const WORK_CHANGED = "node pairing changed while pending work was active";

/** The caller's session, unless another connection of its device has taken its place. @throws GatewayError */
export function currentSession(sessions: NodeSessions, { connId, deviceId = "" }: NodeCaller): NodeSession {
  const session = sessions.get(deviceId);
  if (session?.connId === connId) return session;
  throw pairingChanged("node pairing changed before request dispatch");
}

/** The caller's session, once something of it has been approved. @throws GatewayError `PAIRING_CHANGED` */
export function approvedSession(
  sessions: NodeSessions,
  caller: NodeCaller,
  message = INVOCATION_CHANGED,
): NodeSession & { surface: NodeSurface } {
  const session = currentSession(sessions, caller);
  if (session.surface === null) throw pairingChanged(message);
  return session as NodeSession & { surface: NodeSurface };
}
