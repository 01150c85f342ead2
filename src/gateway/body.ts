/**
 * Reads the body of a request within bounds: bytes, and milliseconds for all of it. What is beyond them is not kept.
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  maxMs: number,
): Promise<Uint8Array | "too-long" | "too-slow"> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return "too-long";
  const reader = request.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), maxMs);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), late]);
      if (next === "late") return "too-slow";
      if (next.done) return Buffer.concat(chunks);
      length += next.value.byteLength;
      if (length > maxBytes) return "too-long";
      chunks.push(next.value);
    }
  } finally {
    clearTimeout(timer);
    reader.releaseLock();
  }
}
