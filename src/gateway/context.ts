import type { Connection } from "./connection.ts";
import type { Services } from "./services.ts";

/** Who is calling: the facts fixed at the handshake. Authority is judged from these alone, never from params. */
export interface Caller {
  connId: string;
  role: "operator" | "node";
  scopes: ReadonlySet<string>;
  /** Present when the connection proved a device identity. */
  deviceId?: string;
  /** The name that a trusted proxy vouches for. */
  user?: string;
  client: { id: string; mode: string; version: string; platform: string; displayName?: string; instanceId?: string };
  caps: ReadonlySet<string>;
  /** True for a direct loopback peer without proxy headers. */
  isLocal: boolean;
  /** How the connection was authenticated: `none`, `token`, `password`, `device-token`, `trusted-proxy`, `http`. */
  authMethod: string;
  /** The negotiated wire version, 3 or 4. */
  protocol: number;
}

/** The event subscriptions of the calling connection. HTTP calls have none; there these do nothing. */
export interface Subscriptions {
  subscribeSessions(): void;
  unsubscribeSessions(): void;
  subscribeMessages(sessionKey: string): void;
  unsubscribeMessages(sessionKey: string): void;
}

/** What a method handler gets besides its params: the services, the caller, and the call itself. */
export interface CallContext extends Services {
  caller: Caller;
  subscriptions: Subscriptions;
  /** Sends the acceptance of a two-phase method; the handler's return value is then the second answer. */
  accept(payload: unknown): void;
  /** Aborted when the connection closes. */
  signal: AbortSignal;
}

/** The context of all calls of one connection; two-phase calls get their own `accept` on top. */
export function connectionContext(services: Services, caller: Caller, connection: Connection): CallContext {
  const context = Object.create(services, {
    signal: { get: () => connection.signal, enumerable: true },
  }) as CallContext & { caller: Caller; subscriptions: Subscriptions };
  context.caller = caller;
  context.subscriptions = connection.subscriptions;
  context.accept = () => {};
  return context;
}

const NO_SUBSCRIPTIONS: Subscriptions = {
  subscribeSessions: () => {},
  unsubscribeSessions: () => {},
  subscribeMessages: () => {},
  unsubscribeMessages: () => {},
};

/** The context of a call without a socket: no subscriptions, and of a two-phase method only the final answer. */
export function detachedContext(services: Services, caller: Caller, signal: AbortSignal): CallContext {
  return Object.assign(Object.create(services) as Services, {
    caller,
    subscriptions: NO_SUBSCRIPTIONS,
    accept: () => {},
    signal,
  });
}
