import { LIMITS } from "../../../generated/limits.ts";

/**
 * The JSON values of a body with one on each line.
 * @throws SyntaxError for a line that is none, Error for one that is too long
 */
export async function* ndjson<T>(body: ReadableStream<Uint8Array> | null): AsyncGenerator<T> {
  if (!body) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = rest.split("\n");
      rest = done ? "" : lines.pop()!;
      if (rest.length > LIMITS.modelLineChars) throw new Error("a line of the answer is too long");
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as T;
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
