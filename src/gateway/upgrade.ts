/** Headers of every answer that is not a page: nothing is sniffed, remembered or told to other sites. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
};

/** A short answer in plain text. Refusals of upgrades end the connection, so that it cannot linger. */
export function plainText(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(text, {
    status,
    headers: { ...SECURITY_HEADERS, "Content-Type": "text/plain; charset=utf-8", ...headers },
  });
}

const CLOSE = { Connection: "close" };

/** The refusal of what is no proper request. */
export const badRequest = (): Response => plainText(400, "Bad Request", CLOSE);

/**
 * What is wrong with an upgrade request, or null. Half-made upgrades must not keep a socket (CVE-2026-100558):
 * they are answered 400 and closed at once.
 */
export function upgradeProblem(request: Request): Response | null {
  const { headers, method } = request;
  const upgrade = headers.get("upgrade")?.trim().toLowerCase();
  const connection = (headers.get("connection") ?? "").toLowerCase().split(",");
  const isComplete =
    method === "GET" &&
    upgrade === "websocket" &&
    connection.some((token) => token.trim() === "upgrade") &&
    headers.get("sec-websocket-version")?.trim() === "13" &&
    /^[A-Za-z0-9+/]{22}==$/.test(headers.get("sec-websocket-key")?.trim() ?? "");
  return isComplete ? null : badRequest();
}

/** The refusal of work that comes over HTTP while the gateway is suspended. */
export function suspended(): Response {
  const message = "Gateway is temporarily unavailable while suspending or restarting";
  return Response.json(
    { error: { message, type: "service_unavailable", code: "gateway_unavailable" } },
    { status: 503, headers: { ...SECURITY_HEADERS, "Retry-After": "1" } },
  );
}

/** The refusal of a request with proxy headers from a peer that is no trusted proxy. */
export function attributionRequired(): Response {
  const message =
    "Proxy headers came from a peer that is not a trusted proxy. Name the proxy in gateway.trustedProxies and let it set the client's address itself.";
  return Response.json(
    { error: { message, type: "proxy_attribution_required" } },
    { status: 403, headers: { ...SECURITY_HEADERS, ...CLOSE } },
  );
}
