/** A message of JSON-RPC 2.0. */
export interface McpMessage {
  jsonrpc: "2.0";
  id?: number | string;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data?: unknown };
}

/** Carries messages to a server and back. */
export interface McpTransport {
  /** Rejects when the message cannot be handed over. */
  send(message: McpMessage): Promise<void>;
  /** Ends the connection and, for a server that was started here, all that came of it. May be called twice. */
  close(): Promise<void>;
}

export interface TransportEvents {
  onMessage(message: McpMessage): void;
  /** Once, when nothing more comes. */
  onClose(reason: string): void;
}

/** Bounds of transports; values and reasons in `spec/chela/limits.yaml`. */
export interface TransportLimits {
  mcpMessageBytes: number;
  mcpStopGraceMs: number;
}

/** A connection is of no use any more, or a server does not keep to the protocol. Says nothing of what the server said. */
export class McpFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = "McpFailure";
  }
}

/** The messages in a text: one, or several in a list. @throws McpFailure for what is none */
export function messagesIn(text: string): McpMessage[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new McpFailure("it sent what is no JSON");
  }
  const all = Array.isArray(value) ? value : [value];
  const isMessage = (each: unknown): each is McpMessage =>
    typeof each === "object" && each !== null && !Array.isArray(each) && (each as McpMessage).jsonrpc === "2.0";
  if (!all.every(isMessage)) throw new McpFailure("it sent what is no message of JSON-RPC");
  return all;
}
