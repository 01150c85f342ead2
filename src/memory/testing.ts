import { wordsOf } from "../platform/words.ts";

/** A server that gives vectors in the three forms, near for texts that share words or what means the same to it. */
export interface EmbeddingServer {
  /** `http://127.0.0.1:PORT` */
  origin: string;
  /** Every request: where, with what headers, and the texts. */
  asked: { path: string; headers: Headers; texts: string[]; body: Record<string, unknown> }[];
  /** Answers with this status from now on; 0 to work again. */
  fail(status: number): void;
  stop(): Promise<void>;
}

const SAME: Readonly<Record<string, string>> = { car: "auto", vehicle: "auto", drives: "auto", automobile: "auto" };
const SIZE = 64;

export function startEmbeddingServer(): EmbeddingServer {
  const asked: EmbeddingServer["asked"] = [];
  let failing = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname: path } = new URL(request.url);
      const body = (await request.json()) as Record<string, any>;
      const texts: string[] = body.requests?.map((each: any) => each.content.parts[0].text) ?? [body.input].flat();
      asked.push({ path, headers: request.headers, texts, body });
      // Providers quote keys back.
      const quoted = request.headers.get("authorization");
      if (failing > 0) return new Response(`{"error":"no service for ${quoted}"}`, { status: failing });
      const vectors = texts.map(vectorOf);
      if (path.endsWith(":batchEmbedContents")) {
        return Response.json({ embeddings: vectors.map((values) => ({ values })) });
      }
      if (path === "/api/embed") return Response.json({ embeddings: vectors });
      return Response.json({ data: vectors.map((embedding, index) => ({ index, embedding })).reverse() });
    },
  });
  return {
    origin: `http://127.0.0.1:${server.port}`,
    asked,
    fail: (status) => {
      failing = status;
    },
    stop: () => server.stop(true),
  };
}

function vectorOf(text: string): number[] {
  const vector = new Array<number>(SIZE).fill(0);
  for (const word of wordsOf(text)) vector[Number(Bun.hash(SAME[word] ?? word) % BigInt(SIZE))]! += 1;
  return vector;
}
