import WebSocket from "ws";
import { LIMITS } from "../../generated/limits.ts";
import { GatewayTransportError } from "./errors.ts";
import { field, parseFrame } from "./frames.ts";
import { connectParams, type Hello, type Introduction } from "./introduction.ts";
import { type CallOptions, PendingRequests } from "./pending.ts";

/** How a connection ended. `code` is 1006 when no close frame came. */
export interface Closed {
  code: number;
  reason: string;
  /** The system's or the library's words when the network failed. */
  error?: string;
}

export type EventListener = (event: string, payload: unknown, seq: number | undefined) => void;

export interface OpenOptions {
  /** Until hello. */
  timeoutMs?: number;
  /** Gets every event after the challenge, from the first one on. */
  onEvent?: EventListener;
}

/** The close code of a client that has heard nothing for two ticks, as upstream's client sends it. */
const TICK_TIMEOUT = 4000;

/**
 * One socket from its opening to its end. It does not come back; `GatewayClient` makes new ones. Calls that are
 * waiting when it ends are rejected.
 */
export class Connection {
  /** Resolves when the socket is gone, however that came. */
  readonly closed: Promise<Closed>;
  private readonly pending: PendingRequests;
  private readonly challenge = Promise.withResolvers<unknown>();
  private lastHeard = performance.now();
  private watchdog: ReturnType<typeof setInterval> | undefined;
  private end: Closed | undefined;
  private greeting: Hello | undefined;

  private constructor(
    private readonly socket: WebSocket,
    private readonly onEvent: EventListener,
  ) {
    this.pending = new PendingRequests((text) => socket.send(text));
    this.closed = whenClosed(socket).then((end) => this.finished(end));
    socket.on("message", (data) => this.received(String(data)));
    socket.on("ping", () => this.heard());
  }

  /**
   * Connects and says who we are.
   * @throws GatewayRequestError when the gateway refuses, GatewayTransportError when it cannot be reached in time
   */
  static async open(url: string, who: Introduction, options: OpenOptions = {}): Promise<Connection> {
    const { timeoutMs = LIMITS.clientConnectTimeoutMs, onEvent = () => {} } = options;
    const socket = new WebSocket(url, { maxPayload: LIMITS.maxPayloadBytes, perMessageDeflate: false });
    const connection = new Connection(socket, onEvent);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(notInTime(url, timeoutMs)), timeoutMs);
    const gone = connection.closed.then((end) => Promise.reject(unreachable(url, end)));
    try {
      await Promise.race([connection.introduce(who), late.promise, gone]);
      return connection;
    } catch (error) {
      socket.terminate();
      throw error;
    } finally {
      clearTimeout(timer);
      // Whichever of them did not decide the race must not count as unhandled.
      gone.catch(() => {});
    }
  }

  get hello(): Hello {
    return this.greeting!;
  }

  get isOpen(): boolean {
    return this.end === undefined && this.socket.readyState === WebSocket.OPEN;
  }

  /**
   * Sends a request and waits for its answer; of a method with two answers for the first, or with `expectFinal` for the
   * last.
   * @throws GatewayRequestError for an error answer, GatewayTransportError when none comes
   */
  request(method: string, params: unknown, options?: CallOptions): Promise<unknown> {
    if (!this.isOpen) return Promise.reject(new GatewayTransportError("The connection is closed.", "closed"));
    return this.pending.send(method, params, options);
  }

  /** Ends the connection; resolves when the socket is gone. */
  async close(code = 1000, reason = ""): Promise<Closed> {
    if (this.end) return this.end;
    this.socket.close(code, reason);
    // A gateway that does not answer the close frame is not waited for.
    const impatient = setTimeout(() => this.socket.terminate(), LIMITS.closeGraceMs);
    try {
      return await this.closed;
    } finally {
      clearTimeout(impatient);
    }
  }

  /** Waits for the challenge, answers it and waits for hello. */
  private async introduce(who: Introduction): Promise<void> {
    const payload = await this.challenge.promise;
    const nonce = field(payload, "nonce");
    const ts = field(payload, "ts");
    if (typeof nonce !== "string" || typeof ts !== "number") {
      throw new GatewayTransportError("What answers there is no gateway: its challenge cannot be read.", "closed");
    }
    this.greeting = (await this.pending.send("connect", connectParams(who, { nonce, ts }), {
      timeoutMs: null,
    })) as Hello;
    this.watchTicks(Number(field(this.greeting.policy, "tickIntervalMs")) || LIMITS.tickIntervalMs);
  }

  private received(text: string): void {
    this.heard();
    const frame = parseFrame(text);
    if (frame?.type === "res") this.pending.answered(frame);
    else if (frame?.event === "connect.challenge") this.challenge.resolve(frame.payload);
    else if (frame?.type === "event" && typeof frame.event === "string") {
      this.onEvent(frame.event, frame.payload, frame.seq);
    }
  }

  private heard(): void {
    this.lastHeard = performance.now();
  }

  /** A gateway that is alive ticks; one that is silent twice as long is gone, whatever the socket says. */
  private watchTicks(intervalMs: number): void {
    this.watchdog = setInterval(() => {
      if (performance.now() - this.lastHeard > 2 * intervalMs) void this.close(TICK_TIMEOUT, "tick timeout");
    }, intervalMs / 2);
    // Waiting for ticks alone is no reason for a process to live on.
    this.watchdog.unref();
  }

  private finished(end: Closed): Closed {
    this.end = end;
    clearInterval(this.watchdog);
    const facts = { reason: end.reason, closeCode: end.code };
    this.pending.rejectAll(new GatewayTransportError(describeEnd(end), "closed", facts));
    return end;
  }
}

function whenClosed(socket: WebSocket): Promise<Closed> {
  return new Promise((resolve) => {
    let failure: string | undefined;
    socket.on("error", (error) => {
      failure = error.message;
    });
    socket.on("close", (code, reason) => {
      resolve({ code, reason: String(reason), ...(failure !== undefined && { error: failure }) });
    });
  });
}

const describeEnd = ({ code, reason, error }: Closed): string =>
  error ?? `The gateway closed the connection (${code}${reason ? `: ${reason}` : ""}).`;

function unreachable(url: string, end: Closed): GatewayTransportError {
  const cause = end.error?.match(/\bE[A-Z]{4,}\b/)?.[0] ?? end.error ?? end.reason;
  const message = cause ? `Gateway not reachable at ${url} (${cause}).` : `Gateway not reachable at ${url}.`;
  return new GatewayTransportError(message, "closed", { reason: end.error ?? end.reason, closeCode: end.code });
}

const notInTime = (url: string, timeoutMs: number): GatewayTransportError =>
  new GatewayTransportError(`The gateway at ${url} did not greet within ${timeoutMs} ms.`, "timeout", { timeoutMs });
