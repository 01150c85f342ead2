import { EVENTS, type EventName, type EventSpec } from "../../generated/events.ts";
import type { BusEvent, EventAudience } from "../platform/bus.ts";
import { toJson } from "../platform/json.ts";
import { hasScope } from "../platform/scopes.ts";
import type { StateVersions } from "../system/versions.ts";
import type { Connection } from "./connection.ts";
import type { ContractWatch } from "./dispatch.ts";

/** Events whose frame says which state they belong to. */
const VERSIONED: ReadonlySet<EventName> = new Set<EventName>(["presence", "health"]);

const FOLLOWED_BY_NODES: ReadonlySet<EventName> = new Set<EventName>(["chat", "agent"]);

export interface BroadcastOptions {
  connections: Iterable<Connection>;
  versions: StateVersions;
  verify?: ContractWatch;
}

/**
 * Turns an event into a frame once and hands it to each connection that may have it. Each connection numbers
 * its own events, so the frame is kept in two halves with the number between.
 */
export class Broadcaster {
  sent = 0;
  dropped = 0;

  constructor(private readonly options: BroadcastOptions) {}

  publish({ event, payload, audience }: BusEvent): void {
    const spec = EVENTS[event];
    this.options.verify?.event(event, payload);
    const droppable = isDroppable(event, spec, payload);
    let frame: { head: string; tail: string } | undefined;
    for (const connection of this.options.connections) {
      if (!admits(connection, event, spec, { audience, payload })) continue;
      frame ??= this.serialise(event, payload);
      if (connection.sendEvent(frame.head, frame.tail, droppable)) this.sent++;
      else this.dropped++;
    }
  }

  private serialise(event: EventName, payload: unknown): { head: string; tail: string } {
    const head = `{"type":"event","event":"${event}","payload":${toJson(payload)},"seq":`;
    const version = VERSIONED.has(event) ? `,"stateVersion":${JSON.stringify(this.options.versions.snapshot())}` : "";
    return { head, tail: `${version}}` };
  }
}

/** Of a chat only what a later event repeats may be lost: its deltas and phases, never its end. */
function isDroppable(event: EventName, spec: EventSpec, payload: unknown): boolean {
  if (event !== "chat") return spec.droppable;
  const { state } = payload as { state?: string };
  return state === "delta" || state === "status";
}

/** True when role, scopes, subscription and the event's own audience all allow this connection to have it. */
function admits(
  connection: Connection,
  event: EventName,
  spec: EventSpec,
  { audience, payload }: Pick<BusEvent, "audience" | "payload">,
): boolean {
  const { caller } = connection;
  if (caller === undefined || connection.state !== "open") return false;
  if (audience !== undefined && !isAddressed(connection, audience)) return false;
  if (caller.role === "node" && FOLLOWED_BY_NODES.has(event)) return followsConversation(connection, payload);
  if (spec.roles !== "any" && spec.roles !== caller.role) return false;
  if (spec.subscription === "sessions" && !connection.subscribedToSessions) return false;
  if (spec.subscription === "session-messages" && !hearsMessages(connection, audience?.sessionKey ?? "")) return false;
  return spec.scope === null || caller.role === "node" || hasScope(caller, spec.scope);
}

/** A node hears the conversations that it has asked for by `chat.subscribe`, and no others. */
function followsConversation({ subscribedMessages }: Connection, payload: unknown): boolean {
  const { sessionKey } = payload as { sessionKey?: string };
  return sessionKey !== undefined && subscribedMessages.has(sessionKey);
}

/** Whoever follows all sessions hears what is said in each, too (measured on 2026.9.6). */
const hearsMessages = ({ subscribedToSessions, subscribedMessages }: Connection, sessionKey: string): boolean =>
  subscribedToSessions || subscribedMessages.has(sessionKey);

function isAddressed(connection: Connection, { connIds, deviceId, role, capability }: EventAudience): boolean {
  const { caller } = connection;
  if (connIds !== undefined && !connIds.includes(connection.id)) return false;
  if (deviceId !== undefined && caller?.deviceId !== deviceId) return false;
  if (role !== undefined && caller?.role !== role) return false;
  return capability === undefined || caller?.caps.has(capability) === true;
}
