import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import type { Action, Decision } from "../../defender/types.ts";
import { ownerContext } from "../testing.ts";
import type { Tool, ToolContext, ToolResult } from "../types.ts";
import { fileTools } from "./create.ts";

/** A workspace in a folder of its own, with something outside to reach for, and the file tools. */
export class ToolBench implements Disposable {
  readonly base = realpathSync(mkdtempSync(join(tmpdir(), "chela-files-")));
  readonly workspace = join(this.base, "workspace");
  readonly outside = join(this.base, "outside");
  readonly judged: Action[] = [];
  decision: Decision = { verdict: "allow", score: 0, findings: [] };
  tools: Record<string, unknown> = {};
  /** Called once, when the defender is asked. */
  onJudge: (() => void) | undefined;
  context: ToolContext;

  constructor(files: Readonly<Record<string, string | Uint8Array>> = {}) {
    mkdirSync(this.workspace);
    mkdirSync(this.outside);
    writeFileSync(join(this.outside, "secret.txt"), "secret\n");
    for (const [path, content] of Object.entries(files)) this.put(path, content);
    this.context = ownerContext(this.workspace);
  }

  /** Calls a tool as the host does, after its check of the arguments. */
  run(name: string, args: Record<string, unknown>): Promise<ToolResult> {
    return this.tool(name).run(args, this.context);
  }

  isOffered(name: string, tools: Record<string, unknown>): boolean {
    this.tools = tools;
    const subject = { agentId: "main", sessionKey: "", isOwner: true, isSandboxed: false, subagentDepth: 0 };
    return this.tool(name).isAvailable?.({ ...subject, provider: "mock", model: "mock-1" }) ?? true;
  }

  private tool(name: string): Tool {
    const tools = fileTools({
      config: { current: { tools: this.tools } } as never,
      agents: { find: () => undefined },
      defender: {
        judge: async (action) => {
          this.judged.push(action);
          const { onJudge } = this;
          this.onJudge = undefined;
          onJudge?.();
          return this.decision;
        },
      },
      limits: LIMITS,
    });
    return tools.find((tool) => tool.name === name)!;
  }

  /** The text that the model gets. */
  async text(name: string, args: Record<string, unknown>): Promise<string> {
    const { content } = await this.run(name, args);
    return content[0]?.type === "text" ? content[0].text : "";
  }

  patch(...lines: string[]): Promise<string> {
    return this.text("apply_patch", { input: ["*** Begin Patch", ...lines, "*** End Patch"].join("\n") });
  }

  put(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content);
  }

  get(path: string): string {
    return readFileSync(this.at(path), "utf8");
  }

  at(path: string): string {
    return join(this.workspace, path);
  }

  [Symbol.dispose](): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}
