import { type Reply, replyTo } from "./model-script.ts";
import { anthropicWire, type Chunk, openAiWire, type RequestBody, type Wire } from "./model-wire.ts";

export { REPORTED_USAGE } from "./model-wire.ts";

/** A request for an answer as the server got it. */
export interface ModelCall {
  path: string;
  headers: Record<string, string>;
  body: RequestBody;
  reply: Reply;
  /** True when the client went away before the answer was complete. */
  aborted: boolean;
}

export interface ModelServerOptions {
  /** Any free port unless given. */
  port?: number;
  /** Calls that are remembered; the oldest are forgotten first. */
  remember?: number;
}

export interface ModelServer {
  /** `http://127.0.0.1:port/v1`, the base URL of the OpenAI format. */
  baseUrl: string;
  /** `http://127.0.0.1:port`, the base URL of the Anthropic format. */
  anthropicBaseUrl: string;
  port: number;
  /** What was asked, oldest first. */
  readonly calls: readonly ModelCall[];
  /** How many answers were asked for since the start, the forgotten ones included. */
  readonly count: number;
  /** Stops at once; answers under way are cut off. */
  close(): Promise<void>;
}

/** The model the server offers. */
export const MODEL_ID = "mock-1";

const WIRES: Readonly<Record<string, Wire>> = {
  "/v1/chat/completions": openAiWire,
  "/v1/messages": anthropicWire,
};

/**
 * A model provider on loopback that speaks the real wire formats, OpenAI chat completions and Anthropic messages,
 * streamed or not. What it answers follows from the user's text alone; see {@link replyTo}.
 */
export function startModelServer({ port = 0, remember = 1000 }: ModelServerOptions = {}): ModelServer {
  const calls: ModelCall[] = [];
  let count = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/v1/models") return Response.json(MODEL_LIST);
      const wire = WIRES[pathname];
      if (wire === undefined || request.method !== "POST") return new Response("Not Found", { status: 404 });
      const body = (await request.json().catch(() => null)) as RequestBody | null;
      if (body === null) return Response.json(wire.failure(400, "the body is not JSON"), { status: 400 });
      const reply = replyTo(wire.messages(body));
      const call = { path: pathname, headers: request.headers.toJSON(), body, reply, aborted: false };
      count++;
      calls.push(call);
      if (calls.length > remember) calls.shift();
      return answer(wire, call, request.signal);
    },
  });
  return {
    baseUrl: `http://127.0.0.1:${server.port}/v1`,
    anthropicBaseUrl: `http://127.0.0.1:${server.port}`,
    port: server.port!,
    calls,
    get count() {
      return count;
    },
    close: () => server.stop(true),
  };
}

const MODEL_LIST = {
  object: "list",
  data: [{ id: MODEL_ID, object: "model", created: 1_700_000_000, owned_by: "mock" }],
};

async function answer(wire: Wire, call: ModelCall, signal: AbortSignal): Promise<Response> {
  const { reply, body } = call;
  const model = body.model ?? MODEL_ID;
  if (reply.kind === "failure") {
    return Response.json(wire.failure(reply.status, reply.message), { status: reply.status });
  }
  if (body.stream === true) {
    const headers = { "content-type": "text/event-stream", "cache-control": "no-cache" };
    return new Response(eventStream(wire.stream(reply, model), call, wire.done), { headers });
  }
  if (reply.kind === "text") await pause(reply.delayMs, signal);
  call.aborted = signal.aborted;
  return Response.json(wire.whole(reply, model));
}

/** Writes the chunks one by one; each is a write of its own, so that readers see a stream and not one block. */
function eventStream(chunks: Iterable<Chunk>, call: ModelCall, done = ""): ReadableStream<Uint8Array> {
  const { reply } = call;
  const delayMs = reply.kind === "text" ? reply.delayMs : 0;
  const encoder = new TextEncoder();
  const iterator = chunks[Symbol.iterator]();
  const gone = new AbortController();
  return new ReadableStream({
    async pull(controller) {
      const next = iterator.next();
      if (next.done) {
        if (done !== "") controller.enqueue(encoder.encode(done));
        controller.close();
        return;
      }
      const { event, data, word } = next.value;
      const name = event === undefined ? "" : `event: ${event}\n`;
      controller.enqueue(encoder.encode(`${name}data: ${JSON.stringify(data)}\n\n`));
      if (word) await pause(delayMs, gone.signal);
    },
    cancel() {
      call.aborted = true;
      gone.abort();
    },
  });
}

/** Waits, or less when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

if (import.meta.main) {
  const server = startModelServer({ port: Number(process.argv[2] ?? 0), remember: 0 });
  console.log(server.baseUrl);
}
