import { join } from "node:path";
import type { Values } from "./measures.ts";
import type { Running, Subject } from "./subjects.ts";

/** True where the tool that times whole commands is installed. */
export const hasHyperfine = (): boolean => Bun.which("hyperfine") !== null;

/** The commands that are timed, by the name of their value. */
const COMMANDS: Readonly<Record<string, string>> = { "command.version": "--version", "command.health": "health" };

/**
 * Times whole commands with hyperfine, from the start of the process to its end, in milliseconds (the mean).
 * `health` asks the running server. The bare executable knows only `--version`.
 */
export async function measureCommands({ name, cli }: Subject, running: Running, folder: string): Promise<Values> {
  const values: Values = {};
  for (const [key, command] of Object.entries(COMMANDS)) {
    if (name === "bare" && key !== "command.version") continue;
    const output = join(folder, `${name}-${key}.json`);
    const runs = running.slowdown > 1 ? ["--warmup", "1", "--runs", "3"] : ["--warmup", "3", "--min-runs", "20"];
    const line = [...cli, command].map((word) => `'${word}'`).join(" ");
    const child = Bun.spawn(["hyperfine", "--shell=none", ...runs, "--export-json", output, line], {
      env: running.env,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const [code, errors] = await Promise.all([child.exited, new Response(child.stderr).text()]);
    if (code !== 0) throw new Error(`${line}: ${errors.trim()}`);
    const { results } = (await Bun.file(output).json()) as { results: { mean: number }[] };
    values[key] = results[0]!.mean * 1000;
  }
  return values;
}
