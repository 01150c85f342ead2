import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readCases, readRecords } from "../../src/parity/cases.ts";
import type { Target } from "../../src/parity/connection.ts";
import { GatewayHome, GatewayProcess } from "../../src/parity/gateway-process.ts";
import { killRounds } from "../../src/parity/kill/kill.ts";
import { startModelServer } from "../../src/parity/model-server.ts";
import { OFFICIAL_CHECKS } from "../../src/parity/official-checks.ts";
import { type CaseResult, replay } from "../../src/parity/replay.ts";
import { exceptionsUsed, failures, skipReasons, summaryTable, tally } from "../../src/parity/report.ts";
import { readExceptions } from "../../src/parity/scope.ts";
import type { Gate, GateContext } from "../gate/run.ts";
import { findNode, runUnderNode } from "./gateway/node.ts";

const USAGE = `arguments of the gate:
  --url URL --token TOKEN   replay against a gateway that runs already, and nothing else
  --upstream                that gateway is an upstream one: compare the methods that are planned here, too
  --binary PATH             the executable, dist/chela unless told
  --rounds N --seed N       kills of the durability check
  --values, --messages      compare values and words too, not only shapes`;

export const gate: Gate = {
  name: "gateway",
  summary: "Recorded upstream exchanges, the official client and kill -9 against the built executable",
  async run(context) {
    const options = parse(context.args);
    if (options.url !== undefined) {
      const target = { url: options.url, token: options.token ?? "" };
      await context.step("recorded exchanges", () => replayAll(context, target, options));
      return;
    }
    const command = [await executable(context, options.binary)];
    await withGateway(context, command, async (home) => {
      await context.check("recorded exchanges", () => replayAll(context, home, options));
    });
    await withGateway(context, command, (home, restart) => officialClient(context, home, restart));
    await context.check("acknowledged writes survive kill -9", () => killTest(context, command, options));
  },
};

type Options = ReturnType<typeof parse>;

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        url: { type: "string" },
        token: { type: "string" },
        upstream: { type: "boolean", default: false },
        binary: { type: "string" },
        rounds: { type: "string", default: "20" },
        seed: { type: "string", default: String(Date.now() % 1_000_000) },
        values: { type: "boolean", default: false },
        messages: { type: "boolean", default: false },
      },
    });
    return values;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${USAGE}`);
  }
}

async function executable({ root, step, exec }: GateContext, path: string | undefined): Promise<string> {
  if (path !== undefined) return path;
  await step("build", () => exec([process.execPath, "scripts/build.ts", "--if-stale"]));
  return join(root, "dist", "chela");
}

/** Runs the work beside a gateway with a state of its own and a model server behind it. */
async function withGateway(
  { step, out }: GateContext,
  command: readonly string[],
  work: (home: GatewayHome, restart: () => Promise<void>) => Promise<unknown>,
): Promise<void> {
  const models = startModelServer({ remember: 0 });
  using home = new GatewayHome(models.baseUrl);
  let gateway = await step("start", () => GatewayProcess.start(command, home));
  try {
    await work(home, async () => {
      await gateway.end();
      gateway = await GatewayProcess.start(command, home);
    });
  } finally {
    await gateway.end();
    mkdirSync(out, { recursive: true });
    await Bun.write(join(out, "gateway-output.log"), gateway.output());
    await models.close();
  }
}

async function replayAll(context: GateContext, target: Target, { values, messages, upstream }: Options): Promise<void> {
  const cases = await readCases();
  const results = await replay({
    target,
    cases,
    ...(upstream && { implemented: new Set(cases.flatMap(({ method }) => method ?? [])) }),
    records: await readRecords(),
    exceptions: await readExceptions(),
    compare: { values, messages },
  });
  await report(context, results);
}

async function report({ metric, log, out }: GateContext, results: readonly CaseResult[]): Promise<void> {
  const counts = tally(results);
  for (const [name, value] of Object.entries(counts)) metric(`recorded.${name}`, value, "cases");
  const table = summaryTable(results);
  const skips = skipReasons(results).map((line) => `- ${line}`);
  const allowed = exceptionsUsed(results).map((line) => `- ${line}`);
  const differing = failures(results).map((text) => `\`\`\`\n${text}\n\`\`\``);
  await Bun.write(
    join(out, "recorded-exchanges.md"),
    [
      table,
      "",
      "## Excepted",
      "",
      ...allowed,
      "",
      "## Skipped",
      "",
      ...skips,
      "",
      "## Failed",
      "",
      ...differing,
      "",
    ].join("\n"),
  );
  log([table, ...allowed, ...skips].join("\n"));
  for (const text of failures(results)) log(text);
  if (counts.failed > 0) throw new Error(`${counts.failed} of ${counts.cases} cases did not do what was asked of them`);
}

async function officialClient(
  context: GateContext,
  { url, token }: GatewayHome,
  restart: () => Promise<void>,
): Promise<void> {
  for (const [name, check] of Object.entries(OFFICIAL_CHECKS)) {
    await context.check(`official client under Bun: ${name}`, () => check({ url, token, restart }));
  }
  const node = await findNode();
  if (node === null) {
    context.skip("official client under Node", "there is no Node 22.18 or newer here");
    return;
  }
  await runUnderNode(context, node, { url, token, restart });
}

async function killTest({ metric, log }: GateContext, command: readonly string[], options: Options): Promise<void> {
  const seed = Number(options.seed);
  log(`seed ${seed}`);
  const { rounds, acknowledged, problems } = await killRounds({
    command,
    rounds: Number(options.rounds),
    seed,
    progress: log,
  });
  metric("kill.rounds", rounds, "kills");
  metric("kill.acknowledged", acknowledged, "writes");
  metric("kill.broken", problems.length, "promises");
  if (problems.length > 0) throw new Error(`seed ${seed}: ${problems.slice(0, 20).join("; ")}`);
}
