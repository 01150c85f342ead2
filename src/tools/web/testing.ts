import { LIMITS } from "../../../generated/limits.ts";
import type { Action, Decision } from "../../defender/types.ts";
import { ManualClock } from "../../platform/clock.ts";
import { ownerContext } from "../testing.ts";
import type { Tool, ToolResult } from "../types.ts";
import { type WebDeps, webTools } from "./create.ts";
import { WebSearch } from "./search/search.ts";

type UrlAction = Extract<Action, { kind: "url" }>;

export interface Call {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body: unknown;
}

/** A server on this machine that stands for the web, and the tools that may reach it. */
export class WebBench implements AsyncDisposable {
  readonly calls: Call[] = [];
  readonly judged: Action[] = [];
  readonly screened: string[] = [];
  readonly clock = new ManualClock();
  readonly updates: ToolResult[] = [];
  decision: Decision = { verdict: "allow", score: 0, findings: [] };
  verdict: Decision = { verdict: "allow", score: 0, findings: [] };
  /** Words that were about to leave, and what the defender says of them. */
  readonly asked: string[] = [];
  outbound: Decision = { verdict: "allow", score: 0, findings: [] };
  judge: (action: UrlAction) => Decision = () => this.verdict;
  /** Names whose addresses were asked for. */
  readonly lookedUp: string[] = [];
  config: { tools?: object; plugins?: object } = {};
  env: Record<string, string | undefined> = {};
  signal = new AbortController().signal;
  private readonly server: ReturnType<typeof Bun.serve>;
  readonly search: WebSearch;
  private readonly tools: Tool[];

  constructor(answer: (call: Call) => Response | Promise<Response>) {
    this.server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        const url = new URL(request.url);
        const text = await request.text();
        const call = {
          method: request.method,
          path: url.pathname,
          query: Object.fromEntries(url.searchParams),
          headers: Object.fromEntries(request.headers),
          body: text === "" ? undefined : JSON.parse(text),
        };
        this.calls.push(call);
        return answer(call);
      },
    });
    const bench = this;
    const deps: WebDeps = {
      config: {
        get current() {
          return bench.config as never;
        },
        get env() {
          return bench.env;
        },
      },
      defender: {
        judge: async (action) => {
          this.judged.push(action);
          return this.judge(action as UrlAction);
        },
        screen: async (text, { direction }) => {
          (direction === "outbound" ? this.asked : this.screened).push(text);
          return direction === "outbound" ? this.outbound : this.decision;
        },
      },
      clock: this.clock,
      limits: LIMITS,
      resolve: async (host) => {
        this.lookedUp.push(host);
        return [{ address: "127.0.0.1", family: 4 }];
      },
    };
    this.search = new WebSearch(deps);
    this.tools = webTools(deps, this.search);
    this.allow();
  }

  get origin(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  /** Lets `web_fetch` reach this machine; `more` are further settings of it. */
  allow(more: object = {}): void {
    this.config = { tools: { web: { fetch: { ssrfPolicy: { allowedHostnames: ["127.0.0.1"] }, ...more } } } };
  }

  /** Makes this machine the provider; `more` are its further settings. */
  provide(id: string, more: object = {}, search: object = {}): void {
    const webSearch = { apiKey: `key-of-${id}`, baseUrl: this.origin, ...more };
    const before = (this.config.plugins as { entries?: object })?.entries;
    this.config = {
      tools: { web: { search } },
      plugins: { entries: { ...before, [id]: { config: { webSearch } } } },
    };
  }

  tool(name: string): Tool {
    return this.tools.find((tool) => tool.name === name)!;
  }

  run(name: string, args: Record<string, unknown>): Promise<ToolResult> {
    const context = ownerContext("/nowhere", {
      signal: this.signal,
      onUpdate: (partial) => void this.updates.push(partial),
    });
    return this.tool(name).run(args, context);
  }

  /** What the model is told, read again. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  async told(name: string, args: Record<string, unknown>): Promise<any> {
    const { content, details } = await this.run(name, args);
    const told = JSON.parse((content[0] as { text: string }).text);
    if (JSON.stringify(told) !== JSON.stringify(details)) throw new Error("text and details differ");
    return told;
  }

  fetch(path: string, args: object = {}) {
    return this.told("web_fetch", { url: this.origin + path, ...args });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop(true);
  }
}
