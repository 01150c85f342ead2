import { LIMITS } from "../../generated/limits.ts";
import { GatewayError } from "../platform/errors.ts";
import { toJson } from "../platform/json.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";
import { COMPATIBLE_VERSION, OWN_VERSION } from "../protocol/version.ts";
import type { Authorizer } from "./authorizer.ts";
import { type Caller, detachedContext } from "./context.ts";
import { ControlUi } from "./control-ui.ts";
import type { Dispatcher } from "./dispatch.ts";
import { errorShape } from "./frames.ts";
import { refusedHttp, unauthorized } from "./http-refusals.ts";
import type { PeerFacts } from "./peer.ts";
import type { Services } from "./services.ts";
import { ToolsHttp } from "./tools-http.ts";
import { plainText, SECURITY_HEADERS } from "./upgrade.ts";

export interface HttpSurfaceOptions {
  services: Services;
  dispatcher: Dispatcher;
  authorizer: Authorizer;
  startedAtMs: number;
  maxBodyBytes: number;
  /** Of one file of the page. */
  maxPageFileBytes: number;
}

/** Names under which people put secrets into addresses, where histories, proxies and logs keep them. */
const QUERY_CREDENTIALS = ["token", "password", "access_token", "api_key", "auth"];

const HTTP_STATUS: Readonly<Record<string, number>> = {
  INVALID_REQUEST: 400,
  NOT_PAIRED: 401,
  FORBIDDEN: 403,
  UNAVAILABLE: 503,
};

/**
 * What the gateway answers over plain HTTP: liveness for everybody, and for those who authenticate as on the
 * socket the status, the metrics and every method by `POST /rpc`.
 */
export class HttpSurface {
  private readonly controlUi: ControlUi;
  private readonly tools: ToolsHttp;

  constructor(private readonly options: HttpSurfaceOptions) {
    this.controlUi = new ControlUi({ ...options, maxFileBytes: options.maxPageFileBytes });
    this.tools = new ToolsHttp({
      invoker: options.services.toolInvoker,
      maxBodyBytes: LIMITS.toolsRequestBytes,
      maxBodyMs: LIMITS.hookBodyMs,
    });
  }

  /**
   * Answers the probes that supervisors and load balancers send: no secrets in, and no facts out to other machines
   * (docs: gateway/health). A gateway that stops is alive and takes nothing new.
   */
  probe(request: Request, { pathname }: URL, peer: PeerFacts | null): Response | null {
    const { clock, runs, suspension } = this.options.services;
    const more = <T extends object>(facts: T) => (peer?.isLocalDirect === true ? facts : {});
    const uptimeMs = Math.max(0, clock.now() - this.options.startedAtMs);
    const draining = runs.isStopping || suspension.phase !== "accepting";
    const body = (): object | null => {
      switch (pathname) {
        case "/healthz":
        case "/health":
          return { ok: true, status: "live" };
        case "/readyz":
        case "/ready":
          return { ready: !draining, ...more({ failing: draining ? ["gateway-draining"] : [], uptimeMs }) };
        case "/startupz":
        case "/startup": {
          const status = draining ? "draining" : "started";
          return { ok: !draining, status, ...more({ version: COMPATIBLE_VERSION, uptimeMs }) };
        }
        default:
          return null;
      }
    };
    const answer = body();
    if (answer === null) return null;
    if (request.method !== "GET" && request.method !== "HEAD") return methodNotAllowed("GET, HEAD");
    return json(draining && !pathname.startsWith("/health") ? 503 : 200, answer);
  }

  /** Serves everything else. Credentials are checked before a body is read. */
  async serve(request: Request, url: URL, peer: PeerFacts): Promise<Response> {
    const route = ROUTES[url.pathname];
    if (route === undefined) {
      return (await this.controlUi.serve(request, url, peer)) ?? plainText(404, "Not Found");
    }
    if (request.method !== route.method) return methodNotAllowed(route.method);
    if (QUERY_CREDENTIALS.some((name) => url.searchParams.has(name))) {
      return unauthorized("credentials in the address are not accepted; send an Authorization header");
    }
    const caller = await this.options.authorizer.http(request.headers, peer);
    if ("ok" in caller) {
      return refusedHttp(caller);
    }
    try {
      return await route.serve(this, request, caller);
    } catch (error) {
      if (error instanceof GatewayError) return refusal(error);
      throw error;
    }
  }

  async status(request: Request, caller: Caller): Promise<Response> {
    const payload = (await this.call(request, caller, "status", {})) as object;
    return json(200, { ...payload, gatewayVersion: OWN_VERSION });
  }

  metrics(caller: Caller): Response {
    requireRead(caller);
    const text = this.options.services.metrics.render();
    return new Response(text, {
      headers: { ...SECURITY_HEADERS, "Content-Type": "text/plain; version=0.0.4; charset=utf-8", ...NO_STORE },
    });
  }

  methods(caller: Caller): Response {
    requireRead(caller);
    const methods = this.options.dispatcher.methods.map(({ name, family, role, scope, advertised }) => ({
      name,
      family,
      role,
      scope,
      advertised,
    }));
    return json(200, { methods });
  }

  async rpc(request: Request, caller: Caller): Promise<Response> {
    const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
    // A web page of another origin can post text or forms without asking; JSON needs its consent first.
    if (type !== "application/json") return plainText(415, "Unsupported Media Type");
    const body = await this.readBody(request);
    if (body === null) return plainText(413, "Payload Too Large", { Connection: "close" });
    const { method, params } = parseCall(body);
    const payload = await this.call(request, caller, method, params);
    return new Response(`{"ok":true,"payload":${toJson(payload)}}`, {
      headers: { ...SECURITY_HEADERS, ...NO_STORE, "Content-Type": "application/json; charset=utf-8" },
    });
  }

  invokeTool(request: Request, caller: Caller): Promise<Response> {
    return this.tools.serve(request, caller);
  }

  private call(request: Request, caller: Caller, method: string, params: unknown): Promise<unknown> {
    const context = detachedContext(this.options.services, caller, request.signal);
    return this.options.dispatcher.invoke(caller, context, method, params);
  }

  /** The body as text, or null when it is too long. */
  private async readBody(request: Request): Promise<string | null> {
    if (Number(request.headers.get("content-length") ?? 0) > this.options.maxBodyBytes) return null;
    const body = await request.arrayBuffer();
    return body.byteLength > this.options.maxBodyBytes ? null : new TextDecoder().decode(body);
  }
}

interface HttpRoute {
  method: "GET" | "POST";
  serve(surface: HttpSurface, request: Request, caller: Caller): Response | Promise<Response>;
}

const ROUTES: Readonly<Record<string, HttpRoute>> = {
  "/status": { method: "GET", serve: (surface, request, caller) => surface.status(request, caller) },
  "/metrics": { method: "GET", serve: (surface, _request, caller) => surface.metrics(caller) },
  "/rpc/methods": { method: "GET", serve: (surface, _request, caller) => surface.methods(caller) },
  "/tools/invoke": { method: "POST", serve: (surface, request, caller) => surface.invokeTool(request, caller) },
  "/rpc": { method: "POST", serve: (surface, request, caller) => surface.rpc(request, caller) },
};

const NO_STORE = { "Cache-Control": "no-store" };

function requireRead(caller: Caller): void {
  if (!hasScope(caller, "operator.read")) throw missingScope("operator.read");
}

function parseCall(body: string): { method: string; params: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new GatewayError("INVALID_REQUEST", "the body is not JSON");
  }
  const { method, params } = (value ?? {}) as { method?: unknown; params?: unknown };
  if (typeof method !== "string" || method === "") throw new GatewayError("INVALID_REQUEST", "method required");
  return { method, params };
}

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...SECURITY_HEADERS, ...NO_STORE, "Content-Type": "application/json; charset=utf-8" },
  });
}

const refusal = (error: GatewayError): Response =>
  json(HTTP_STATUS[error.code] ?? 500, { ok: false, error: errorShape(error) });

const methodNotAllowed = (allow: string): Response => plainText(405, "Method Not Allowed", { Allow: allow });
