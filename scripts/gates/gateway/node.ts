import { join } from "node:path";
import type { CheckTarget } from "../../../src/parity/official-checks.ts";
import type { GateContext } from "../../gate/run.ts";

/** The first Node that strips types by itself; what Bun puts in its place under that name is none. */
const OLDEST_NODE = [22, 18];

/** The Node on the path, when it is new enough; CHELA_NODE names another. */
export async function findNode(): Promise<string | null> {
  const node = process.env.CHELA_NODE ?? Bun.which("node");
  if (node === null) return null;
  const script = "console.log(process.versions.bun ? '' : process.versions.node)";
  const child = Bun.spawn([node, "-e", script], { stdout: "pipe", stderr: "ignore" });
  const [major = 0, minor = 0] = (await new Response(child.stdout).text()).trim().split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE as [number, number];
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor) ? node : null;
}

/** Runs the official client's checks in a process of Node, restarts the gateway when it asks for it, and records each. */
export async function runUnderNode(
  { root, check, log }: GateContext,
  node: string,
  target: CheckTarget,
): Promise<void> {
  const script = join(root, "scripts", "gates", "gateway", "official-node.ts");
  const child = Bun.spawn([node, script, target.url, target.token], {
    cwd: root,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const errors = new Response(child.stderr).text();
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) await handle(line);
  }
  const noise = (await errors).trim();
  if (noise !== "") log(noise);
  await check("official client under Node: all checks ran", async () => {
    const code = await child.exited;
    if (code !== 0) throw new Error(`exit code ${code}`);
  });

  async function handle(line: string): Promise<void> {
    const [, failed, name, reason] = /^(not )?ok ([^:]+)(?:: (.*))?$/.exec(line) ?? [];
    if (name !== undefined) {
      await check(`official client under Node: ${name}`, () => {
        if (failed) throw new Error(reason);
      });
    } else if (line === "restart") {
      await target.restart();
      child.stdin.write("done\n");
      await child.stdin.flush();
    } else log(line);
  }
}
