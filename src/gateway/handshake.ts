import { CLOSE_CODES } from "../../generated/errors.ts";
import type { ConnectParams } from "../../generated/types.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import type { Logger } from "../platform/logger.ts";
import { check, explain } from "../protocol/validate.ts";
import { WIRE_VERSIONS } from "../protocol/version.ts";
import type { Authorizer, ConnectAccepted } from "./authorizer.ts";
import type { Connection } from "./connection.ts";
import type { CallContext } from "./context.ts";
import { type RequestFrame, resultFrame } from "./frames.ts";
import { type HelloFacts, helloPayload } from "./hello.ts";

export interface HandshakeDeps {
  authorizer: Authorizer;
  hello: HelloFacts;
  log: Logger;
  contextFor(connection: Connection, accepted: ConnectAccepted): CallContext;
  /** What is returned tells later whether the configuration has since ended this way of authentication. */
  watchAuth(): (way: string) => boolean;
  /** Called with the details code, or else the error code, of each attempt that the authorizer refused. */
  refused(code: string): void;
  /** Called before hello-ok is made: stores what must be known of the connection by then. */
  entering(connection: Connection, accepted: ConnectAccepted, params: ConnectParams): Promise<void>;
  /** Called just before hello-ok goes out. */
  admitted(connection: Connection, accepted: ConnectAccepted, params: ConnectParams): void;
}

/**
 * Decides a `connect`: parameters, wire version, role, then identity and secret. Every refusal answers the request
 * and closes with the same words (BEHAVIOUR sections 2 and 3).
 */
export async function handshake(deps: HandshakeDeps, connection: Connection, frame: RequestFrame): Promise<void> {
  try {
    await decide(deps, connection, frame);
  } catch (error) {
    deps.log.error("a handshake failed unexpectedly", { connId: connection.id, error });
    connection.refuse(
      frame.id,
      new GatewayError("UNAVAILABLE", "The gateway could not complete this request."),
      CLOSE_CODES.INTERNAL_ERROR,
    );
  }
}

async function decide(deps: HandshakeDeps, connection: Connection, frame: RequestFrame): Promise<void> {
  const { id } = frame;
  if (!check("ConnectParams", frame.params)) {
    const problem = await explain("ConnectParams", frame.params);
    connection.refuse(id, invalidRequest(`invalid connect params: ${problem}`));
    return;
  }
  const params = frame.params as ConnectParams;
  const protocol = negotiate(params);
  if (protocol === null) {
    connection.refuse(id, protocolMismatch(params), CLOSE_CODES.PROTOCOL_MISMATCH);
    return;
  }
  if (params.role !== undefined && params.role !== "operator" && params.role !== "node") {
    connection.refuse(id, invalidRequest("invalid role"));
    return;
  }
  const challenge = { nonce: connection.nonce, ts: connection.openedAt };
  const outdated = deps.watchAuth();
  const decision = await deps.authorizer.connect(params, connection.peer, challenge, {
    connId: connection.id,
    protocol,
  });
  if (!decision.ok) {
    const { error, delayMs } = decision;
    const code = String(error.details?.code ?? error.code);
    const { remoteAddress: address, origin } = connection.peer;
    deps.log.warn("a connection was refused", { connId: connection.id, address, origin: origin?.slice(0, 200), code });
    deps.refused(code);
    if (delayMs) await Bun.sleep(delayMs);
    connection.refuse(id, decision.error, decision.close);
    return;
  }
  const refusal = decision.caller.role === "node" ? deps.hello.services.suspension.refusal("connect") : null;
  if (refusal) {
    connection.refuse(id, refusal);
    return;
  }
  await deps.entering(connection, decision, params);
  const payload = await helloPayload(deps.hello, decision);
  const isIn = admit(deps, connection, { id, params, payload, decision, outdated });
  decision.settled?.(isIn).catch((error) => deps.log.error("the end of a setup was not recorded", { error }));
}

interface Admission {
  id: string;
  params: ConnectParams;
  payload: object;
  decision: ConnectAccepted;
  outdated(way: string): boolean;
}

/** Opens the connection unless it, the device's access, or the secret it came with has ended meanwhile. */
function admit(
  deps: HandshakeDeps,
  connection: Connection,
  { id, params, payload, decision, outdated }: Admission,
): boolean {
  if (connection.state === "closed") return false;
  if (decision.lostAccess?.()) {
    connection.refuse(id, invalidRequest("device access ended"), CLOSE_CODES.DEVICE_REMOVED);
    return false;
  }
  if (outdated(decision.caller.authMethod)) {
    connection.refuse(id, invalidRequest(CLOSE_CODES.AUTH_CHANGED.reason), CLOSE_CODES.AUTH_CHANGED);
    return false;
  }
  deps.admitted(connection, decision, params);
  connection.accepted(decision.caller, deps.contextFor(connection, decision), resultFrame(id, payload));
  return true;
}

/** The newest wire version that both sides speak, or null. */
export function negotiate({ minProtocol, maxProtocol }: Pick<ConnectParams, "minProtocol" | "maxProtocol">) {
  return WIRE_VERSIONS.find((version) => minProtocol <= version && version <= maxProtocol) ?? null;
}

function protocolMismatch({ minProtocol, maxProtocol }: ConnectParams): GatewayError {
  return invalidRequest("protocol mismatch", {
    code: "PROTOCOL_MISMATCH",
    clientMinProtocol: minProtocol,
    clientMaxProtocol: maxProtocol,
    expectedProtocol: WIRE_VERSIONS[0],
    minimumProbeProtocol: WIRE_VERSIONS.at(-1),
  });
}
