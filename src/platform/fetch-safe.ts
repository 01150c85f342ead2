import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { pipeline } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { checked, judged, only, type PostOptions } from "./http-safe.ts";

export interface FetchOptions extends PostOptions {
  method?: "GET" | "POST";
  body?: string;
  /** Bytes of the answer's body as it is read, after any compression. What comes beyond is left out. */
  maxBytes: number;
  /** How many redirects are followed. */
  maxRedirects: number;
  /** Asked before every call, also those that redirects lead to; what it rejects with ends the whole. */
  permit?: (url: string) => Promise<void>;
}

export interface FetchAnswer {
  /** Where the answer came from in the end. */
  url: string;
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
  /** More than `maxBytes` came. */
  isCut: boolean;
}

/** Headers that another origin may see after a redirect; the others could be credentials. (KNOWN_ATTACKS 90.) */
const HARMLESS = new Set(["accept", "accept-language", "cache-control", "content-type", "range", "user-agent"]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Calls an address that somebody else has chosen as `postSafely` does. Every redirect is judged like the first address,
 * takes no credentials and no body to another origin, and answers that never end are cut. No proxy of the environment
 * is used, as it would resolve names by itself. (KNOWN_ATTACKS 88 to 90.)
 * @throws OutboundRefused when the policy does not let an address through; Error when the call fails
 */
export async function fetchSafely(address: string, options: FetchOptions): Promise<FetchAnswer> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  const seen = new Set<string>();
  let url = checked(address);
  let call: Call = { method: options.method ?? "GET", headers: { ...options.headers }, body: options.body };
  try {
    for (;;) {
      seen.add(url.href);
      // Before the name is looked up, as a name can carry what must not leave.
      await options.permit?.(url.href);
      const target = await judged(url, options);
      signal.throwIfAborted();
      const answer = await send(url, call, target, options.maxBytes, signal);
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status) || typeof location !== "string") return answer;
      const next = URL.parse(location, url.href);
      if (next === null) throw new Error("The redirect leads nowhere");
      if (seen.size > options.maxRedirects) throw new Error(`Too many redirects (limit: ${options.maxRedirects})`);
      if (seen.has(checked(next.href).href)) throw new Error("Redirect loop detected");
      call = redirected(call, answer.status, url.origin === next.origin);
      url = next;
    }
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw timeout.aborted ? new Error("The receiver did not answer in time") : error;
  }
}

interface Call {
  method: "GET" | "POST";
  headers: Record<string, string>;
  body: string | undefined;
}

function redirected(call: Call, status: number, isSameOrigin: boolean): Call {
  const keepsBody = isSameOrigin && (status === 307 || status === 308);
  const headers = Object.entries(call.headers).filter(([name]) => {
    if (!keepsBody && name.toLowerCase() === "content-type") return false;
    return isSameOrigin || HARMLESS.has(name.toLowerCase());
  });
  return {
    method: keepsBody ? call.method : "GET",
    headers: Object.fromEntries(headers),
    body: keepsBody ? call.body : undefined,
  };
}

function send(
  url: URL,
  { method, headers, body }: Call,
  target: Awaited<ReturnType<typeof judged>>,
  maxBytes: number,
  signal: AbortSignal,
): Promise<FetchAnswer> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === "https:" ? requestHttps : requestHttp;
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const call = request(
      url,
      {
        method,
        headers: { "accept-encoding": "gzip, br, deflate", ...headers, ...length },
        signal,
        agent: false,
        lookup: only(target),
      },
      (answer) => {
        collect(answer, maxBytes).then(({ bytes, isCut }) => {
          call.destroy();
          resolve({ url: url.href, status: answer.statusCode ?? 0, headers: answer.headers, body: bytes, isCut });
        }, reject);
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

/** The body as it was before it was compressed, as far as it may be read. */
async function collect(answer: IncomingMessage, maxBytes: number): Promise<{ bytes: Buffer; isCut: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of decompressed(answer) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) break;
  }
  answer.destroy();
  return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), isCut: size > maxBytes };
}

function decompressed(answer: IncomingMessage) {
  const encoding = String(answer.headers["content-encoding"] ?? "").toLowerCase();
  const make = { gzip: createGunzip, "x-gzip": createGunzip, br: createBrotliDecompress, deflate: createInflate }[
    encoding
  ];
  // An error of either end reaches whoever reads.
  return make ? pipeline(answer, make(), () => {}) : answer;
}
