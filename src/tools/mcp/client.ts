import { dict } from "../../models/settings.ts";
import { OWN_VERSION } from "../../protocol/version.ts";
import { McpFailure, type McpMessage, type McpTransport, type TransportEvents } from "./transport.ts";

/** The newest version of the protocol that is spoken, then those that servers may choose instead. */
const VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
const METHOD_NOT_FOUND = -32601;

interface Pending {
  resolve(result: Record<string, unknown>): void;
  reject(error: Error): void;
}

/** The server answered a request with an error; the words are the server's. */
export class McpRefusal extends Error {}

/**
 * A client of one MCP server: requests with their answers, cancellation, and notifications. It offers servers nothing:
 * neither files nor the model nor questions to people.
 */
export class McpClient {
  private readonly pending = new Map<number, Pending>();
  private readonly transport: McpTransport;
  private nextId = 0;
  private closedBecause: string | undefined;
  capabilities: Readonly<Record<string, unknown>> = {};

  /** @param onNotification is told the names of notifications */
  constructor(
    open: (events: TransportEvents) => McpTransport,
    private readonly onNotification: (method: string) => void,
    private readonly onEnd: (reason: string) => void,
  ) {
    this.transport = open({
      onMessage: (message) => this.take(message),
      onClose: (reason) => this.end(reason),
    });
  }

  get isOpen(): boolean {
    return this.closedBecause === undefined;
  }

  /** @throws McpFailure when it does not answer in time, or speaks another protocol */
  async initialize(timeoutMs: number): Promise<void> {
    const clientInfo = { name: "chela", version: OWN_VERSION };
    const params = { protocolVersion: VERSIONS[0], capabilities: {}, clientInfo };
    const { protocolVersion, capabilities } = await this.request("initialize", params, { timeoutMs });
    if (typeof protocolVersion !== "string" || !VERSIONS.includes(protocolVersion)) {
      throw new McpFailure("it speaks another version of the protocol");
    }
    if ("version" in this.transport) this.transport.version = protocolVersion;
    this.capabilities = dict(capabilities);
    await this.transport.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  }

  /**
   * @throws McpRefusal with the server's words; McpFailure when no answer comes in time or at all; the signal's reason,
   * after the server was told
   */
  async request(
    method: string,
    params: Record<string, unknown>,
    { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<Record<string, unknown>> {
    if (this.closedBecause !== undefined) throw new McpFailure(this.closedBecause);
    signal?.throwIfAborted();
    const id = this.nextId++;
    const answer = Promise.withResolvers<Record<string, unknown>>();
    this.pending.set(id, answer);
    const giveUp = (error: Error): void => {
      if (!this.pending.delete(id)) return;
      answer.reject(error);
      if (method === "initialize") return;
      const reason = "no longer waited for";
      const told = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id, reason } } as const;
      void this.transport.send(told).catch(() => {});
    };
    const timer = setTimeout(() => giveUp(new McpFailure("it did not answer in time")), timeoutMs);
    const abort = (): void => giveUp(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      // The answer of some ways of transport comes before the sending is done.
      const sent = this.transport.send({ jsonrpc: "2.0", id, method, params });
      sent.catch((error) => {
        if (this.pending.delete(id)) answer.reject(error);
      });
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  async close(): Promise<void> {
    this.end("it was ended");
    await this.transport.close();
  }

  private take({ id, method, result, error }: McpMessage): void {
    if (method !== undefined) {
      if (id === undefined) {
        this.onNotification(method);
        return;
      }
      const answer = method === "ping" ? { result: {} } : { error: { code: METHOD_NOT_FOUND, message: "Not offered" } };
      void this.transport.send({ jsonrpc: "2.0", id, ...answer }).catch(() => {});
      return;
    }
    const waiting = typeof id === "number" ? this.pending.get(id) : undefined;
    // Answers that nobody waits for any more are let be.
    if (waiting === undefined) return;
    this.pending.delete(id as number);
    if (error !== undefined) waiting.reject(new McpRefusal(String(dict(error).message ?? "no reason")));
    else waiting.resolve(dict(result));
  }

  private end(reason: string): void {
    if (this.closedBecause !== undefined) return;
    this.closedBecause = reason;
    for (const { reject } of this.pending.values()) reject(new McpFailure(reason));
    this.pending.clear();
    this.onEnd(reason);
  }
}
