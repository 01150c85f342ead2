import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import type { ApprovalsPort } from "../../approvals/types.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { Action, Decision } from "../../defender/types.ts";
import { systemClock } from "../../platform/clock.ts";
import { silentLogger } from "../../platform/logger.ts";
import { available } from "../sandbox/bubblewrap.ts";
import { Sandboxes } from "../sandbox/sandboxes.ts";
import { ownerContext } from "../testing.ts";
import type { Tool, ToolContext, ToolResult } from "../types.ts";
import { Completions } from "./completion.ts";
import { execTools } from "./create.ts";
import { Gatekeeper } from "./gatekeeper.ts";
import { NodeExec } from "./node-exec.ts";
import { Processes } from "./processes.ts";

const ALLOW: Decision = { verdict: "allow", score: 0, findings: [] };

/** A document of allowed commands that says nothing, and approvals that nobody could give. */
const NO_POLICY = { security: undefined, ask: undefined, askFallback: undefined, allowlist: [] };
const OPEN = { of: async () => NO_POLICY, allow: async () => {}, used: async () => {} };
const NOBODY: ApprovalsPort = {
  open: () => Promise.reject(new Error("nobody was to be asked")),
  settled: async () => null,
  cancel: async () => {},
};

const NO_NODES = { sessions: { all: () => [] }, invokes: {} as never, permissions: {} as never };

/** The tools that run commands over a workspace of their own; what they start is ended with the test. */
export class ExecBench {
  readonly workspace = realpathSync(mkdtempSync(join(tmpdir(), "chela-exec-")));
  readonly stateDir = mkdtempSync(join(tmpdir(), "chela-state-"));
  readonly notes: { sessionKey: string; text: string; trusted: boolean }[] = [];
  readonly woken: string[] = [];
  readonly judged: Action[] = [];
  hasSandbox = true;
  verdict: Decision = ALLOW;
  config: Record<string, unknown> = {};
  env: Record<string, string | undefined> = { ...process.env };
  readonly processes: Processes;
  private readonly tools: Tool[];

  constructor(limits: Partial<Record<keyof typeof LIMITS, number>> = {}) {
    const bench = this;
    const all = { ...LIMITS, ...limits };
    const log = silentLogger;
    const clock = systemClock;
    this.processes = new Processes({ clock, log, limits: all });
    const config = {
      get current() {
        return { gateway: {}, ...bench.config };
      },
      get env() {
        return bench.env;
      },
      stateDir: this.stateDir,
    } as unknown as ConfigPort;
    const defender = {
      judge: async (action: Action) => {
        this.judged.push(action);
        return this.verdict;
      },
      screen: async () => ALLOW,
    };
    const completions = new Completions({
      notes: { add: async (sessionKey, text, { trusted }) => this.notes.push({ sessionKey, text, trusted }) },
      wake: (_, sessionKey) => this.woken.push(sessionKey),
      defender,
      log,
    });
    this.tools = execTools({
      processes: this.processes,
      nodeExec: new NodeExec({ nodes: NO_NODES, config, defender, approvals: NOBODY, clock, limits: all }),
      gatekeeper: new Gatekeeper({ defender, policy: OPEN, approvals: NOBODY, limits: all }),
      sandboxes: new Sandboxes({
        config,
        agents: { find: () => undefined },
        log,
        probe: (path) => (this.hasSandbox ? available(path) : Promise.resolve({ reason: "none is installed" })),
      }),
      completions,
      config,
      agents: { find: () => undefined },
      sessions: { find: async () => null },
      clock,
      env: () => this.env,
      limits: all,
    });
  }

  context(more: Partial<ToolContext> = {}): ToolContext {
    return ownerContext(this.workspace, more);
  }

  call(name: string, args: Record<string, unknown>, context: Partial<ToolContext> = {}): Promise<ToolResult> {
    const tool = this.tools.find((each) => each.name === name)!;
    return tool.run(args, this.context(context));
  }

  exec(command: string, args: Record<string, unknown> = {}, context: Partial<ToolContext> = {}): Promise<ToolResult> {
    return this.call("exec", { command, ...args }, context);
  }

  process(action: string, sessionId?: unknown, args: Record<string, unknown> = {}): Promise<ToolResult> {
    return this.call("process", { action, ...(sessionId !== undefined && { sessionId }), ...args });
  }

  /** Starts a command in the background and gives its session's name. */
  async begin(command: string, args: Record<string, unknown> = {}): Promise<string> {
    const { details } = await this.exec(command, { background: true, ...args });
    return details!.sessionId as string;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.processes.stop();
    rmSync(this.workspace, { recursive: true, force: true });
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

/** The words of a result. */
export const textOf = ({ content }: ToolResult): string =>
  content.map((part) => (part.type === "text" ? part.text : `[${part.mimeType}]`)).join("\n");

/** Waits until something is so; a test's own time bounds it. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await Bun.sleep(10);
}
