import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import type { ConfigPort } from "../../config/types.ts";
import { silentLogger } from "../../platform/logger.ts";
import { textOf } from "../exec/testing.ts";
import { fileTools } from "../files/create.ts";
import { ownerContext } from "../testing.ts";
import { Sandboxes } from "./sandboxes.ts";

/** The file tools of a session in a sandbox. */
class Bench implements Disposable {
  readonly base = realpathSync(mkdtempSync(join(tmpdir(), "chela-sandbox-")));
  readonly workspace = mkdtempSync(join(this.base, "work-"));
  private readonly tools;

  constructor(sandbox: object) {
    const config = {
      current: { agents: { defaults: { sandbox: { mode: "all", ...sandbox } } } },
      stateDir: join(this.base, "state"),
    } as unknown as ConfigPort;
    const agents = { find: () => undefined };
    const sandboxes = new Sandboxes({ config, agents, log: silentLogger });
    const defender = { judge: async () => ({ verdict: "allow" as const, score: 0, findings: [] }) };
    this.tools = fileTools({ config, agents, defender, limits: LIMITS, sandboxes });
  }

  isOffered(name: string): boolean {
    const subject = { agentId: "main", sessionKey: "s", isOwner: true, isSandboxed: true, subagentDepth: 0 };
    return this.tools.find((each) => each.name === name)!.isAvailable?.(subject) ?? true;
  }

  async call(name: string, args: Record<string, unknown>): Promise<string> {
    const tool = this.tools.find((each) => each.name === name)!;
    const result = await tool.run(args, ownerContext(this.workspace, { isSandboxed: true }));
    return textOf(result);
  }

  [Symbol.dispose](): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}

test("file tools are where commands of the sandbox are, by the paths that these know", async () => {
  using bench = new Bench({});
  writeFileSync(join(bench.workspace, "own.txt"), "mine");
  await bench.call("write", { path: "/workspace/a.txt", content: "one" });
  expect(await bench.call("read", { path: "a.txt" })).toContain("one");
  expect(existsSync(join(bench.workspace, "a.txt"))).toBe(false);
  for (const path of [join(bench.workspace, "own.txt"), "/etc/passwd", "../own.txt", "/workspace/../own.txt"]) {
    await expect(bench.call("read", { path })).rejects.toThrow("escapes sandbox root (/workspace)");
  }
  await expect(bench.call("read", { path: "/workspace/none" })).rejects.toThrow("File not found: /workspace/none.");
});

test("with the workspace shared they change it", async () => {
  using bench = new Bench({ workspaceAccess: "rw" });
  await bench.call("write", { path: "/workspace/a.txt", content: "one" });
  expect(readFileSync(join(bench.workspace, "a.txt"), "utf8")).toBe("one");
});

test("with the workspace to be read they write nothing and are not offered", async () => {
  using bench = new Bench({ workspaceAccess: "ro" });
  writeFileSync(join(bench.workspace, "own.txt"), "mine");
  expect(await bench.call("read", { path: "/agent/own.txt" })).toContain("mine");
  expect(["ls", "read", "write", "edit", "apply_patch"].filter((name) => bench.isOffered(name))).toEqual([
    "ls",
    "read",
  ]);
});

test("86: a bind that may not be leaves them nothing", async () => {
  using bench = new Bench({ docker: { binds: ["/var/run/docker.sock:/sock"] } });
  await expect(bench.call("read", { path: "a" })).rejects.toThrow("is refused");
});
