import { type Api, type Said, WIRES, type Wire } from "./wires.ts";

/** What the server does with one request. */
export type Act =
  | { do: "say"; said: Said; delayMs?: number }
  /** An HTTP error. */
  | { do: "refuse"; status: number; message?: string; headers?: Record<string, string>; body?: string }
  /** The answer ends before it is complete. */
  | { do: "break"; said: Said }
  /** The answer ends in the middle of a frame. */
  | { do: "cut"; said: Said }
  /** Begins, and then sends nothing more and does not end. */
  | { do: "stall"; said: Said }
  /** An error in the place of the end. */
  | { do: "fail"; said: Said; type: string; message: string }
  /** These bytes, as they are. */
  | { do: "raw"; text: string };

/** A request as it came. */
export interface WireCall {
  api: Api;
  path: string;
  headers: Record<string, string>;
  body: Record<string, unknown>;
  /** Bearer token, `x-api-key` or `x-goog-api-key`. */
  key: string | undefined;
}

export interface WireServer {
  /** `http://127.0.0.1:PORT` */
  origin: string;
  /** The base URL of an API as providers are configured with it. */
  baseUrl(api: Api): string;
  readonly calls: readonly WireCall[];
  close(): Promise<void>;
}

const PATHS: [RegExp, Api][] = [
  [/\/chat\/completions$/, "openai-completions"],
  [/\/responses$/, "openai-responses"],
  [/\/messages$/, "anthropic-messages"],
  [/:streamGenerateContent$/, "google-generative-ai"],
  [/\/api\/chat$/, "ollama"],
];

const BASES: Record<Api, string> = {
  "openai-completions": "/v1",
  "openai-responses": "/v1",
  "anthropic-messages": "",
  "google-generative-ai": "/v1beta",
  ollama: "",
};

/** A model provider on loopback that speaks five APIs; what it does with a request is the script's. */
export function startWireServer(script: (call: WireCall) => Act | Promise<Act>): WireServer {
  const calls: WireCall[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const api = PATHS.find(([pattern]) => pattern.test(pathname))?.[1];
      if (api === undefined) return new Response("Not Found", { status: 404 });
      const headers = request.headers.toJSON();
      const key = headers["x-api-key"] ?? headers["x-goog-api-key"] ?? headers.authorization?.replace(/^Bearer /, "");
      const body = (await request.json()) as Record<string, unknown>;
      const call: WireCall = { api, path: pathname, headers, body, key };
      calls.push(call);
      return respond(await script(call), WIRES[api], String(body.model ?? pathname.split(/[/:]/).at(-2)));
    },
  });
  const origin = `http://127.0.0.1:${server.port}`;
  return { origin, baseUrl: (api) => origin + BASES[api], calls, close: () => server.stop(true) };
}

function respond(act: Act, wire: Wire, model: string): Response {
  if (act.do === "refuse") {
    const { status, message = `told to answer ${status}`, headers, body } = act;
    return new Response(body ?? JSON.stringify(wire.refusal(status, message)), {
      status,
      headers: { "content-type": "application/json", ...headers },
    });
  }
  return new Response(streamOf(act, wire, model), { headers: { "content-type": wire.contentType } });
}

function streamOf(act: Exclude<Act, { do: "refuse" }>, wire: Wire, model: string): ReadableStream<Uint8Array> {
  const frames = act.do === "raw" ? [act.text] : wire.frames(act.said, model);
  if (act.do !== "say" && act.do !== "raw") frames.splice(-wire.closing);
  if (act.do === "fail") frames.push(wire.errorFrame(act.type, act.message));
  if (act.do === "cut") frames.push(frames.pop()!.slice(0, -8));
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const frame = frames.shift();
      if (frame !== undefined) {
        if (act.do === "say" && act.delayMs) await Bun.sleep(act.delayMs);
        controller.enqueue(encoder.encode(frame));
      } else if (act.do === "stall") await new Promise(() => {});
      else controller.close();
    },
  });
}
