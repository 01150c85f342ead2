import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { GatewayHome, GatewayProcess } from "../../src/parity/gateway-process.ts";
import { databaseProblems } from "../../src/parity/kill/verify.ts";
import { startModelServer } from "../../src/parity/model-server.ts";
import type { Gate, GateContext } from "../gate/run.ts";
import { LoadProcess } from "./soak/load-process.ts";
import { measure } from "./soak/measure.ts";
import { plan } from "./soak/plan.ts";
import { judge, type Window, writeSeries } from "./soak/windows.ts";

const USAGE = `arguments of the gate:
  --minutes N    how long the load lasts, 60 unless told
  --clients N    sockets that are open at the same time, 500 unless told
  --seed N       of the load's chances
  --binary PATH  the executable, dist/chela unless told`;

/** Between two measurements; each holds the load for so long before, that garbage is collected and memory given back. */
const SAMPLE_MS = 20_000;
const QUIET_MS = 3000;

export const gate: Gate = {
  name: "soak",
  summary:
    "Hundreds of clients, churn, slow readers, restarts and kills: nothing acknowledged is lost, memory stays flat",
  async run(context) {
    const options = parse(context.args);
    const command = [await executable(context, options.binary)];
    const models = startModelServer({ remember: 0 });
    using home = new GatewayHome(models.baseUrl);
    try {
      await soak(context, command, home, options);
    } finally {
      await models.close();
    }
  },
};

interface Options {
  minutes: number;
  clients: number;
  seed: number;
  binary?: string;
}

function parse(args: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: "string", default: "60" },
        clients: { type: "string", default: "500" },
        seed: { type: "string", default: String(Date.now() % 1_000_000) },
        binary: { type: "string" },
      },
    });
    const { minutes, clients, seed, binary } = values;
    return { minutes: Number(minutes), clients: Number(clients), seed: Number(seed), binary };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${USAGE}`);
  }
}

async function executable({ root, step, exec }: GateContext, path: string | undefined): Promise<string> {
  if (path !== undefined) return path;
  await step("build", () => exec([process.execPath, "scripts/build.ts", "--if-stale"]));
  return join(root, "dist", "chela");
}

async function soak(
  context: GateContext,
  command: readonly string[],
  home: GatewayHome,
  { minutes, clients, seed }: Options,
): Promise<void> {
  const { step, check, metric, log, out } = context;
  mkdirSync(out, { recursive: true });
  log(`seed ${seed}`);
  let gateway = await step("start", () => GatewayProcess.start(command, home));
  const load = LoadProcess.start(home, { clients, seed, ledger: join(out, "ledger.json") });
  const windows: Window[] = [];
  const broken: string[] = [];
  try {
    await step(`${minutes} minutes of load with ${clients} clients`, async () => {
      const begun = Date.now();
      for (const { untilMs, signal } of plan(minutes * 60_000)) {
        const window: Window = { samples: [], ended: signal };
        windows.push(window);
        await sampleUntil(begun + untilMs, gateway, home, load, window, log);
        log(`${signal} after ${Math.round((Date.now() - begun) / 1000)} s; ${load.summary()}`);
        if (signal === "end") break;
        const code = await gateway.end(signal);
        if (signal === "SIGTERM" && code !== 0) broken.push(`the gateway ended with ${code} after SIGTERM`);
        broken.push(...databaseProblems(home.stateDir));
        gateway = await GatewayProcess.start(command, home);
      }
      await load.stop();
    });
    await check("every acknowledged write is there once, before and after a restart", async () => {
      const first = await load.verify();
      await gateway.end();
      gateway = await GatewayProcess.start(command, home);
      const second = await load.verify();
      metric("writes.acknowledged", load.acknowledged, "writes");
      metric("writes.checked", second.checked, "things");
      metric("writes.broken", first.problems.length + second.problems.length, "promises");
      none([...first.problems, ...second.problems, ...broken]);
    });
    await check("nothing was refused or kept that should not be", () =>
      none(load.problems.map(([text, times]) => `${text} (${times} times)`)),
    );
    for (const [name, count] of Object.entries(load.counts))
      metric(`load.${name.replaceAll(" ", "-")}`, count, "times");
    await writeSeries(join(out, "samples.tsv"), windows);
    metric("ends", windows.length - 1, "restarts and kills");
    await judge(context, windows, load.cpuShare());
  } finally {
    await load.end();
    await gateway.end();
    await Bun.write(join(out, "gateway-output.log"), gateway.output());
  }
}

async function sampleUntil(
  endMs: number,
  { pid }: GatewayProcess,
  { stateDir }: GatewayHome,
  load: LoadProcess,
  { samples }: Window,
  log: (text: string) => void,
): Promise<void> {
  for (;;) {
    const rest = endMs - Date.now();
    if (rest <= 0) return;
    await Bun.sleep(Math.min(rest, SAMPLE_MS - QUIET_MS));
    if (endMs - Date.now() < QUIET_MS) continue;
    load.hold(true);
    await Bun.sleep(QUIET_MS);
    const sample = measure(pid, stateDir);
    samples.push(sample);
    load.hold(false);
    const { rss, anonymous, descriptors, threads, database, cpu } = sample;
    log(
      `rss ${rss.toFixed(1)} MiB, anonymous ${anonymous.toFixed(1)}, ${descriptors} descriptors, ${threads} threads, ` +
        `database ${database.toFixed(1)} MiB, cpu ${cpu.toFixed(1)} s; ${load.summary()}`,
    );
  }
}

function none(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(`${problems.length}: ${problems.slice(0, 30).join("; ")}`);
}
