import { readFile } from "node:fs/promises";
import type { McpTarget } from "./settings.ts";
import { readEvents } from "./sse.ts";
import {
  McpFailure,
  type McpMessage,
  type McpTransport,
  messagesIn,
  type TransportEvents,
  type TransportLimits,
} from "./transport.ts";

export type HttpTarget = Extract<McpTarget, { url: string }>;

/** Over HTTP. Starts nothing before the first message. */
export function httpTransport(target: HttpTarget, events: TransportEvents, limits: TransportLimits): McpTransport {
  return target.kind === "http" ? new StreamableHttp(target, events, limits) : new EventStream(target, events, limits);
}

/** What both ways have in common: calls that follow no redirect, as credentials would go along (KNOWN_ATTACKS 90). */
abstract class HttpBase implements McpTransport {
  protected readonly ending = new AbortController();
  private isClosed = false;

  constructor(
    protected readonly target: HttpTarget,
    protected readonly events: TransportEvents,
    protected readonly limits: TransportLimits,
  ) {}

  abstract send(message: McpMessage): Promise<void>;

  async close(): Promise<void> {
    this.closed("it was ended");
    this.ending.abort();
  }

  protected closed(reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.events.onClose(reason);
  }

  /** Ends the connection over what the server did. */
  protected fail(error: unknown): void {
    this.closed(error instanceof McpFailure ? error.message : "its connection broke");
    this.ending.abort();
  }

  /** @throws McpFailure that says nothing of the answer */
  protected async call(url: string, init: { method: string; headers?: Record<string, string>; body?: string }) {
    const { headers } = this.target;
    let answer: Response;
    try {
      answer = await fetch(url, {
        ...init,
        headers: { ...headers, ...init.headers },
        redirect: "manual",
        signal: this.ending.signal,
        ...(await this.tls()),
      });
    } catch {
      throw new McpFailure("it cannot be reached");
    }
    if (answer.status >= 300 && answer.status < 400) {
      await answer.body?.cancel();
      throw new McpFailure("it leads somewhere else, which is not followed");
    }
    return answer;
  }

  /** @throws McpFailure for what is no message */
  protected take(text: string): void {
    for (const message of messagesIn(text)) this.events.onMessage(message);
  }

  private async tls() {
    const { rejectUnauthorized, certFile, keyFile } = this.target.tls;
    const [cert, key] = await Promise.all([certFile, keyFile].map((path) => path && readFile(path, "utf8")));
    const tls = {
      ...(rejectUnauthorized === false ? { rejectUnauthorized } : {}),
      ...(cert ? { cert } : {}),
      ...(key ? { key } : {}),
    };
    return Object.keys(tls).length === 0 ? {} : { tls };
  }
}

/** A post for each message, answered by JSON or by a stream of events (MCP, transports, streamable HTTP). */
class StreamableHttp extends HttpBase {
  private session: string | undefined;
  private protocol: string | undefined;
  private listens = false;

  override async send(message: McpMessage): Promise<void> {
    const answer = await this.call(this.target.url, {
      method: "POST",
      headers: { accept: "application/json, text/event-stream", "content-type": "application/json", ...this.own() },
      body: JSON.stringify(message),
    });
    if (answer.status === 404 && this.session !== undefined) {
      const gone = new McpFailure("it has forgotten the session");
      this.fail(gone);
      throw gone;
    }
    if (!answer.ok) {
      await answer.body?.cancel();
      throw new McpFailure(`it refuses the message (${answer.status})`);
    }
    this.session ??= sessionOf(answer);
    const type = answer.headers.get("content-type") ?? "";
    if (/^text\/event-stream\b/.test(type) && answer.body) {
      // What the request waits for comes as one of the events.
      void readEvents(answer.body, this.limits.mcpMessageBytes, ({ data }) => this.take(data)).catch((error) =>
        this.fail(error),
      );
    } else if (/^application\/json\b/.test(type)) this.take(await bounded(answer, this.limits.mcpMessageBytes));
    else await answer.body?.cancel();
    if (message.method === "notifications/initialized") this.listen();
  }

  /** The protocol's version, once agreed upon, goes with every message. */
  set version(version: string) {
    this.protocol = version;
  }

  override async close(): Promise<void> {
    const { session } = this;
    this.session = undefined;
    if (session !== undefined && !this.ending.signal.aborted) {
      const end = this.call(this.target.url, { method: "DELETE", headers: { "mcp-session-id": session } });
      await Promise.race([end.catch(() => {}), Bun.sleep(this.limits.mcpStopGraceMs)]);
    }
    await super.close();
  }

  private own(): Record<string, string> {
    return {
      ...(this.session === undefined ? {} : { "mcp-session-id": this.session }),
      ...(this.protocol === undefined ? {} : { "mcp-protocol-version": this.protocol }),
    };
  }

  /** Hears what the server says by itself, where it offers that. */
  private listen(): void {
    if (this.listens) return;
    this.listens = true;
    const hear = async (): Promise<void> => {
      const answer = await this.call(this.target.url, {
        method: "GET",
        headers: { accept: "text/event-stream", ...this.own() },
      });
      if (!answer.ok || !answer.body) return void (await answer.body?.cancel());
      await readEvents(answer.body, this.limits.mcpMessageBytes, ({ data }) => this.take(data));
    };
    // Many servers say nothing by themselves, or end such a stream after a while; calls work without it.
    void hear().catch(() => {});
  }
}

/** The older way: one stream of events, whose first names the place to post messages to. */
class EventStream extends HttpBase {
  private place: Promise<string> | undefined;

  override async send(message: McpMessage): Promise<void> {
    this.place ??= this.open();
    const answer = await this.call(await this.place, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message),
    });
    await answer.body?.cancel();
    if (answer.ok) return;
    const refused = new McpFailure(`it refuses the message (${answer.status})`);
    if (answer.status === 404) this.fail(refused);
    throw refused;
  }

  private async open(): Promise<string> {
    const answer = await this.call(this.target.url, { method: "GET", headers: { accept: "text/event-stream" } });
    const { body } = answer;
    if (!answer.ok || !body) throw new McpFailure(`it gives no stream of events (${answer.status})`);
    return new Promise((resolve, reject) => {
      const take = (event: string, data: string): void => {
        if (event === "message") this.take(data);
        if (event !== "endpoint") return;
        const place = URL.parse(data, this.target.url);
        // Elsewhere the headers, credentials among them, would go to somebody else.
        if (place !== null && place.origin === new URL(this.target.url).origin) {
          resolve(place.href);
          return;
        }
        const elsewhere = new McpFailure("it names a place to post to on another host");
        reject(elsewhere);
        this.fail(elsewhere);
      };
      readEvents(body, this.limits.mcpMessageBytes, ({ event, data }) => take(event, data))
        .then(() => {
          throw new McpFailure("its stream has ended");
        })
        .catch((error) => {
          reject(error);
          this.fail(error);
        });
    });
  }
}

/** Only what a header may carry. */
function sessionOf({ headers }: Response): string | undefined {
  const id = headers.get("mcp-session-id");
  return id !== null && /^[\x21-\x7e]{1,256}$/.test(id) ? id : undefined;
}

async function bounded(answer: Response, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer.body ?? []) {
    size += part.length;
    if (size > maxBytes) throw new McpFailure("it sent too much at once");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
