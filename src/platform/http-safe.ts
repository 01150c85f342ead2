import { lookup } from "node:dns/promises";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./addresses.ts";

/** What calls to addresses that somebody else has chosen may reach. By default only the public internet. */
export interface OutboundPolicy {
  /** These hosts may have any address. Exact names or addresses, in any case. */
  allowedHostnames?: readonly string[];
  /** These are refused whatever their address; `*.x` stands for every name below `x`. */
  blockedHostnames?: readonly string[];
  /** 198.18.0.0/15 counts as public, for proxies that answer names with such addresses. */
  allowRfc2544BenchmarkRange?: boolean;
  /** fc00::/7 counts as public, for the same. */
  allowIpv6UniqueLocalRange?: boolean;
  /** Everything may be reached. */
  dangerouslyAllowPrivateNetwork?: boolean;
}

export interface PostOptions {
  policy?: OutboundPolicy;
  headers?: Readonly<Record<string, string>>;
  /** Milliseconds from the call to the end of the answer's head. */
  timeoutMs: number;
  signal?: AbortSignal;
  /** Finds addresses; tests bring their own. */
  resolve?: (host: string) => Promise<readonly { address: string; family: number }[]>;
}

/** The address is not one that may be called. Its message names no address that was found. */
export class OutboundRefused extends Error {
  constructor(message = "Blocked hostname or private/internal/special-use IP address") {
    super(message);
    this.name = "OutboundRefused";
  }
}

/**
 * Posts a body to an address that somebody else has chosen, without reaching what only this machine may reach: http and
 * https alone, every address that the name has is judged, and the connection goes to one that was judged, so that a name
 * which changes its mind in between gains nothing. Redirects are not followed and the answer's body is not read.
 * (KNOWN_ATTACKS 88 and 91.)
 * @returns the status of the answer
 * @throws OutboundRefused when the policy does not let it through; Error when the call fails
 */
export async function postSafely(address: string, body: string, options: PostOptions): Promise<number> {
  const url = checked(address);
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  const target = await judged(url, options);
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const call = send(
      url,
      {
        method: "POST",
        headers: { ...options.headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        signal,
        agent: false,
        lookup: only(target),
      },
      (answer: IncomingMessage) => {
        answer.destroy();
        resolve(answer.statusCode ?? 0);
      },
    );
    call.on("error", (error) => reject(timeout.aborted ? new Error("The receiver did not answer in time") : error));
    call.end(body);
  });
}

export interface GetOptions extends Omit<PostOptions, "headers"> {
  /** Bytes of the answer's body; a larger one is an error. */
  maxBytes: number;
}

/**
 * Reads from an address as `postSafely` posts to one: one judged address, no redirects, and no more bytes than allowed.
 * @throws OutboundRefused when the policy does not let it through; Error when the call fails or the answer is too large
 */
export async function getSafely(address: string, options: GetOptions): Promise<{ status: number; body: Buffer }> {
  const url = checked(address);
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  const target = await judged(url, options);
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(timeout.aborted ? new Error("The receiver did not answer in time") : error);
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const call = send(url, { method: "GET", signal, agent: false, lookup: only(target) }, (answer: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= options.maxBytes) return void chunks.push(chunk);
        answer.destroy();
        reject(new Error("The answer is too large"));
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }));
      answer.on("error", fail);
    });
    call.on("error", fail);
    call.end();
  });
}

/** @throws OutboundRefused for what is no http address, or holds credentials */
export function checked(address: string): URL {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new OutboundRefused("Only http and https can be called");
  if (url.username !== "" || url.password !== "") throw new OutboundRefused("An address must not hold credentials");
  return url;
}

/** A lookup that finds the address that was judged, whatever it is asked. */
export const only =
  (target: { address: string; family: number }): LookupFunction =>
  (_host, { all }, done) =>
    all ? done(null, [target] as never, target.family) : done(null, target.address, target.family);

/** An address of the host that may be called. @throws OutboundRefused */
export async function judged(url: URL, { policy = {}, resolve = lookupAll }: Pick<PostOptions, "policy" | "resolve">) {
  const host = url.hostname
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
  const isListed = (names: readonly string[] = []) => names.some((name) => name.toLowerCase() === host);
  const blocked = policy.blockedHostnames ?? [];
  const isBelow = blocked.some((name) => name.startsWith("*.") && host.endsWith(name.slice(1).toLowerCase()));
  if (isListed(blocked) || isBelow) throw new OutboundRefused();
  const found = isIP(host) === 0 ? await resolve(host) : [{ address: host, family: isIP(host) }];
  const [first] = found;
  if (first === undefined) throw new Error("The name of the receiver is unknown");
  if (policy.dangerouslyAllowPrivateNetwork || isListed(policy.allowedHostnames)) return first;
  // One bad address is enough: nobody can say which of them another lookup would have given.
  if (!found.every(({ address }) => isPublicAddress(address) || isSpared(address, policy))) throw new OutboundRefused();
  return first;
}

/** Whether the policy counts an address of special use as public. */
const isSpared = (address: string, policy: OutboundPolicy): boolean =>
  (policy.allowRfc2544BenchmarkRange === true && /^198\.1[89]\./.test(address)) ||
  (policy.allowIpv6UniqueLocalRange === true && /^f[cd][0-9a-f]{2}:/i.test(address));

const lookupAll = (host: string) => lookup(host, { all: true });
