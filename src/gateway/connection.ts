import type { ServerWebSocket } from "bun";
import { CLOSE_CODES } from "../../generated/errors.ts";
import { type GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { CallContext, Caller, Subscriptions } from "./context.ts";
import {
  closeReason,
  errorFrame,
  explainRequestFrame,
  idOfInvalidFrame,
  isRequestFrame,
  type RequestFrame,
} from "./frames.ts";
import { MODEL_SNAPSHOT } from "./model-snapshot.ts";
import type { PeerFacts } from "./peer.ts";

export interface SocketData {
  connection: Connection;
}

/** What a connection needs from the gateway around it. */
export interface ConnectionHost {
  readonly limits: ConnectionLimits;
  /** Decides a well-formed `connect`. Answers the frame and opens or closes the connection. */
  handshake(connection: Connection, frame: RequestFrame): Promise<void>;
  /** Takes a request of an open connection. */
  dispatch(connection: Connection, frame: RequestFrame): void;
  /** A frame before hello was too large. */
  tooLarge(): void;
  /** What waits for the peer to read has changed. */
  buffered(connection: Connection): void;
  /** The connection is gone. */
  gone(connection: Connection): void;
  now(): number;
}

/** Bytes, milliseconds and counts; values and reasons in `spec/chela/limits.yaml`. */
export interface ConnectionLimits {
  preauthFrameBytes: number;
  handshakeTimeoutMs: number;
  pipelinedFrames: number;
  maxBufferedBytes: number;
  subscriptionsPerConnection: number;
  closeGraceMs: number;
}

/**
 * One socket from its upgrade to its end. Before hello everything unexpected ends it, exactly as upstream does
 * (BEHAVIOUR section 2); afterwards a bad frame costs only itself.
 */
export class Connection {
  readonly id = uuid();
  readonly nonce = uuid();
  readonly openedAt: number;
  state: "connecting" | "authorizing" | "open" | "closed" = "connecting";
  caller: Caller | undefined;
  context: CallContext | undefined;
  subscribedToSessions = false;
  readonly subscribedMessages = new Set<string>();
  /** Requests that have started and not been answered. */
  inFlight = 0;
  private socket: ServerWebSocket<SocketData> | undefined;
  private seq = 0;
  private pipelined: RequestFrame[] = [];
  private deadline: ReturnType<typeof setTimeout> | undefined;
  private abort: AbortController | undefined;

  constructor(
    private readonly host: ConnectionHost,
    readonly peer: PeerFacts,
  ) {
    this.openedAt = host.now();
  }

  /** The socket is up: challenge at once, and start the clock for the handshake. */
  opened(socket: ServerWebSocket<SocketData>): void {
    this.socket = socket;
    const payload = { nonce: this.nonce, ts: this.openedAt, capabilities: [MODEL_SNAPSHOT] };
    this.send(`{"type":"event","event":"connect.challenge","payload":${JSON.stringify(payload)}}`);
    this.deadline = setTimeout(() => this.close(CLOSE_CODES.NORMAL), this.host.limits.handshakeTimeoutMs);
  }

  received(message: string | Buffer): void {
    if (this.state === "closed") return;
    this.unheardPings = 0;
    if (this.state !== "open" && exceeds(message, this.host.limits.preauthFrameBytes)) {
      this.host.tooLarge();
      this.close(CLOSE_CODES.TOO_BIG);
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(typeof message === "string" ? message : message.toString("utf8"));
    } catch {
      // Upstream drops unparsable text of an open connection without an answer.
      if (this.state === "connecting") this.close(CLOSE_CODES.NORMAL);
      return;
    }
    if (this.state === "open") this.receivedOpen(value);
    else this.receivedBeforeHello(value);
  }

  private receivedOpen(value: unknown): void {
    if (isRequestFrame(value)) {
      this.host.dispatch(this, value);
      return;
    }
    void explainRequestFrame(value).then((problem) => {
      const error = invalidRequest(`invalid request frame: ${problem}`);
      this.send(errorFrame(idOfInvalidFrame(value), error));
    });
  }

  private receivedBeforeHello(value: unknown): void {
    if (!isRequestFrame(value)) {
      this.close(CLOSE_CODES.INVALID_FRAME);
      return;
    }
    if (this.state === "authorizing") {
      if (this.pipelined.length >= this.host.limits.pipelinedFrames) this.close(CLOSE_CODES.PIPELINE_FULL);
      else this.pipelined.push(value);
      return;
    }
    if (value.method !== "connect") {
      this.refuse(value.id, invalidRequest("invalid handshake: first request must be connect"));
      return;
    }
    this.state = "authorizing";
    void this.host.handshake(this, value);
  }

  /** Answers the first request with an error and closes with its message, as upstream does. */
  refuse(id: string, error: GatewayError, close?: { code: number; reason: string }): void {
    if (this.state === "closed") return;
    this.send(errorFrame(id, error));
    this.close(close ?? { code: CLOSE_CODES.POLICY.code, reason: error.message });
  }

  /** The handshake succeeded: from here on requests are served, those that were pipelined first. */
  accepted(caller: Caller, context: CallContext, helloFrame: string): void {
    clearTimeout(this.deadline);
    this.caller = caller;
    this.context = context;
    this.send(helloFrame);
    this.state = "open";
    const waiting = this.pipelined;
    this.pipelined = [];
    for (const frame of waiting) this.host.dispatch(this, frame);
  }

  /** Sends a frame. A peer that does not read its answers is closed before they fill the memory. */
  send(text: string): void {
    if (this.socket === undefined || this.state === "closed") return;
    if (this.isSlow()) this.closeSlow();
    else this.write(text);
  }

  /**
   * Sends an event whose frame was serialised up to its `seq`. Returns false when it was not sent.
   * A slow reader loses droppable events and is closed at the first other one.
   */
  sendEvent(head: string, tail: string, droppable: boolean): boolean {
    if (this.socket === undefined || this.state !== "open") return false;
    if (this.isSlow()) {
      if (!droppable) this.closeSlow();
      return false;
    }
    this.write(`${head}${++this.seq}${tail}`);
    return true;
  }

  private write(text: string): void {
    if (this.socket!.send(text) < 0) this.host.buffered(this);
  }

  /** The peer has read what waited for it, or a part of it. */
  drained(): void {
    this.host.buffered(this);
  }

  /**
   * Asks for a sign of life, or cuts off a peer that has left `mostUnheard` such questions unanswered. The socket
   * library's own idle time does not do this: what is sent to the peer begins it anew.
   */
  ping(mostUnheard: number): void {
    if (this.state === "closed") return;
    if (this.unheardPings >= mostUnheard) {
      this.cutOff();
      return;
    }
    this.unheardPings++;
    this.socket?.ping();
  }

  /** The peer has answered a ping. */
  heard(): void {
    this.unheardPings = 0;
  }

  private unheardPings = 0;

  /** The next event number this connection would get, for tests and diagnosis. */
  get lastSeq(): number {
    return this.seq;
  }

  get bufferedBytes(): number {
    return this.socket?.getBufferedAmount() ?? 0;
  }

  /** Aborted when the connection ends. Made at first use: most calls never ask for it. */
  get signal(): AbortSignal {
    this.abort ??= new AbortController();
    if (this.state === "closed") this.abort.abort();
    return this.abort.signal;
  }

  readonly subscriptions: Subscriptions = {
    subscribeSessions: () => {
      this.subscribedToSessions = true;
    },
    unsubscribeSessions: () => {
      this.subscribedToSessions = false;
    },
    subscribeMessages: (key) => {
      const { subscribedMessages: keys } = this;
      keys.add(key);
      const [oldest] = keys;
      if (keys.size > this.host.limits.subscriptionsPerConnection) keys.delete(oldest!);
    },
    unsubscribeMessages: (key) => {
      this.subscribedMessages.delete(key);
    },
  };

  /** Ends the connection. A peer that does not answer the close frame is cut off after a moment. */
  close({ code, reason }: { code: number; reason: string }): void {
    if (this.state === "closed") return;
    const { socket } = this;
    this.leave();
    socket?.close(code, closeReason(reason));
    this.cut = setTimeout(() => socket?.terminate(), this.host.limits.closeGraceMs);
  }

  /** Ends the connection without waiting for the peer. */
  cutOff(): void {
    const { socket } = this;
    this.leave();
    socket?.terminate();
  }

  private cut: ReturnType<typeof setTimeout> | undefined;
  private readonly end = Promise.withResolvers<void>();

  /** Resolves when the socket is gone. */
  get finished(): Promise<void> {
    return this.end.promise;
  }

  /** The socket has closed, by either side. */
  closed(): void {
    clearTimeout(this.cut);
    this.leave();
    this.socket = undefined;
    this.end.resolve();
  }

  private leave(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    clearTimeout(this.deadline);
    this.pipelined = [];
    this.abort?.abort();
    this.host.gone(this);
  }

  private isSlow(): boolean {
    return this.socket!.getBufferedAmount() > this.host.limits.maxBufferedBytes;
  }

  private closeSlow(): void {
    this.close(CLOSE_CODES.SLOW_CONSUMER);
  }
}

/** True when the message is longer than `limit` bytes. Counts a text's bytes only when that can matter. */
function exceeds(message: string | Buffer, limit: number): boolean {
  if (typeof message !== "string") return message.byteLength > limit;
  if (message.length * 3 <= limit) return false;
  return message.length > limit || Buffer.byteLength(message) > limit;
}
