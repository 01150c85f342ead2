import { LIMITS } from "../../generated/limits.ts";
import type { AttachGrants } from "../attach/grants.ts";
import { answerMcp, type McpTool } from "../attach/mcp.ts";
import type { Clock } from "../platform/clock.ts";
import { bearerOf } from "./auth/http-caller.ts";
import { FailureThrottle } from "./auth/throttle.ts";
import { readBody } from "./body.ts";
import type { HookRequest } from "./hooks-http.ts";
import { networkOf } from "./peer.ts";
import { plainText, SECURITY_HEADERS } from "./upgrade.ts";

interface McpHttpDeps {
  grants: AttachGrants;
  tools: readonly McpTool[];
  clock: Clock;
}

const PATH = "/mcp";

/**
 * The MCP endpoint of attach grants, for programs on this machine: a request with a JSON-RPC message gets its answer as
 * JSON, streams there are none. Only the bearer of a grant is heard, and no page of a browser.
 */
export class McpHttp {
  private readonly throttle: FailureThrottle;

  constructor(private readonly deps: McpHttpDeps) {
    this.throttle = new FailureThrottle({
      clock: deps.clock,
      max: LIMITS.hookAuthFailures,
      windowMs: LIMITS.hookAuthWindowMs,
      maxKeys: LIMITS.authFailureKeys,
    });
  }

  /** Answers a call; null for a request to another path. */
  serve(call: HookRequest): Promise<Response> | null {
    return call.url.pathname === PATH ? this.admit(call) : null;
  }

  private async admit({ request, peer, allowSilence }: HookRequest): Promise<Response> {
    // A grant is for a program beside the gateway; over a proxy or from a page nobody comes with one.
    if (!peer.isLocalDirect || request.headers.has("origin")) return plainText(403, "Forbidden");
    if (request.method !== "POST") return plainText(405, "Method Not Allowed", { Allow: "POST" });
    const network = networkOf(peer.remoteAddress);
    const token = bearerOf(request.headers);
    const sessionKey = token === undefined ? null : await this.deps.grants.sessionOf(token);
    if (sessionKey === null) {
      const waitMs = this.throttle.failed(network);
      if (waitMs === null) return plainText(401, "Unauthorized", { "WWW-Authenticate": "Bearer" });
      return plainText(429, "Too Many Requests", { "Retry-After": String(Math.ceil(waitMs / 1000)) });
    }
    this.throttle.succeeded(network);
    allowSilence(Math.ceil(LIMITS.hookBodyMs / 1000) + 5);
    const body = await readBody(request, LIMITS.mcpRequestBytes, LIMITS.hookBodyMs);
    if (body === "too-long") return plainText(413, "Payload Too Large", { Connection: "close" });
    if (body === "too-slow") return plainText(408, "Request Timeout", { Connection: "close" });
    const message = parse(new TextDecoder().decode(body));
    if (message === undefined) return plainText(400, "Bad Request");
    const answer = await answerMcp(message, sessionKey, this.deps.tools);
    if (answer === null) return new Response(null, { status: 202, headers: SECURITY_HEADERS });
    return Response.json(answer, { headers: { ...SECURITY_HEADERS, "Cache-Control": "no-store" } });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
