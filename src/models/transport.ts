import { LIMITS } from "../../generated/limits.ts";
import type { RequestSettings } from "./settings.ts";

/** What ended a call before the provider did. */
export class TransportError extends Error {
  constructor(
    readonly kind: "timeout" | "redirect" | "too-large",
    message: string,
  ) {
    super(message);
    this.name = "TransportError";
  }
}

interface TransportOptions {
  /** The caller's wish to stop. */
  signal: AbortSignal;
  request: RequestSettings;
  /** Milliseconds until the answer begins, and between two of its bytes. */
  responseTimeoutMs: number;
  idleTimeoutMs: number;
}

/** A `fetch` for one model call, and the clock that watches it. */
export interface Transport {
  fetch: typeof fetch;
  /** Aborted by the caller's signal and by the watch; its reason then is a `TransportError`. */
  signal: AbortSignal;
  /** Ends the watch. */
  close(): void;
}

/**
 * A `fetch` that follows no redirect (keys and prompts must not travel to another origin), waits only so long for
 * the answer and for each of its bytes, and reads only so much. Bun's own five-minute limit is off: the watch here
 * counts from the last byte.
 */
export function openTransport({ signal, request, responseTimeoutMs, idleTimeoutMs }: TransportOptions): Transport {
  const control = new AbortController();
  const onAbort = () => control.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });

  let timer: ReturnType<typeof setTimeout> | undefined;
  const watch = (ms: number, what: string) => {
    clearTimeout(timer);
    timer = setTimeout(() => control.abort(new TransportError("timeout", `${what} within ${ms / 1000} s`)), ms);
  };
  const close = () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  };

  const send = async (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> => {
    watch(responseTimeoutMs, "the provider did not answer");
    const response = await fetch(input, {
      ...init,
      signal: control.signal,
      redirect: "manual",
      timeout: false,
      ...(request.proxy ? { proxy: request.proxy } : {}),
      ...(request.tls ? { tls: tlsOptions(request.tls) } : {}),
    } as RequestInit);
    if (response.status >= 300 && response.status < 400) {
      close();
      await response.body?.cancel();
      throw new TransportError(
        "redirect",
        `the provider redirects to another address (HTTP ${response.status}), which is not followed`,
      );
    }
    if (!response.ok) return bounded(response, close);
    watch(idleTimeoutMs, "the provider sent nothing more");
    return new Response(
      counted(response.body, () => watch(idleTimeoutMs, "the provider sent nothing more"), close),
      response,
    );
  };
  return { fetch: send as typeof fetch, signal: control.signal, close };
}

/** An error answer with no more of its body than is needed to explain it. */
async function bounded(response: Response, close: () => void): Promise<Response> {
  try {
    return new Response(await readUpTo(response.body, LIMITS.modelErrorBytes), response);
  } finally {
    close();
  }
}

/** The first `limit` bytes of a body; the rest is not waited for. */
export async function readUpTo(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body?.getReader();
  while (reader && size < limit) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value.subarray(0, limit - size));
    size += value.byteLength;
  }
  await reader?.cancel().catch(() => {});
  return new Uint8Array(Buffer.concat(chunks));
}

/** The body as it comes, each chunk reported, ended with an error past the limit of one answer. */
function counted(
  body: ReadableStream<Uint8Array> | null,
  onBytes: () => void,
  onEnd: () => void,
): ReadableStream<Uint8Array> | null {
  if (!body) return null;
  const reader = body.getReader();
  let size = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          onEnd();
          controller.close();
          return;
        }
        size += value.byteLength;
        if (size > LIMITS.modelStreamBytes) throw new TransportError("too-large", "the provider's answer is too large");
        onBytes();
        controller.enqueue(value);
      } catch (error) {
        onEnd();
        controller.error(error);
        reader.cancel().catch(() => {});
      }
    },
    cancel(reason) {
      onEnd();
      return reader.cancel(reason);
    },
  });
}

function tlsOptions(tls: NonNullable<RequestSettings["tls"]>): Record<string, unknown> {
  return {
    ca: tls.ca,
    cert: tls.cert,
    key: tls.key,
    passphrase: tls.passphrase,
    serverName: tls.serverName,
    rejectUnauthorized: tls.insecureSkipVerify !== true,
  };
}
