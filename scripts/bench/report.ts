import type { Subject } from "./subjects.ts";

export interface Metric {
  /** The name of the value. */
  key: string;
  label: string;
  unit: "ms" | "MiB" | "µs" | "/s";
  /** More is better; otherwise less is. */
  more?: boolean;
  /** What has to be reached: a bound of the value itself, or of its multiple of the bare server's. */
  target?: { value: number } | { timesBare: number };
}

const method = (name: string, target?: Metric["target"]): Metric[] => [
  { key: `${name}.cpu`, label: `${name}, processor time`, unit: "µs", target },
  { key: `${name}.rate`, label: `${name}, throughput`, unit: "/s", more: true },
  { key: `${name}.p50`, label: `${name}, latency p50`, unit: "ms" },
  { key: `${name}.p95`, label: `${name}, latency p95`, unit: "ms" },
  { key: `${name}.p99`, label: `${name}, latency p99`, unit: "ms" },
];

/** Everything that is measured, in the order of the table. */
export const METRICS: readonly Metric[] = [
  { key: "start.hello", label: "start to first hello, median", unit: "ms", target: { value: 100 } },
  { key: "start.hello.least", label: "start to first hello, least", unit: "ms" },
  { key: "idle.rss", label: "idle memory, resident", unit: "MiB", target: { value: 60 } },
  { key: "idle.pss", label: "idle memory, proportional", unit: "MiB" },
  ...method("health", { timesBare: 3 }),
  ...method("sessions.list"),
  { key: "chat.accepted", label: "chat.send to its acceptance", unit: "ms" },
  { key: "chat.completed", label: "chat.send to final, median", unit: "ms" },
  { key: "chat.completed.p95", label: "chat.send to final, p95", unit: "ms" },
  { key: "chat.rate", label: "turns on one connection", unit: "/s", more: true, target: { value: 20 } },
  { key: "chat.cpu", label: "turn, processor time, first hundred", unit: "ms" },
  { key: "turns.cpu", label: "turn, processor time, 50 messages", unit: "ms", target: { value: 3 } },
  { key: "turns.rate", label: "turns, eight at a time", unit: "/s", more: true, target: { value: 100 } },
  { key: "turns.growth", label: "memory gained over 800 turns", unit: "MiB" },
  { key: "fanout.last", label: "event to 200 clients, the last one", unit: "ms" },
  { key: "fanout.last.p95", label: "event to 200 clients, p95", unit: "ms" },
  { key: "fanout.cpu", label: "event to 200 clients, processor time", unit: "ms" },
  { key: "fanout.rss", label: "memory with 200 clients", unit: "MiB" },
  { key: "rest.rss", label: "memory at rest after all this, resident", unit: "MiB" },
  { key: "command.version", label: "command --version", unit: "ms" },
  { key: "command.health", label: "command health", unit: "ms" },
];

export type Measured = Partial<Record<Subject["name"], Record<string, number>>>;

export interface BenchResult {
  at: string;
  machine: { cpus: number; model: string; kernel: string };
  commit: string;
  size: "full" | "quick";
  measured: Measured;
  /** What could not be measured, and why. */
  notes: string[];
}

/** Whether a target is met; null where there is none or nothing was measured. */
export function meets({ key, target, more = false }: Metric, { chela, bare }: Measured): boolean | null {
  const value = chela?.[key];
  if (target === undefined || value === undefined) return null;
  if ("value" in target) return more ? value >= target.value : value <= target.value;
  const base = bare?.[key];
  return base === undefined ? null : value <= base * target.timesBare;
}

/** The targets that were missed, a line each. */
export function misses(result: BenchResult): string[] {
  return METRICS.filter((metric) => meets(metric, result.measured) === false).map(
    (metric) =>
      `${metric.label}: ${figure(result.measured.chela?.[metric.key])} ${metric.unit}, target ${goal(metric)}`,
  );
}

/** A Markdown table: our figure, how many times the bare server's it is, and how many times better than upstream's. */
export function benchTable({ measured }: BenchResult): string {
  const { chela, bare, upstream } = measured;
  const rows = METRICS.filter(({ key }) => chela?.[key] !== undefined).map((metric) => {
    const { key, label, unit } = metric;
    const [ours, base, theirs] = [chela?.[key], bare?.[key], upstream?.[key]];
    const gain = metric.more ? times(ours, theirs) : times(theirs, ours);
    const verdict = meets(metric, measured);
    const target = verdict === null ? goal(metric) : `${goal(metric)} ${verdict ? "met" : "MISSED"}`;
    return [label, unit, figure(ours), figure(base), times(ours, base), figure(theirs), gain, target];
  });
  return [
    "| measure | unit | chela | bare Bun | times bare | upstream | times better | target |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");
}

function goal({ target, more }: Metric): string {
  if (target === undefined) return "";
  if ("timesBare" in target) return `at most ${target.timesBare} times bare`;
  return `${more ? "at least" : "at most"} ${target.value}`;
}

function figure(value: number | undefined): string {
  if (value === undefined) return "";
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const times = (ours: number | undefined, theirs: number | undefined): string =>
  ours === undefined || !theirs ? "" : figure(ours / theirs);
