import { GatewayError } from "../platform/errors.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";
import type { ToolInvoker } from "../tools/invoker.ts";
import { readBody } from "./body.ts";
import type { Caller } from "./context.ts";
import { plainText, SECURITY_HEADERS } from "./upgrade.ts";

interface ToolsHttpDeps {
  invoker: ToolInvoker;
  maxBodyBytes: number;
  maxBodyMs: number;
}

/** `POST /tools/invoke`: one call of a tool in upstream's form (docs: gateway/tools-invoke-http-api). */
export class ToolsHttp {
  constructor(private readonly deps: ToolsHttpDeps) {}

  /** Answers a caller who has authenticated. */
  async serve(request: Request, caller: Caller): Promise<Response> {
    if (!hasScope(caller, "operator.write")) throw missingScope("operator.write");
    const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
    // A web page of another origin can post text or forms without asking; JSON needs its consent first.
    if (type !== "application/json" && request.body !== null) return plainText(415, "Unsupported Media Type");
    const body = await readBody(request, this.deps.maxBodyBytes, this.deps.maxBodyMs);
    if (body === "too-long") return plainText(413, "Payload Too Large", { Connection: "close" });
    if (body === "too-slow") return plainText(408, "Request Timeout", { Connection: "close" });
    const given = parsed(new TextDecoder().decode(body));
    if (given === undefined) {
      return json(400, { error: { message: "the body is not valid JSON", type: "invalid_request_error" } });
    }
    const name = [given.name, given.tool].find((value): value is string => typeof value === "string");
    if (name === undefined || name.trim() === "") return failure(400, "invalid_request", "tools.invoke requires name");
    const args = isRecord(given.args) ? given.args : {};
    const { action, ...target } = texts(given);
    const channel = request.headers.get("x-openclaw-message-channel")?.trim().toLowerCase();
    const who = {
      isOwner: hasScope(caller, "operator.admin"),
      signal: request.signal,
      ...(channel ? { channel } : {}),
    };
    try {
      const invoked = await this.deps.invoker.invoke({ name, args, ...target }, who);
      if (invoked.ok) return json(200, { ok: true, result: invoked.output });
      const { code, status, message } = invoked;
      return failure(status, code === "validation_error" ? "invalid_request" : code, message);
    } catch (error) {
      if (error instanceof GatewayError && error.code === "INVALID_REQUEST") {
        return failure(400, "invalid_request", error.message);
      }
      throw error;
    }
  }
}

function parsed(body: string): Record<string, unknown> | undefined {
  if (body.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(body);
    return isRecord(value) ? value : {};
  } catch {
    return undefined;
  }
}

type Texts = Partial<Record<"sessionKey" | "agentId" | "idempotencyKey" | "action", string>>;

function texts(given: Record<string, unknown>): Texts {
  const names = ["sessionKey", "agentId", "idempotencyKey", "action"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = given[name];
      return typeof value === "string" && value.trim() !== "" ? [[name, value.trim()]] : [];
    }),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const failure = (status: number, type: string, message: string): Response =>
  json(status, { ok: false, error: { type, message } });

const json = (status: number, body: object): Response =>
  Response.json(body, { status, headers: { ...SECURITY_HEADERS, "Cache-Control": "no-store" } });
