import { makeServer } from "./answers.ts";

/** An MCP server over HTTP on this machine. */
export interface HttpServer extends AsyncDisposable {
  url: string;
  /** Method, session and credential of every request. */
  requests: { method: string; session: string | null; key: string | null; version: string | null }[];
  /** Says something by itself to whoever listens. */
  forget(): void;
}

type Way = "json" | "events" | "sse" | "elsewhere" | "moved" | "nonsense" | "nonsense-events";

/** @param way how it answers: by JSON, by events, or the older way; the last two lead to another host */
export function startHttpServer(way: Way): HttpServer {
  const requests: HttpServer["requests"] = [];
  let push: ((message: object) => void) | undefined;
  let session = crypto.randomUUID();
  const answer = makeServer((message) => push?.(message));
  const events = { "content-type": "text/event-stream" };
  const packed = (message: object, event = "message") => `event: ${event}\r\ndata: ${JSON.stringify(message)}\r\n\r\n`;
  const stream = (first = "") => {
    const { readable, writable } = new TransformStream<string, string>();
    const writer = writable.getWriter();
    push = (message) => void writer.write(packed(message)).catch(() => {});
    if (first !== "") void writer.write(first);
    return new Response(readable.pipeThrough(new TextEncoderStream()), { headers: events });
  };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { method, headers } = request;
      const given = headers.get("mcp-session-id");
      requests.push({
        method,
        session: given,
        key: headers.get("x-key"),
        version: headers.get("mcp-protocol-version"),
      });
      if (way === "nonsense") return new Response("{no", { headers: { "content-type": "application/json" } });
      if (way === "nonsense-events") return new Response("data: {no\n\n", { headers: events });
      if (way === "moved") return new Response(null, { status: 307, headers: { location: "http://localhost:1/mcp" } });
      if (method === "DELETE") return new Response(null, { status: 204 });
      if (method === "GET") {
        const place = way === "elsewhere" ? "http://localhost:1/post" : "/post";
        return stream(way === "sse" || way === "elsewhere" ? `event: endpoint\ndata: ${place}\n\n` : ":\n\n");
      }
      const message = (await request.json()) as { method?: string };
      if (given !== null && given !== session) return new Response("unknown session", { status: 404 });
      const told = await answer(message);
      if (way === "sse") {
        if (told && told !== "gone") push?.(told);
        return new Response(null, { status: 202 });
      }
      const own = message.method === "initialize" ? { "mcp-session-id": session } : undefined;
      if (!told || told === "gone") return new Response(null, { status: 202 });
      if (way === "json") return Response.json(told, { headers: own });
      return new Response(`: hello\n\n${packed(told)}`, { headers: { ...events, ...own } });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/mcp`,
    requests,
    forget: () => {
      session = crypto.randomUUID();
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
