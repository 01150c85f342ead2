/** A frame of the protocol, read but not judged. */
export interface Frame {
  type?: string;
  id?: string | number;
  ok?: boolean;
  event?: string;
  seq?: number;
  stateVersion?: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: payloads of every method and event pass through here
  payload?: any;
  error?: { code: string; message: string; details?: unknown; retryable?: boolean; retryAfterMs?: number };
}

/** A WebSocket that keeps all that comes in, and lets callers wait for it. */
export class WireSocket {
  readonly frames: Frame[] = [];
  closed: { code: number; reason: string } | null = null;
  private readonly checks = new Set<() => void>();

  private constructor(private readonly socket: WebSocket) {
    socket.onmessage = ({ data }) => {
      this.frames.push(JSON.parse(String(data)));
      this.recheck();
    };
    socket.onclose = ({ code, reason }) => {
      this.closed = { code, reason };
      this.recheck();
    };
  }

  /** Opens a socket and waits for the challenge, up to 8 seconds; the socket may be closed by then. */
  static async open(url: string): Promise<WireSocket> {
    const socket = new WireSocket(new WebSocket(url));
    await socket.until(() => socket.challenge, 8000);
    return socket;
  }

  get challenge(): { nonce: string; ts: number } | undefined {
    return this.frames.find(({ event }) => event === "connect.challenge")?.payload;
  }

  /** Answers to requests, in the order of their arrival. */
  get answers(): Frame[] {
    return this.frames.filter(({ type }) => type === "res");
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  sendJson(value: unknown): void {
    this.send(JSON.stringify(value));
  }

  /** Waits until there is a value, the socket closes (null unless the value is there) or the time is over (null). */
  until<T>(find: () => T | undefined | false | null, timeoutMs: number): Promise<T | null> {
    const found = find();
    if (found || this.closed) return Promise.resolve(found || null);
    return new Promise((resolve) => {
      const finish = (value: T | null): void => {
        clearTimeout(timer);
        this.checks.delete(check);
        resolve(value);
      };
      const check = (): void => {
        const value = find();
        if (value || this.closed) finish(value || null);
      };
      const timer = setTimeout(() => finish(null), timeoutMs);
      this.checks.add(check);
    });
  }

  /** Closes the socket and waits up to a second for the other side. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.socket.close();
    await this.until(() => this.closed, 1000);
  }

  private recheck(): void {
    for (const check of [...this.checks]) check();
  }
}
