/** A name or address and a port, as a Host header has it. */
const HOST = /^(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/**
 * The address a request asks for, or null when it is malformed. The runtime builds it from the Host header, so one with
 * a path in it would decide which route answers; two of them arrive joined and are refused as well. HTTP/1.0 may do
 * without.
 */
export function requestAddress(request: Request): URL | null {
  const host = request.headers.get("host");
  if (host !== null && !HOST.test(host)) return null;
  return URL.parse(request.url, "http://localhost");
}
