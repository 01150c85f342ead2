import type { ServerWebSocket } from "bun";

// biome-ignore lint/suspicious/noExplicitAny: frames of tests are looked into freely
type AnyFrame = any;

/** A gateway of a few lines, to do what a real one does rarely: stay silent, refuse, break off. */
export class ScriptedGateway {
  readonly url: string;
  /** Requests that came, `connect` included. */
  readonly requests: AnyFrame[] = [];
  readonly sockets: ServerWebSocket<unknown>[] = [];
  private readonly server;

  /** `answer` gets every request with functions to send answers and events; without it all are greeted. */
  constructor(answer: (request: AnyFrame, reply: Reply, socket: ServerWebSocket<unknown>) => void = greet) {
    this.server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("", { status: 400 })),
      websocket: {
        open: (socket) => {
          this.sockets.push(socket);
          socket.send(
            JSON.stringify({ type: "event", event: "connect.challenge", payload: { nonce: "n1", ts: 1700000000000 } }),
          );
        },
        message: (socket, text) => {
          const request = JSON.parse(String(text));
          this.requests.push(request);
          answer(request, replyTo(socket, request.id), socket);
        },
      },
    });
    this.url = `ws://127.0.0.1:${this.server.port}`;
  }

  async stop(): Promise<void> {
    await this.server.stop(true);
  }
}

export interface Reply {
  ok(payload: unknown): void;
  error(error: { code: string; message: string; [extra: string]: unknown }): void;
  event(event: string, payload: unknown, seq?: number): void;
}

function replyTo(socket: ServerWebSocket<unknown>, id: string): Reply {
  const send = (frame: object): void => void socket.send(JSON.stringify(frame));
  return {
    ok: (payload) => send({ type: "res", id, ok: true, payload }),
    error: (error) => send({ type: "res", id, ok: false, error }),
    event: (event, payload, seq) => send({ type: "event", event, payload, seq }),
  };
}

/** Greets everybody, with ticks every `tickIntervalMs`. */
export function greet(request: AnyFrame, reply: Reply, _socket?: unknown, tickIntervalMs = 30_000): void {
  if (request.method === "connect") reply.ok({ type: "hello-ok", protocol: 4, auth: {}, policy: { tickIntervalMs } });
}
