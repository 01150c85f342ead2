import { connect, type Socket } from "node:net";

/** A bare connection that keeps what comes in, up to a bound. */
export class RawSocket {
  received = "";
  isClosed = false;
  private readonly end = Promise.withResolvers<void>();

  private constructor(private readonly socket: Socket) {
    socket.on("data", (data) => {
      if (this.received.length < 200_000) this.received += data.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.end.resolve();
    });
  }

  static open(url: string): RawSocket {
    const { hostname, port } = new URL(url);
    return new RawSocket(connect(Number(port), hostname));
  }

  /** Sends bytes. Resolves when the system has taken them, or the connection is gone. */
  send(data: string | Uint8Array): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data, () => resolve());
    return Promise.race([promise, this.end.promise]);
  }

  /** Waits for a condition or the end, up to so many milliseconds. */
  async until(holds: (text: string) => boolean, ms: number): Promise<boolean> {
    for (const end = Date.now() + ms; Date.now() < end; await Bun.sleep(10)) {
      if (holds(this.received)) return true;
      if (this.isClosed) return holds(this.received);
    }
    return false;
  }

  async closes(withinMs: number): Promise<boolean> {
    await this.until(() => this.isClosed, withinMs);
    return this.isClosed;
  }

  destroy(): void {
    this.socket.destroy();
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.received)?.[1] ?? 0);
  }
}

/** The lines of an upgrade request, without the blank one at its end. */
export const upgradeLines = (url: string, ...more: string[]): string[] => [
  "GET / HTTP/1.1",
  ...(more.some((line) => line.startsWith("Host:")) ? [] : [`Host: ${new URL(url).host}`]),
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  ...more,
];

export const request = (lines: readonly string[]): string => [...lines, "", ""].join("\r\n");

/** Head of a masked text frame that says how long it will be. */
export function frameHead(bytes: number): Buffer {
  const head = Buffer.alloc(14);
  head[0] = 0x81;
  head[1] = 0xff;
  head.writeBigUInt64BE(BigInt(bytes), 2);
  return head;
}
