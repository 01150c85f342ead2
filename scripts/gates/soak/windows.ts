import type { GateContext } from "../../gate/run.ts";
import type { Measure } from "./measure.ts";
import type { Stretch } from "./plan.ts";
import { settled, slopeOf } from "./slope.ts";

/** What was measured between two starts of the gateway. */
export interface Window {
  samples: Measure[];
  ended: Stretch["signal"];
}

/** Fewer settled samples say nothing of a slope. */
const FEWEST_SAMPLES = 20;
/**
 * MiB per hour. The load makes some 10,000 connections and 5,000 turns an hour: one leaked kilobyte each would be 15.
 * A slope counts as growth when even its lower bound, two standard errors below, is above this.
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
    const rest = settled(samples);
    const slope = slopeOf(rest.map(({ atMs, anonymous }) => ({ atMs, value: anonymous })));
    if (slope === null || rest.length < FEWEST_SAMPLES) continue;
    judged++;
    metric(`memory.slope.${index}`, Number(slope.perHour.toFixed(2)), "MiB per hour");
    metric(`memory.slope-error.${index}`, Number(slope.error.toFixed(2)), "MiB per hour");
    await check(`memory is flat in stretch ${index}`, () => {
      const least = slope.perHour - 2 * slope.error;
      log(`${slope.samples} samples: ${slope.perHour.toFixed(2)} ± ${(2 * slope.error).toFixed(2)} MiB per hour`);
      if (least > FLAT_MIB_PER_HOUR) throw new Error(`it grows by ${slope.perHour.toFixed(1)} MiB per hour`);
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
