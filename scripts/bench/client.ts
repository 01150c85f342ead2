import { ALL_SCOPES } from "../../src/parity/connect-params.ts";

/** An event frame as it came. */
export interface BenchEvent {
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: payloads of whatever is measured
  payload: any;
}

/** A client that does as little as possible besides sending and counting. */
export class BenchClient {
  onEvent: ((frame: BenchEvent) => void) | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: hello-ok of any gateway
  hello: any;
  // biome-ignore lint/suspicious/noExplicitAny: answers of any method
  private readonly waiting = new Map<string, (frame: any) => void>();
  private nextId = 0;

  private constructor(private readonly socket: WebSocket) {
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data));
      if (frame.type === "event") this.onEvent?.(frame);
      else {
        const settle = this.waiting.get(frame.id);
        this.waiting.delete(frame.id);
        settle?.(frame);
      }
    };
  }

  /** Connects and says hello with the shared token and every scope. @throws when there is no gateway yet */
  static async open(url: string, token: string): Promise<BenchClient> {
    const socket = new WebSocket(url);
    const client = new BenchClient(socket);
    await new Promise<void>((resolve, reject) => {
      client.onEvent = ({ event }) => event === "connect.challenge" && resolve();
      socket.onerror = () => reject(new Error(`no gateway at ${url}`));
      socket.onclose = ({ code, reason }) => reject(new Error(`closed ${code} ${reason}`));
    });
    client.onEvent = undefined;
    client.hello = await client.call("connect", {
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: "gateway-client", version: "1.0.0", platform: "linux", mode: "backend" },
      role: "operator",
      scopes: ALL_SCOPES,
      caps: [],
      auth: { token },
    });
    return client;
  }

  /** The payload of the answer. @throws Error with what the gateway says */
  // biome-ignore lint/suspicious/noExplicitAny: answers of any method
  call(method: string, params: unknown = {}): Promise<any> {
    const id = String(++this.nextId);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, (frame) => {
        if (frame.ok) resolve(frame.payload);
        else reject(new Error(`${method}: ${frame.error?.code} ${frame.error?.message}`));
      });
      this.socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  /** Resolves with the first event that fits. */
  next(fits: (frame: BenchEvent) => boolean): Promise<BenchEvent> {
    return new Promise((resolve) => {
      this.onEvent = (frame) => {
        if (!fits(frame)) return;
        this.onEvent = undefined;
        resolve(frame);
      };
    });
  }

  close(): void {
    this.socket.onclose = null;
    this.socket.close();
  }
}

/** Connects as soon as there is a gateway. @throws when there is none in time */
export async function openWhenReady(url: string, token: string, timeoutMs = 60_000): Promise<BenchClient> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await BenchClient.open(url, token);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(1);
    }
  }
}
