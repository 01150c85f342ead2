import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GateReport, renderDurations, renderMetrics, renderSummary, seconds } from "./report.ts";

/** What `scripts/gates/NAME.ts` exports as `gate`. */
export interface Gate {
  /** The file name without its ending. */
  name: string;
  /** One line for `--list` and the head of the summary. */
  summary: string;
  /** Does the work. The gate fails when this throws, or when any step or check has failed. */
  run(context: GateContext): Promise<void>;
}

/** What a gate is given to work with. */
export interface GateContext {
  /** The repository. */
  readonly root: string;
  /** `out/gates/NAME`, empty at the start; a gate may put files of its own there. */
  readonly out: string;
  /** What followed the name on the command line. */
  readonly args: readonly string[];
  /** Runs and times a part that the rest needs: a failure is recorded and ends the gate. */
  step<T>(name: string, work: () => T | Promise<T>): Promise<T>;
  /** Runs and times a part that stands alone: a failure is recorded and the gate goes on. Tells whether it passed. */
  check(name: string, work: () => unknown): Promise<boolean>;
  /** Notes a part that cannot be run here, and why. It counts neither as passed nor as failed. */
  skip(name: string, reason: string): void;
  /** Records a measured value; a later one of the same name replaces it. */
  metric(name: string, value: number, unit: string): void;
  /** Writes to the log, and to the terminal. */
  log(text: string): void;
  /**
   * Runs a command to its end in `root` with its output in the log alone.
   * @throws Error with the last lines of the output when it ends with another code than 0
   */
  exec(command: readonly string[], options?: ExecOptions): Promise<string>;
}

export interface ExecOptions {
  cwd?: string;
  /** Added to the environment; undefined removes a variable. */
  env?: Record<string, string | undefined>;
  /** Ends the command, with SIGTERM, after so many milliseconds. */
  timeoutMs?: number;
}

export interface GateRunOptions {
  root: string;
  args?: readonly string[];
  /** Where progress goes. */
  say?(line: string): void;
}

/** Runs a gate and writes its four files. Never throws for a failure of the gate itself. */
export async function runGate(gate: Gate, { root, args = [], say = () => {} }: GateRunOptions): Promise<GateReport> {
  const out = join(root, "out", "gates", gate.name);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const log = Bun.file(join(out, "log.txt")).writer();
  const started = performance.now();
  const report: GateReport = {
    gate: gate.name,
    summary: gate.summary,
    ok: false,
    startedAt: new Date().toISOString(),
    durationMs: 0,
    steps: [],
    metrics: {},
  };
  const write = (text: string): void => {
    log.write(`${new Date().toISOString()} ${text}\n`);
  };
  const tell = (text: string): void => {
    write(text);
    say(text);
  };
  const timed = async <T>(name: string, work: () => T | Promise<T>): Promise<T> => {
    const from = performance.now();
    const end = (outcome: "passed" | "failed", reason?: string): void => {
      const durationMs = performance.now() - from;
      report.steps.push({ name, outcome, durationMs, reason });
      tell(`${outcome.padEnd(7)} ${name} (${seconds(durationMs)})${reason ? `: ${reason}` : ""}`);
    };
    write(`begin   ${name}`);
    try {
      const result = await work();
      end("passed");
      return result;
    } catch (error) {
      end("failed", messageOf(error));
      if (error instanceof Error && error.stack) write(error.stack);
      throw error;
    }
  };
  const context: GateContext = {
    root,
    out,
    args,
    step: timed,
    check: (name, work) => timed(name, work).then(passed, failed),
    skip(name, reason) {
      report.steps.push({ name, outcome: "skipped", durationMs: 0, reason });
      tell(`skipped ${name}: ${reason}`);
    },
    metric(name, value, unit) {
      report.metrics[name] = { value, unit };
      tell(`metric  ${name} = ${value} ${unit}`);
    },
    log: tell,
    exec: (command, options) => exec(command, root, write, options),
  };
  try {
    await gate.run(context);
  } catch (error) {
    // A failed step has been recorded already; anything else that ends the gate is recorded as one.
    const reason = messageOf(error);
    if (!report.steps.some((step) => step.outcome === "failed" && step.reason === reason)) {
      report.steps.push({ name: "run", outcome: "failed", durationMs: 0, reason });
      tell(`failed  run: ${reason}`);
      if (error instanceof Error && error.stack) write(error.stack);
    }
  }
  report.durationMs = performance.now() - started;
  report.ok = report.steps.length > 0 && report.steps.every(({ outcome }) => outcome !== "failed");
  tell(`gate ${gate.name}: ${report.ok ? "passed" : "FAILED"} in ${seconds(report.durationMs)}`);
  await log.end();
  writeFileSync(join(out, "durations.tsv"), renderDurations(report));
  writeFileSync(join(out, "metrics.json"), renderMetrics(report));
  writeFileSync(join(out, "summary.md"), renderSummary(report));
  return report;
}

const passed = (): boolean => true;
const failed = (): boolean => false;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function exec(
  command: readonly string[],
  root: string,
  write: (text: string) => void,
  { cwd = root, env = {}, timeoutMs }: ExecOptions = {},
): Promise<string> {
  write(`run     ${command.join(" ")}`);
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: timeoutMs,
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  for (const text of [stdout, stderr]) if (text.trim()) write(text.trimEnd());
  if (code === 0) return stdout;
  const tail = `${stdout}\n${stderr}`.trim().split("\n").slice(-12).join("\n");
  throw new Error(`${command.join(" ")} ended with ${child.signalCode ?? code}\n${tail}`);
}
