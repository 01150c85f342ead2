import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Everything that must hold before a change goes in, in one run: types, lint, format, generated files, tests, the build
 * and the built executable, and that none of it left anything behind in the tree. Ends with the line `N passed, N failed`.
 */

interface Outcome {
  passed: number;
  failed: number;
  /** What to show of a failure. */
  output?: string;
}

interface Check {
  name: string;
  /** Commands that must all end with 0. The first word `bun` is the running one. */
  commands: string[][];
  /** Scripts it cannot do without; where one is missing the check is left out and said so. */
  needs?: string;
  /** Reads the outcome from what was printed; by default the exit codes alone count. */
  read?(output: string, ok: boolean): Outcome;
}

/** How much of what a failed check printed is shown; the rest is in out/verify. */
const SHOWN_LINES = 120;

const CHECKS: readonly Check[] = [
  { name: "types", commands: [["bun", "check"]] },
  { name: "lint", commands: [biome("lint", "."), ["bun", "scripts/check-rooms.ts"]] },
  { name: "format", commands: [biome("format", ".")] },
  { name: "generated files", commands: [["bun", "scripts/generate.ts", "--check"]] },
  { name: "tests", commands: [["bun", "test"]], read: readTests },
  {
    name: "build",
    commands: [
      ["bun", "scripts/build.ts"],
      ["bun", "scripts/build.ts", "--check-reproducible"],
    ],
    needs: "scripts/build.ts",
  },
  { name: "built executable", commands: [["bun", "scripts/smoke.ts"]], needs: "scripts/smoke.ts" },
];

function biome(...args: string[]): string[] {
  return ["bun", "node_modules/@biomejs/biome/bin/biome", ...args];
}

/** Sums of a run of `bun test`. One that ends badly without a failed test (a file that cannot be loaded) counts as failed. */
export function readTests(output: string, ok: boolean): Outcome {
  const sum = (word: string): number => {
    const lines = [...output.matchAll(new RegExp(`^ *(\\d+) ${word}$`, "gm"))];
    return Number(lines.at(-1)?.[1] ?? 0);
  };
  const passed = sum("pass");
  const failed = sum("fail") + sum("error") + sum("errors");
  const lines = output.split("\n");
  const first = lines.findIndex((line) => /^error: |^\(fail\)/.test(line));
  return {
    passed,
    failed: failed === 0 && !ok ? 1 : failed,
    output: ok
      ? undefined
      : lines
          .slice(Math.max(0, first - 12))
          .slice(0, 200)
          .join("\n"),
  };
}

interface Ran {
  output: string;
  ok: boolean;
}

async function run(command: readonly string[], root: string, onLine: (line: string) => void): Promise<Ran> {
  const [program, ...args] = command;
  const child = Bun.spawn([program === "bun" ? process.execPath : program!, ...args], {
    cwd: root,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const texts = await Promise.all([child.stdout, child.stderr].map((stream) => collect(stream, onLine)));
  return { output: texts.filter(Boolean).join("\n"), ok: (await child.exited) === 0 };
}

async function collect(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let told = 0;
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n", told); end >= 0; end = text.indexOf("\n", told)) {
      onLine(text.slice(told, end));
      told = end + 1;
    }
  }
  return text.trimEnd();
}

async function perform(check: Check, root: string, tell: (text: string) => void): Promise<Outcome> {
  const outputs: string[] = [];
  let ok = true;
  let tests = 0;
  for (const command of check.commands) {
    const ran = await run(command, root, (line) => {
      if (/^\((pass|fail)\)/.test(line) && ++tests % 500 === 0) tell(`        ${tests} tests so far`);
    });
    outputs.push(ran.output);
    ok &&= ran.ok;
  }
  const output = outputs.join("\n");
  mkdirSync(join(root, "out", "verify"), { recursive: true });
  writeFileSync(join(root, "out", "verify", `${check.name.replaceAll(" ", "-")}.txt`), `${output}\n`);
  return check.read?.(output, ok) ?? { passed: Number(ok), failed: Number(!ok), output };
}

/** What git knows of the tree that is not committed; null outside of a checkout. */
async function treeState(root: string): Promise<string | null> {
  if (!existsSync(join(root, ".git")) || Bun.which("git") === null) return null;
  const status = await run(["git", "status", "--porcelain"], root, () => {});
  const diff = await run(["git", "diff", "HEAD"], root, () => {});
  return status.ok && diff.ok ? `${status.output}\n\0${diff.output}` : null;
}

/** Returns the exit code: 0 when nothing failed. */
export async function main(args: readonly string[], root: string): Promise<number> {
  const only = args.filter((arg) => !arg.startsWith("--"));
  const unknown = only.filter((name) => !CHECKS.some((check) => check.name === name));
  if (unknown.length > 0 || args.some((arg) => arg.startsWith("--"))) {
    console.error(`usage: bun scripts/verify.ts [CHECK ...]\nchecks: ${CHECKS.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  const tell = (text: string): void => console.log(text);
  const started = performance.now();
  const before = await treeState(root);
  const total: Outcome = { passed: 0, failed: 0 };
  for (const check of CHECKS) {
    if (only.length > 0 && !only.includes(check.name)) continue;
    if (check.needs && !existsSync(join(root, check.needs))) {
      tell(`  --    ${check.name}: left out, there is no ${check.needs}`);
      continue;
    }
    tell(`  ..    ${check.name}`);
    const from = performance.now();
    const { passed, failed, output } = await perform(check, root, tell);
    total.passed += passed;
    total.failed += failed;
    const counts = passed + failed > 1 ? `: ${passed} passed, ${failed} failed` : "";
    tell(
      `  ${failed === 0 ? "ok  " : "FAIL"}  ${check.name}${counts} (${((performance.now() - from) / 1000).toFixed(1)} s)`,
    );
    if (failed > 0 && output) tell(output.split("\n").slice(0, SHOWN_LINES).join("\n"));
  }
  const after = await treeState(root);
  if (before !== null && after !== null) {
    const clean = before === after;
    total.passed += Number(clean);
    total.failed += Number(!clean);
    tell(clean ? "  ok    tree as it was" : `  FAIL  something was left in the tree:\n${after.split("\0")[0]!.trim()}`);
  }
  tell(`Took ${((performance.now() - started) / 1000).toFixed(0)} s; what was printed is in out/verify.`);
  tell(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2), join(import.meta.dir, "..")));
