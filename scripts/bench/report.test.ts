import { describe, expect, test } from "bun:test";
import { cpuMs, memoryMiB, processTree } from "./process.ts";
import { type BenchResult, benchTable, METRICS, meets, misses } from "./report.ts";
import { median, percentile } from "./statistics.ts";

const result = (measured: BenchResult["measured"]): BenchResult => ({
  at: "2026-01-01T00:00:00.000Z",
  machine: { cpus: 2, model: "some", kernel: "6" },
  commit: "abc",
  size: "quick",
  measured,
  notes: [],
});
const metric = (key: string) => METRICS.find((each) => each.key === key)!;

describe("the report", () => {
  test("puts our figure beside the bare server's and upstream's, as ratios", () => {
    const measured = {
      chela: { "health.cpu": 6, "chat.rate": 60 },
      bare: { "health.cpu": 4, "chat.rate": 500 },
      upstream: { "health.cpu": 900, "chat.rate": 2 },
    };
    const rows = benchTable(result(measured)).split("\n").slice(2);
    expect(rows).toEqual([
      "| health, processor time | µs | 6.00 | 4.00 | 1.50 | 900 | 150 | at most 3 times bare met |",
      "| turns on one connection | /s | 60.0 | 500 | 0.12 | 2.00 | 30.0 | at least 20 met |",
    ]);
  });

  test("says which targets were missed, and nothing of what was not measured", () => {
    const measured = {
      chela: { "start.hello": 101, "idle.rss": 59, "health.cpu": 13, "chat.rate": 19 },
      bare: { "health.cpu": 4 },
    };
    expect(misses(result(measured))).toEqual([
      "start to first hello, median: 101 ms, target at most 100",
      "health, processor time: 13.0 µs, target at most 3 times bare",
      "turns on one connection: 19.0 /s, target at least 20",
    ]);
    expect(meets(metric("health.cpu"), { chela: { "health.cpu": 13 } })).toBeNull();
    expect(misses(result({ bare: { "start.hello": 500 } }))).toEqual([]);
  });
});

test("percentiles are values that occurred", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([median(values), percentile(values, 0.95), percentile(values, 1)]).toEqual([51, 96, 100]);
});

test("a process is measured with its children", async () => {
  const script =
    "const child = Bun.spawn(['sleep', '30']); let n = 0; while (n < 3e8) n++; console.log('done'); await child.exited;";
  const process_ = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  try {
    await process_.stdout.getReader().read();
    expect(processTree(process_.pid).length).toBe(2);
    expect(cpuMs(process_.pid)).toBeGreaterThan(0);
    const { rss, pss } = memoryMiB(process_.pid);
    expect(rss).toBeGreaterThan(5);
    expect(pss).toBeLessThanOrEqual(rss);
  } finally {
    for (const pid of processTree(process_.pid)) process.kill(pid, "SIGKILL");
  }
});
