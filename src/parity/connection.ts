import type { ConnectSpec } from "./cases.ts";
import { connectParams } from "./connect-params.ts";
import { type Frame, WireSocket } from "./socket.ts";

/** The gateway refused a `connect` with this answer. */
export class ConnectRefused extends Error {
  constructor(readonly answer: Frame) {
    super(`connect was refused: ${answer.error?.message}`);
    this.name = "ConnectRefused";
  }
}

/** An answer, and before it the acceptance of a method that answers twice. */
export interface Answer {
  ok: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: the payload of any method
  payload?: any;
  error?: Frame["error"];
  ack?: unknown;
}

export interface Target {
  /** `ws://host:port` */
  url: string;
  /** The shared secret. */
  token: string;
}

const ANSWER_TIMEOUT_MS = 60_000;

/** A connection that has said hello. */
export class ParityConnection {
  private nextId = 0;

  private constructor(
    private readonly socket: WireSocket,
    // biome-ignore lint/suspicious/noExplicitAny: hello-ok of whatever gateway answers
    readonly hello: any,
  ) {}

  /** @throws ConnectRefused, or Error when there is no gateway or it closes without an answer */
  static async open(target: Target, spec: ConnectSpec): Promise<ParityConnection> {
    const socket = await WireSocket.open(target.url);
    const { challenge } = socket;
    if (challenge === undefined) throw new Error(`no challenge from ${target.url}`);
    const params = connectParams(spec, { token: target.token, challenge });
    socket.sendJson({ type: "req", id: "connect", method: "connect", params });
    const answer = await socket.until(() => socket.answers[0], ANSWER_TIMEOUT_MS);
    if (answer === null) throw new Error(`no answer to connect${ended(socket)}`);
    if (!answer.ok) throw new ConnectRefused(answer);
    return new ParityConnection(socket, answer.payload);
  }

  get isClosed(): boolean {
    return this.socket.closed !== null;
  }

  /** Where the next frame will stand, for {@link events}. */
  get mark(): number {
    return this.socket.frames.length;
  }

  /** Events that came since a mark. */
  events(mark: number): Frame[] {
    return this.socket.frames.slice(mark).filter(({ type }) => type === "event");
  }

  /**
   * Sends a request. With `final` an accepted first answer is kept as `ack` and the second one awaited.
   * @throws Error when there is no answer
   */
  async call(method: string, params: unknown, final = false): Promise<Answer> {
    const id = `c${++this.nextId}`;
    const from = this.socket.frames.length;
    this.socket.sendJson({ type: "req", id, method, params });
    const isAck = (frame: Frame): boolean => final && frame.ok === true && frame.payload?.status === "accepted";
    const mine = (): Frame[] =>
      this.socket.frames.slice(from).filter((frame) => frame.type === "res" && frame.id === id);
    const answer = await this.socket.until(() => mine().find((frame) => !isAck(frame)), ANSWER_TIMEOUT_MS);
    if (answer === null) throw new Error(`no answer to ${method}${ended(this.socket)}`);
    return { ok: answer.ok === true, payload: answer.payload, error: answer.error, ack: mine().find(isAck)?.payload };
  }

  /** The first event since a mark that fits, or null when none came in time. */
  waitFor(fits: (frame: Frame) => boolean, mark: number, timeoutMs: number): Promise<Frame | null> {
    return this.socket.until(() => this.events(mark).find(fits), timeoutMs);
  }

  close(): Promise<void> {
    return this.socket.close();
  }
}

const ended = ({ closed }: WireSocket): string => (closed ? `: closed ${closed.code} ${closed.reason}` : "");
