import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Gate, runGate } from "./gate/run.ts";

const USAGE = `usage: bun run gate NAME [ARGS]
       bun run gate --list
Runs the gate scripts/gates/NAME.ts and writes log.txt, durations.tsv, metrics.json and summary.md to out/gates/NAME.`;

/** Names of the gates in a folder, sorted. Tests and files that start with `_` are none. */
export function gateNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => /^[a-z][\w-]*\.ts$/.test(file))
    .map((file) => file.slice(0, -".ts".length))
    .sort();
}

async function load(folder: string, name: string): Promise<Gate> {
  const module = (await import(join(folder, `${name}.ts`))) as { gate?: Gate };
  if (module.gate?.name !== name) throw new Error(`scripts/gates/${name}.ts must export a gate of the name ${name}`);
  return module.gate;
}

/** Returns the exit code: 0 the gate passed, 1 it failed, 2 wrong use. */
export async function main(args: readonly string[], root: string): Promise<number> {
  const folder = join(root, "scripts", "gates");
  const names = gateNames(folder);
  const [name, ...rest] = args;
  if (name === "--list") {
    for (const each of names) console.log(`${each.padEnd(12)} ${(await load(folder, each)).summary}`);
    return 0;
  }
  if (name === undefined || !names.includes(name)) {
    console.error(name === undefined ? USAGE : `no gate ${name}; there are: ${names.join(", ") || "none"}`);
    return 2;
  }
  const report = await runGate(await load(folder, name), { root, args: rest, say: (line) => console.log(line) });
  return report.ok ? 0 : 1;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2), join(import.meta.dir, "..")));
