import { COMPATIBLE_VERSION } from "../protocol/version.ts";

/** What a tool is given: leave for one session. It cannot ask for another. */
export interface ToolCall {
  sessionKey: string;
  args: Record<string, unknown>;
}

export interface McpTool {
  name: string;
  description: string;
  /** JSON schema of the arguments. */
  inputSchema: object;
  run(call: ToolCall): Promise<unknown>;
}

interface RpcRequest {
  jsonrpc?: unknown;
  id?: unknown;
  method?: unknown;
  params?: unknown;
}

export interface RpcAnswer {
  jsonrpc: "2.0";
  id: string | number | null;
  result?: unknown;
  error?: { code: number; message: string };
}

/** The versions of the Model Context Protocol that are spoken, the newest first. */
const VERSIONS = ["2025-06-18", "2025-03-26", "2024-11-05"];
const INVALID_REQUEST = -32600;
const UNKNOWN_METHOD = -32601;
const INVALID_PARAMS = -32602;

/**
 * Answers one message of the Model Context Protocol for the session of a grant. Null for what asks for no answer.
 * Nothing in the message says who speaks or of which session: both follow from the grant alone (KNOWN_ATTACKS 35).
 */
export async function answerMcp(
  message: unknown,
  sessionKey: string,
  tools: readonly McpTool[],
): Promise<RpcAnswer | null> {
  const { jsonrpc, id, method, params } = (isRecord(message) ? message : {}) as RpcRequest;
  if (jsonrpc !== "2.0" || typeof method !== "string") return failure(null, INVALID_REQUEST, "not a JSON-RPC request");
  if (id === undefined) return null;
  if (typeof id !== "string" && typeof id !== "number")
    return failure(null, INVALID_REQUEST, "id must be a text or a number");
  const given = isRecord(params) ? params : {};
  switch (method) {
    case "initialize":
      return success(id, introduction(given));
    case "ping":
      return success(id, {});
    case "tools/list":
      return success(id, { tools: tools.map(({ run: _run, ...shown }) => shown) });
    case "tools/call":
      return callTool(id, given, sessionKey, tools);
    default:
      return failure(id, UNKNOWN_METHOD, `unknown method: ${method.slice(0, 100)}`);
  }
}

function introduction({ protocolVersion }: Record<string, unknown>): object {
  return {
    protocolVersion: VERSIONS.find((version) => version === protocolVersion) ?? VERSIONS[0],
    capabilities: { tools: {} },
    serverInfo: { name: "openclaw", version: COMPATIBLE_VERSION },
  };
}

async function callTool(
  id: string | number,
  { name, arguments: args }: Record<string, unknown>,
  sessionKey: string,
  tools: readonly McpTool[],
): Promise<RpcAnswer> {
  const tool = tools.find((each) => each.name === name);
  if (tool === undefined) return failure(id, INVALID_PARAMS, "unknown tool");
  try {
    const found = await tool.run({ sessionKey, args: isRecord(args) ? args : {} });
    return success(id, { content: [{ type: "text", text: JSON.stringify(found) }] });
  } catch (error) {
    // What a tool refuses is for the model that called it to read.
    const text = (error as Error).name === "GatewayError" ? (error as Error).message : "the tool failed";
    return success(id, { content: [{ type: "text", text }], isError: true });
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const success = (id: string | number, result: object): RpcAnswer => ({ jsonrpc: "2.0", id, result });

const failure = (id: string | number | null, code: number, message: string): RpcAnswer => ({
  jsonrpc: "2.0",
  id,
  error: { code, message },
});
