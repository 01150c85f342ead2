import type { EventName } from "../../generated/events.ts";

/** Narrows who gets an event, on top of the role, scope and subscription that its spec asks for. */
export interface EventAudience {
  /** Only connections that subscribed to this session's messages (events with `subscription: session-messages`). */
  sessionKey?: string;
  /** Only these connections. */
  connIds?: readonly string[];
  /** Only connections of this device. */
  deviceId?: string;
  /** Only connections in this role, of an event that both may have. */
  role?: "operator" | "node";
  /** Only connections that declared this capability in `connect`. */
  capability?: string;
}

export interface BusEvent {
  event: EventName;
  payload: unknown;
  audience?: EventAudience;
}

/**
 * Domains publish here after the commit that made the event true; the gateway listens and fans out.
 * Listeners run at once, in order of subscription; one that throws is reported and does not stop the others.
 */
export class EventBus {
  private readonly listeners = new Set<(event: BusEvent) => void>();

  constructor(private readonly onListenerError: (error: unknown) => void = () => {}) {}

  publish(event: EventName, payload: unknown, audience?: EventAudience): void {
    const message: BusEvent = audience ? { event, payload, audience } : { event, payload };
    for (const listener of this.listeners) {
      try {
        listener(message);
      } catch (error) {
        this.onListenerError(error);
      }
    }
  }

  /** Returns the function that ends the subscription. */
  subscribe(listener: (event: BusEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
