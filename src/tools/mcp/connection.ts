import { dict, text } from "../../models/settings.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { McpClient } from "./client.ts";
import type { McpServerSettings } from "./settings.ts";
import { McpFailure, type McpTransport, type TransportEvents } from "./transport.ts";

/** A tool as its server describes it, within bounds. */
export interface McpToolFacts {
  name: string;
  title: string | undefined;
  description: string | undefined;
  schema: Record<string, unknown>;
}

/** What a server was found to offer. */
export interface Discovery {
  tools: McpToolFacts[];
  hasResources: boolean;
  hasPrompts: boolean;
}

export interface ConnectionLimits {
  mcpToolsMax: number;
  mcpPagesMax: number;
  mcpSchemaChars: number;
  mcpBackoffFirstMs: number;
  mcpBackoffMaxMs: number;
  mcpFailuresInARow: number;
}

export interface ConnectionDeps {
  /** Opens the way to the server. @throws McpFailure */
  open(settings: McpServerSettings, events: TransportEvents): Promise<McpTransport>;
  clock: Clock;
  log: Logger;
  limits: ConnectionLimits;
}

/**
 * One server of one session: connected when it is first asked for, connected again after it broke, at growing intervals
 * while it keeps breaking.
 */
export class McpConnection {
  private client: Promise<McpClient> | undefined;
  private found: Discovery | undefined;
  private isStale = false;
  private failures = 0;
  /** Requests on end that got no answer. */
  private unanswered = 0;
  private nextTryAt = 0;
  private isClosed = false;
  private opened: McpClient | undefined;
  /** Milliseconds of the clock. */
  lastUsed: number;
  /** Calls under way. */
  atWork = 0;

  constructor(
    readonly settings: McpServerSettings,
    private readonly deps: ConnectionDeps,
  ) {
    this.lastUsed = deps.clock.now();
  }

  /** What the server was last found to offer; nothing before the first discovery. */
  get known(): Discovery | undefined {
    return this.found;
  }

  /**
   * What the server offers: asked when it is not known, or has changed since. Nothing while the server cannot be reached.
   */
  async discover(): Promise<Discovery | undefined> {
    const { clock, log } = this.deps;
    if (this.found && !this.isStale && this.opened?.isOpen) return this.found;
    if (this.isClosed || clock.now() < this.nextTryAt) return undefined;
    try {
      const client = await this.connected();
      this.isStale = false;
      this.found = await this.list(client);
      this.failures = 0;
      return this.found;
    } catch (error) {
      this.found = undefined;
      const reason = error instanceof McpFailure ? error.message : "it refuses to be asked";
      const waitMs = await this.broke();
      log.warn("a server of tools cannot be used", { server: this.settings.name, reason, nextTryInMs: waitMs });
      return undefined;
    }
  }

  /** @throws McpRefusal with the server's words, McpFailure, or the signal's reason */
  async request(
    method: string,
    params: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>> {
    const { clock, limits } = this.deps;
    this.lastUsed = clock.now();
    this.atWork++;
    try {
      if (this.isClosed) throw new McpFailure("its session has ended");
      if (clock.now() < this.nextTryAt) throw new McpFailure("it broke a moment ago and is let rest");
      const client = await this.connected();
      const result = await client.request(method, params, { timeoutMs: this.settings.requestTimeoutMs, signal });
      this.unanswered = 0;
      return result;
    } catch (error) {
      // A server that keeps silent gets a fresh start; what it was asked is not asked again, as it may have been done.
      if (error instanceof McpFailure && (!this.opened?.isOpen || ++this.unanswered >= limits.mcpFailuresInARow)) {
        if (!this.isClosed && clock.now() >= this.nextTryAt) await this.broke();
      }
      throw error;
    } finally {
      this.atWork--;
      this.lastUsed = clock.now();
    }
  }

  /** Ends it with all that came of it, also while it is still being connected. */
  async close(): Promise<void> {
    this.isClosed = true;
    const { client } = this;
    this.client = undefined;
    await this.opened?.close();
    await client?.then((open) => open.close()).catch(() => {});
  }

  private connected(): Promise<McpClient> {
    if (this.client && this.opened?.isOpen !== false) return this.client;
    this.opened = undefined;
    const client = this.connect();
    this.client = client;
    client.catch(() => {
      if (this.client === client) this.client = undefined;
    });
    return client;
  }

  private async connect(): Promise<McpClient> {
    const { settings } = this;
    const { open, log } = this.deps;
    const held: TransportHolder = {};
    const transport = await open(settings, {
      onMessage: (message) => held.events?.onMessage(message),
      onClose: (reason) => held.events?.onClose(reason),
    });
    const client = new McpClient(
      (events) => {
        held.events = events;
        return transport;
      },
      (method) => {
        if (/^notifications\/(?:tools|resources|prompts)\/list_changed$/.test(method)) this.isStale = true;
      },
      (reason) => log.debug("a server of tools is not connected any more", { server: settings.name, reason }),
    );
    this.opened = client;
    try {
      if (this.isClosed) throw new McpFailure("its session has ended");
      await client.initialize(settings.connectTimeoutMs);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** Ends a connection that is of no use. Returns for how long no other is tried. */
  private async broke(): Promise<number> {
    const { clock, limits } = this.deps;
    const waitMs = Math.min(limits.mcpBackoffFirstMs * 2 ** Math.min(this.failures++, 20), limits.mcpBackoffMaxMs);
    this.nextTryAt = clock.now() + waitMs;
    this.unanswered = 0;
    this.client = undefined;
    await this.opened?.close();
    return waitMs;
  }

  private async list(client: McpClient): Promise<Discovery> {
    const { capabilities } = client;
    const { limits } = this.deps;
    const tools: McpToolFacts[] = [];
    let cursor: string | undefined;
    for (let page = 0; capabilities.tools !== undefined && page < limits.mcpPagesMax; page++) {
      const params = cursor === undefined ? {} : { cursor };
      const answer = await client.request("tools/list", params, { timeoutMs: this.settings.requestTimeoutMs });
      for (const raw of Array.isArray(answer.tools) ? answer.tools : []) {
        const facts = this.factsOf(dict(raw));
        if (facts && tools.length < limits.mcpToolsMax) tools.push(facts);
      }
      cursor = text(answer.nextCursor);
      if (cursor === undefined) break;
    }
    return {
      tools,
      hasResources: capabilities.resources !== undefined,
      hasPrompts: capabilities.prompts !== undefined,
    };
  }

  private factsOf({
    name,
    title,
    description,
    annotations,
    inputSchema,
  }: Record<string, unknown>): McpToolFacts | undefined {
    const { settings, deps } = this;
    if (typeof name !== "string" || name === "" || name.length > 128 || !settings.takes(name)) return undefined;
    const schema = dict(inputSchema);
    if (JSON.stringify(schema).length > deps.limits.mcpSchemaChars) {
      deps.log.warn("a tool is left out: its arguments are too many", {
        server: settings.name,
        tool: name.slice(0, 64),
      });
      return undefined;
    }
    return { name, title: text(title) ?? text(dict(annotations).title), description: text(description), schema };
  }
}

interface TransportHolder {
  events?: TransportEvents;
}
