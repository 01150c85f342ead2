import { type TypedClient, typedClient } from "../../generated/client.ts";
import { Backoff } from "./backoff.ts";
import type { Closed, Connection, EventListener } from "./connection.ts";
import { GatewayRequestError, GatewayTransportError } from "./errors.ts";
import type { Hello } from "./introduction.ts";
import type { CallOptions } from "./pending.ts";
import { type SignIn, signIn } from "./sign-in.ts";

export interface ClientOptions extends SignIn {
  /** Milliseconds for each attempt, until hello. */
  connectTimeoutMs?: number;
  /** Told of each hello, the first and those after a reconnect: subscriptions must be made anew then. */
  onHello?(hello: Hello): void;
  /** Told of each end, and in how many milliseconds the next attempt comes; null when none comes any more. */
  onEnd?(end: Closed | Error, retryInMs: number | null): void;
  /** Told when events were lost: the numbers that were expected and that came. */
  onGap?(expected: number, received: number): void;
  backoff?: Backoff;
}

/** Reasons for a refusal that waiting does not mend. Pairing and a gateway that is starting can change by themselves. */
const HOPELESS = /^(AUTH_|DEVICE_AUTH_|DEVICE_IDENTITY_REQUIRED|CONTROL_UI_ORIGIN|PROTOCOL_MISMATCH)/;

/**
 * A connection that comes back. Calls made while it is away are rejected at once; use {@link connected} to wait.
 * `api` has the same calls with the protocol's types.
 */
export class GatewayClient {
  readonly api: TypedClient<CallOptions> = typedClient(this);
  private readonly listeners = new Set<EventListener>();
  private readonly backoff: Backoff;
  private connection: Connection | undefined;
  private waiting = newWait();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lastSeq = 0;
  private stopped = false;

  constructor(private readonly options: ClientOptions) {
    this.backoff = options.backoff ?? new Backoff();
  }

  /** Begins to connect, and to connect again whenever the connection ends. */
  start(): this {
    void this.attempt();
    return this;
  }

  /** The connection, now or as soon as there is one. @throws when connecting is hopeless or was stopped */
  connected(): Promise<Connection> {
    if (this.stopped) return Promise.reject(wasStopped());
    return this.connection?.isOpen ? Promise.resolve(this.connection) : this.waiting.promise;
  }

  get hello(): Hello | undefined {
    return this.connection?.hello;
  }

  request(method: string, params: unknown, options?: CallOptions): Promise<unknown> {
    if (this.connection) return this.connection.request(method, params, options);
    return Promise.reject(new GatewayTransportError("There is no connection to the gateway.", "closed"));
  }

  /** Returns the function that ends the subscription. */
  onEvent(listener: EventListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Ends the connection for good; resolves when the socket is gone. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    this.waiting.reject(wasStopped());
    await this.connection?.close();
  }

  private async attempt(): Promise<void> {
    this.lastSeq = 0;
    let connection: Connection;
    try {
      connection = await signIn(this.options, {
        timeoutMs: this.options.connectTimeoutMs,
        onEvent: (event, payload, seq) => this.deliver(event, payload, seq),
      });
    } catch (error) {
      this.again(error as Error, error instanceof GatewayRequestError ? error : undefined);
      return;
    }
    if (this.stopped) return void connection.close();
    this.connection = connection;
    this.backoff.reset();
    this.waiting.resolve(connection);
    void connection.closed.then((end) => {
      this.connection = undefined;
      if (this.stopped) return;
      this.waiting = newWait();
      this.again(end, undefined);
    });
    this.options.onHello?.(connection.hello);
  }

  private again(end: Closed | Error, refusal: GatewayRequestError | undefined): void {
    if (this.stopped) return;
    if (refusal?.detailCode !== undefined && HOPELESS.test(refusal.detailCode) && !refusal.retryable) {
      this.waiting.reject(refusal);
      this.options.onEnd?.(end, null);
      return;
    }
    const waitMs = this.backoff.next(refusal?.retryAfterMs);
    this.options.onEnd?.(end, waitMs);
    this.timer = setTimeout(() => void this.attempt(), waitMs);
  }

  private deliver(event: string, payload: unknown, seq: number | undefined): void {
    if (seq !== undefined) {
      if (seq > this.lastSeq + 1) this.options.onGap?.(this.lastSeq + 1, seq);
      this.lastSeq = Math.max(this.lastSeq, seq);
    }
    for (const listener of this.listeners) listener(event, payload, seq);
  }
}

/** Nobody may be waiting when it is rejected; that is no unhandled error. */
function newWait(): PromiseWithResolvers<Connection> {
  const wait = Promise.withResolvers<Connection>();
  wait.promise.catch(() => {});
  return wait;
}

const wasStopped = (): GatewayTransportError => new GatewayTransportError("The client was stopped.", "closed");
