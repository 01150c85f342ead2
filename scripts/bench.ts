import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startModelServer } from "../src/parity/model-server.ts";
import { BenchClient, openWhenReady } from "./bench/client.ts";
import { hasHyperfine, measureCommands } from "./bench/commands.ts";
import * as measures from "./bench/measures.ts";
import { type BenchResult, benchTable, misses } from "./bench/report.ts";
import { bare, chela, type Running, type Subject, upstream, workFolder } from "./bench/subjects.ts";
import { measureChat, measureManyTurns } from "./bench/turns.ts";

const USAGE = `usage: bun run bench [--quick] [--strict] [--upstream DIR] [--binary PATH]
Measures the gateway beside a bare Bun server that answers the same frames and, with --upstream, beside the OpenClaw
installed in DIR/node_modules, one after the other on loopback. Writes out/bench/bench.md and out/bench/bench.json.
  --quick     a tenth of the work, to see whether everything runs
  --strict    end with 1 when a target is missed
  --binary    the executable to measure; without it dist/chela, built anew when the sources have changed`;

/** Sessions that are there when sessions.list is measured. */
const SESSIONS = 50;

const root = join(import.meta.dir, "..");

async function main(): Promise<number> {
  const { values: flags } = parseArgs({
    options: {
      quick: { type: "boolean" },
      strict: { type: "boolean" },
      upstream: { type: "string" },
      binary: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const out = join(root, "out", "bench");
  mkdirSync(out, { recursive: true });
  const folder = workFolder();
  const models = startModelServer({ remember: 0 });
  const result: BenchResult = {
    at: new Date().toISOString(),
    machine: { cpus: cpus().length, model: cpus()[0]?.model ?? "", kernel: release() },
    commit: await commit(),
    size: flags.quick ? "quick" : "full",
    measured: {},
    notes: hasHyperfine() ? [] : ["hyperfine is not installed: whole commands were not timed"],
  };
  try {
    const ours = chela(flags.binary ?? (await buildOurs()), folder, models.baseUrl);
    const answersFile = join(folder, "answers.json");
    writeFileSync(answersFile, JSON.stringify(await answersOf(ours)));
    const subjects = [ours, bare(await buildBare(folder), folder, answersFile, models.baseUrl)];
    if (flags.upstream) subjects.push(upstream(flags.upstream, folder, models.baseUrl));
    const size = flags.quick ? measures.QUICK : measures.FULL;
    for (const subject of subjects) result.measured[subject.name] = await measure(subject, size, folder, result.notes);
  } finally {
    await models.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return report(result, out, flags.strict === true);
}

/** What the gateway answers to the measured requests, for the bare server to say. */
async function answersOf(subject: Subject): Promise<Record<string, unknown>> {
  const running = await subject.start();
  try {
    const client = await openWhenReady(running.url, running.token);
    const answers: Record<string, unknown> = { connect: client.hello };
    await addSessions(client);
    for (const method of ["health", "sessions.list", "system-presence"]) answers[method] = await client.call(method);
    client.close();
    return answers;
  } finally {
    await running.stop();
  }
}

async function addSessions(client: BenchClient): Promise<void> {
  for (let index = 0; index < SESSIONS; index++) {
    await client.call("sessions.patch", { key: `agent:main:bench-${index}`, label: `Bench ${index}` });
  }
}

async function measure(
  subject: Subject,
  size: measures.Size,
  folder: string,
  notes: string[],
): Promise<measures.Values> {
  const values: measures.Values = {};
  const part = async (name: string, work: () => Promise<measures.Values>): Promise<void> => {
    console.log(`${subject.name}: ${name}`);
    try {
      Object.assign(values, await work());
    } catch (error) {
      notes.push(`${subject.name}, ${name}: ${error instanceof Error ? error.message : error}`);
    }
  };
  await part("start", () => measures.measureStart(subject, size));
  const running = await subject.start();
  try {
    await ready(running);
    await part("idle", () => measures.measureIdle(running, size, "idle"));
    await part("health", () => measures.measureMethod(running, size, "health"));
    const client = await BenchClient.open(running.url, running.token);
    await part("sessions", () => addSessions(client).then(() => ({})));
    client.close();
    await part("sessions.list", () => measures.measureMethod(running, size, "sessions.list"));
    await part("turns", () => measureChat(running, size));
    await part("many turns", () => measureManyTurns(running, size));
    await part("fan-out", () => measures.measureFanOut(running, size));
    await part("rest", () => measures.measureIdle(running, size, "rest"));
    if (hasHyperfine()) await part("commands", () => measureCommands(subject, running, folder));
  } finally {
    await running.stop();
  }
  return values;
}

async function ready({ url, token }: Running): Promise<void> {
  (await openWhenReady(url, token)).close();
}

/** The executable from the sources as they are. @throws Error when it cannot be built */
async function buildOurs(): Promise<string> {
  const command = [process.execPath, "scripts/build.ts", "--if-stale"];
  const child = Bun.spawn(command, { cwd: root, stdout: "inherit", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error("the executable could not be built");
  return join(root, "dist", "chela");
}

async function buildBare(folder: string): Promise<string> {
  const outfile = join(folder, "bare");
  const built = await Bun.build({
    entrypoints: [join(root, "scripts", "bench", "bare.ts")],
    target: "bun",
    format: "esm",
    minify: true,
    bytecode: true,
    compile: { outfile },
  });
  if (!built.success) throw new Error(built.logs.join("\n"));
  return outfile;
}

async function commit(): Promise<string> {
  const child = Bun.spawn(["git", "rev-parse", "--short", "HEAD"], { cwd: root, stdout: "pipe", stderr: "ignore" });
  return (await new Response(child.stdout).text()).trim();
}

function report(result: BenchResult, out: string, strict: boolean): number {
  const missed = misses(result);
  const { machine } = result;
  const text = [
    "# Bench",
    "",
    `${result.at}, commit ${result.commit}, ${result.size} size, ${machine.cpus} x ${machine.model}, Linux ${machine.kernel}`,
    "",
    benchTable(result),
    "",
    ...[...missed.map((line) => `Missed: ${line}`), ...result.notes].map((line) => `- ${line}`),
  ].join("\n");
  writeFileSync(join(out, "bench.md"), `${text.trimEnd()}\n`);
  writeFileSync(join(out, "bench.json"), `${JSON.stringify(result, null, 2)}\n`);
  console.log(`\n${text}`);
  return strict && (missed.length > 0 || result.notes.length > 0) ? 1 : 0;
}

if (import.meta.main) process.exit(await main());
