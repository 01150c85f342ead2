import { join } from "node:path";
import { LIMITS } from "../../../../generated/limits.ts";
import { EventBus } from "../../../platform/bus.ts";
import { ManualClock } from "../../../platform/clock.ts";
import type { LogFields, Logger } from "../../../platform/logger.ts";
import { ownerContext } from "../../testing.ts";
import type { ToolContext, ToolSubject } from "../../types.ts";
import { McpServers } from "../servers.ts";
import type { McpTool } from "../tools.ts";

/** How the stdio server of the tests is started. */
export const stdio = (more: object = {}, ...args: string[]) => ({
  command: process.execPath,
  args: [join(import.meta.dir, "stdio-server.ts"), ...args],
  ...more,
});

export const subject = (sessionKey = "agent:main:main", more: Partial<ToolSubject> = {}): ToolSubject => ({
  agentId: "main",
  sessionKey,
  isOwner: true,
  isSandboxed: false,
  subagentDepth: 0,
  ...more,
});

/** Servers of tools without a gateway around them. */
export class McpBench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly bus = new EventBus();
  readonly logged: string[] = [];
  readonly servers: McpServers;
  config: Record<string, unknown>;
  private changed = (): void => {};

  constructor(
    servers: Record<string, object>,
    more: object = {},
    env: Record<string, string | undefined> = process.env,
    limits: object = {},
  ) {
    this.config = { mcp: { servers, ...more } };
    const bench = this;
    const note = (message: string, fields?: LogFields) => void this.logged.push(`${message} ${JSON.stringify(fields)}`);
    const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log } as never;
    this.servers = new McpServers({
      config: {
        get current() {
          return bench.config as never;
        },
        env,
        onChange: (listener) => {
          this.changed = () => listener(bench.config as never);
          return () => {};
        },
      },
      defender: {
        screen: async (text) => {
          const isBad = text.includes("Ignore all previous");
          return { verdict: isBad ? "block" : "allow", score: isBad ? 90 : 0, findings: [] };
        },
      },
      clock: this.clock,
      log,
      limits: { ...LIMITS, mcpStopGraceMs: 300, ...limits },
    });
    this.servers.follow(this.bus);
  }

  /** Other settings of the servers come into force. */
  configure(servers: Record<string, object>, more: object = {}): void {
    this.config = { ...this.config, mcp: { servers }, ...more };
    this.changed();
  }

  tools(sessionKey?: string): Promise<McpTool[]> {
    return this.servers.tools(subject(sessionKey), true);
  }

  async names(sessionKey?: string): Promise<string[]> {
    return (await this.tools(sessionKey)).map(({ name }) => name);
  }

  async run(name: string, args: Record<string, unknown> = {}, context: Partial<ToolContext> = {}) {
    const tool = (await this.tools()).find((each) => each.name === name);
    if (!tool) throw new Error(`there is no ${name}`);
    return tool.run(args, ownerContext("/nowhere", context));
  }

  /** The text of a result, without the marks around it. */
  async said(name: string, args: Record<string, unknown> = {}): Promise<string> {
    const { content } = await this.run(name, args);
    return inner((content[0] as { text: string }).text);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.servers.stop();
  }
}

export const inner = (wrapped: string): string => /---\n([\s\S]*)\n<<<END_EXTERNAL/.exec(wrapped)![1]!;

/** Whether a process is there and not only waiting to be counted. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}

/** Waits until something is so; the test's own time limit is the bound. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await Bun.sleep(10);
}
