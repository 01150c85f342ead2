import type { ConnectSpec } from "../../../src/parity/cases.ts";
import { connectParams } from "../../../src/parity/connect-params.ts";
import type { Target } from "../../../src/parity/connection.ts";
import type { Frame } from "../../../src/parity/socket.ts";

/** The gateway is gone, or has not answered in time: what became of the request is unknown. */
export class Unanswered extends Error {}

/** The gateway answered with an error. */
export class Refused extends Error {
  constructor(
    method: string,
    readonly error: NonNullable<Frame["error"]>,
  ) {
    super(`${method}: ${error.code} ${error.message}`);
  }
}

type Waiting = {
  method: string;
  isDone(frame: Frame): boolean;
  resolve(frame: Frame): void;
  reject(error: Error): void;
};

const ANSWER_MS = 45_000;

/** A connection that costs the load as little as possible: it keeps nothing, and reads events only for who asks. */
export class SoakClient {
  private readonly waiting = new Map<string, Waiting>();
  private readonly ended = Promise.withResolvers<{ code: number; reason: string }>();
  private challenge = Promise.withResolvers<{ nonce: string; ts: number }>();
  private nextId = 0;
  isClosed = false;
  /** Events that have come. */
  events = 0;
  /** Called for every event when it is set. */
  onEvent: ((frame: Frame) => void) | undefined;

  private constructor(private readonly socket: WebSocket) {
    this.challenge.promise.catch(() => {});
    socket.onmessage = ({ data }) => this.take(data as string);
    socket.onclose = ({ code, reason }) => {
      this.isClosed = true;
      this.challenge.reject(new Unanswered("closed before the challenge"));
      for (const { method, reject } of this.waiting.values()) reject(new Unanswered(`${method}: closed ${code}`));
      this.waiting.clear();
      this.ended.resolve({ code, reason });
    };
  }

  /** Connects and says hello. @throws Unanswered, Refused */
  static async open({ url, token }: Target, spec: ConnectSpec = {}): Promise<SoakClient> {
    const client = new SoakClient(new WebSocket(url));
    const params = connectParams(spec, { token, challenge: await client.challenge.promise });
    await client.call("connect", params);
    return client;
  }

  /** Resolves when the socket is gone. */
  get closed(): Promise<{ code: number; reason: string }> {
    return this.ended.promise;
  }

  /** The payload of the last answer; `first` takes the acceptance of a method that answers twice. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of every method
  async call(method: string, params: unknown = {}, { first = false } = {}): Promise<any> {
    const id = `s${++this.nextId}`;
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    if (this.isClosed) throw new Unanswered(`${method}: closed`);
    const timer = setTimeout(() => {
      this.waiting.delete(id);
      reject(new Unanswered(`${method}: no answer in ${ANSWER_MS} ms`));
    }, ANSWER_MS);
    const isDone = (frame: Frame): boolean => first || frame.payload?.status !== "accepted";
    this.waiting.set(id, { method, isDone, resolve, reject });
    this.socket.send(JSON.stringify({ type: "req", id, method, params }));
    const frame = await promise.finally(() => clearTimeout(timer));
    if (!frame.ok) throw new Refused(method, frame.error!);
    return frame.payload;
  }

  close(): void {
    this.socket.close();
  }

  /** Sends something that need not be a frame. */
  sendRaw(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** Goes without a word, as a machine that loses its network does. */
  vanish(): void {
    this.socket.terminate();
  }

  private take(text: string): void {
    if (text.startsWith('{"type":"event"')) {
      this.events++;
      if (this.onEvent === undefined && !text.startsWith('{"type":"event","event":"connect.challenge"')) return;
    }
    const frame = JSON.parse(text) as Frame;
    if (frame.event === "connect.challenge") this.challenge.resolve(frame.payload);
    else if (frame.type === "event") this.onEvent?.(frame);
    else if (frame.type === "res") {
      const waiting = this.waiting.get(String(frame.id));
      if (waiting === undefined || !waiting.isDone(frame)) return;
      this.waiting.delete(String(frame.id));
      waiting.resolve(frame);
    }
  }
}
