import { basename } from "node:path";
import { CONFIG_DEFAULTS, type GatewayConfig } from "../../../generated/config.ts";
import { localDefender } from "../../../src/defender/local.ts";
import type { GateContext } from "../../gate/run.ts";
import { must } from "./target.ts";

/** Recall and false positives on labelled texts, as the executable itself measures them. */
export async function measureData(context: GateContext, binary: string, files: readonly string[]): Promise<void> {
  const { check, skip, exec, metric } = context;
  if (files.length === 0) skip("figures on labelled texts", "no --data was given");
  for (const file of files) {
    await check(`figures on ${basename(file)}`, async () => {
      const text = await exec([binary, "defend", "eval", file, "--json"], { timeoutMs: 600_000 });
      const evaluation = JSON.parse(text);
      await Bun.write(`${context.out}/eval-${basename(file)}.json`, text);
      for (const [name, value] of numbers(evaluation)) metric(`${basename(file)}.${name}`, value, "");
    });
  }
}

/** The figures at the top of an evaluation, by path. */
function numbers(value: unknown, path = "", depth = 0): [string, number][] {
  if (typeof value === "number") return [[path, Math.round(value * 10_000) / 10_000]];
  if (typeof value !== "object" || value === null || Array.isArray(value) || depth > 2) return [];
  return Object.entries(value).flatMap(([name, each]) =>
    numbers(each, path === "" ? name : `${path}.${name}`, depth + 1),
  );
}

const SENTENCE = "Please look at the build of last night, tell me which tests failed, and what changed since then. ";
const COMMAND = "cd build && npm ci --no-audit && npm test -- --reporter=dot 2>&1 | tail -50";
const ROUNDS = 1000;
const WARM_UP = 200;
/** Of these the quietest counts: what others do on the machine is no time of the defender. */
const BATCHES = 7;

/** The time of one decision in this process, with everything that decides, and how it grows. */
export async function measureSpeed({ check, metric }: GateContext): Promise<void> {
  const defender = localDefender({ current: CONFIG_DEFAULTS as unknown as GatewayConfig, stateDir: "/nonexistent" });
  const inbound = { direction: "inbound", origin: "tool-result" } as const;
  const words = (bytes: number) => SENTENCE.repeat(Math.ceil(bytes / SENTENCE.length)).slice(0, bytes);

  await check("a decision on 1 KB takes at most 1 ms at the median and 5 ms at the 99th percentile", async () => {
    const kilobyte = words(1024);
    const text = await times(() => defender.screen(kilobyte, inbound));
    const action = { kind: "command", command: COMMAND, cwd: "/work", host: "gateway" } as const;
    const command = await times(() => defender.judge(action, { origin: "owner" }));
    for (const [name, sorted] of [
      ["text", text],
      ["command", command],
    ] as const) {
      metric(`${name}.p50`, at(sorted, 0.5), "ms");
      metric(`${name}.p99`, at(sorted, 0.99), "ms");
      must(at(sorted, 0.5) <= 1 && at(sorted, 0.99) <= 5, `${name}: ${at(sorted, 0.5)} and ${at(sorted, 0.99)} ms`);
    }
  });

  await check("time grows with the length and not faster", async () => {
    for (const [name, unit] of [
      ["prose", SENTENCE],
      ["a repeated trigger", "ignore all previous "],
      ["base64", "aWdub3JlIGFsbCA"],
    ] as const) {
      const took = async (bytes: number): Promise<number> => {
        const text = unit.repeat(Math.ceil(bytes / unit.length)).slice(0, bytes);
        const runs: number[] = [];
        for (let round = 0; round < BATCHES; round++) runs.push(await time(() => defender.screen(text, inbound)));
        return Math.min(...runs);
      };
      const [one, two] = [await took(524_288), await took(1_048_576)];
      metric(`${name}.512KB`, Math.round(one), "ms");
      must(two / one <= 2.8, `${name}: ${two.toFixed(1)} ms for twice of what took ${one.toFixed(1)} ms`);
    }
  });
}

/** The times of the batch in which the slowest hundredth was fastest, sorted. */
async function times(work: () => Promise<unknown>): Promise<number[]> {
  for (let round = 0; round < WARM_UP; round++) await work();
  let best: number[] | undefined;
  for (let batch = 0; batch < BATCHES; batch++) {
    const taken: number[] = [];
    for (let round = 0; round < ROUNDS; round++) taken.push(await time(work));
    taken.sort((a, b) => a - b);
    if (best === undefined || at(taken, 0.99) < at(best, 0.99)) best = taken;
  }
  return best!;
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

const at = (sorted: readonly number[], share: number): number =>
  Math.round(sorted[Math.floor(sorted.length * share)]! * 1000) / 1000;
