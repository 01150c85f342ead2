import type { GateContext } from "../../gate/run.ts";
import type { Measure } from "./measure.ts";
import type { Stretch } from "./plan.ts";
import { lows, settled, slopeOf } from "./slope.ts";

/** What was measured between two starts of the gateway. */
export interface Window {
  samples: Measure[];
  ended: Stretch["signal"];
}

/** What is judged is the level to which memory comes down within so long: collections of garbage are less than a minute apart. */
const LOW_MS = 120_000;
/** Fewer lows say nothing of a slope. */
const FEWEST_LOWS = 5;
/**
 * MiB per hour. In an hour the load makes some 9,000 connections, 7,000 turns, 5,000 other writes and 40,000 reads: a
 * kilobyte leaked by each connection, turn and write would be 20. The level is uncertain by some MiB, so that growth is
 * what exceeds this by two standard errors.
 */
const FLAT_MIB_PER_HOUR = 5;
/** MiB, of the whole process at any measured moment. */
const MOST_MIB = 400;
/** Beyond what the clients' sockets take. */
const SPARE_DESCRIPTORS = 100;

export async function writeSeries(file: string, windows: readonly Window[]): Promise<void> {
  const columns = ["atMs", "rss", "anonymous", "descriptors", "threads", "database", "cpu"] as const;
  const rows = windows.flatMap(({ samples }, index) =>
    samples.map((sample) => [index, ...columns.map((column) => Number(sample[column].toFixed(2)))].join("\t")),
  );
  await Bun.write(file, `${[["window", ...columns].join("\t"), ...rows].join("\n")}\n`);
}

/** Judges memory, descriptors, threads and processor time, each as a check of the gate. */
export async function judge(
  { check, metric, skip, log }: GateContext,
  windows: readonly Window[],
  loadShare: number,
): Promise<void> {
  const all = windows.flatMap(({ samples }) => samples);
  const most = (field: keyof Measure): number => Math.max(...all.map((sample) => sample[field]));
  metric("memory.most", Number(most("rss").toFixed(1)), "MiB");
  metric("descriptors.most", most("descriptors"), "descriptors");
  metric("threads.most", most("threads"), "threads");
  metric("database.end", Number((all.at(-1)?.database ?? 0).toFixed(1)), "MiB");
  const spans = windows.map(({ samples }) => samples.slice(-1).map((last) => [last.cpu, last.atMs - samples[0]!.atMs]));
  const cpu = spans.flat().reduce((sum, [seconds]) => sum + seconds!, 0);
  const wall = spans.flat().reduce((sum, [, ms]) => sum + ms!, 0) / 1000;
  metric("cpu.gateway", Math.round((cpu / wall) * 100), "% of a core");
  metric("cpu.load", Math.round(loadShare * 100), "% of a core");
  let judged = 0;
  for (const [index, { samples }] of windows.entries()) {
    const rest = settled(samples).map(({ atMs, anonymous }) => ({ atMs, value: anonymous }));
    const levels = lows(rest, LOW_MS);
    const slope = slopeOf(levels);
    if (slope === null || levels.length < FEWEST_LOWS) continue;
    judged++;
    metric(`memory.level.${index}`, Number((levels.at(-1)?.value ?? 0).toFixed(1)), "MiB");
    metric(`memory.slope.${index}`, Number(slope.perHour.toFixed(2)), "MiB per hour");
    metric(`memory.slope-error.${index}`, Number(slope.error.toFixed(2)), "MiB per hour");
    await check(`memory is flat in stretch ${index}`, () => {
      log(`levels of ${levels.length} times two minutes: ${levels.map(({ value }) => value.toFixed(1)).join(" ")}`);
      if (slope.perHour - 2 * slope.error > FLAT_MIB_PER_HOUR)
        throw new Error(`it grows by ${slope.perHour.toFixed(1)} MiB per hour`);
    });
  }
  if (judged === 0) skip("memory is flat", "no stretch was long enough to tell");
  await check("memory, descriptors and threads are bounded", () => {
    if (most("rss") > MOST_MIB) throw new Error(`${most("rss").toFixed(0)} MiB`);
    const clients = windows.flatMap(({ samples }) => samples.map(({ descriptors }) => descriptors));
    const last = clients.at(-1) ?? 0;
    if (most("descriptors") > last + SPARE_DESCRIPTORS) throw new Error(`${most("descriptors")} descriptors`);
    if (most("threads") > 64) throw new Error(`${most("threads")} threads`);
  });
}
