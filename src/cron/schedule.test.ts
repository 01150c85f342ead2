import { describe, expect, test } from "bun:test";
import type { Schedule } from "./job.ts";
import { defaultStaggerMs, nextTimes } from "./schedule.ts";

/** The next times after a moment, as ISO texts. */
async function times(schedule: Schedule, after: string, count: number): Promise<string[]> {
  const next = await nextTimes(schedule, "job-1");
  const found: string[] = [];
  for (let at = next(Date.parse(after)); at !== undefined && found.length < count; at = next(at)) {
    found.push(new Date(at).toISOString());
  }
  return found;
}

describe("the times of a schedule", () => {
  test("at: once", async () => {
    expect(await times({ kind: "at", at: "2030-01-01T09:00:00Z" }, "2029-12-31T00:00:00Z", 3)).toEqual([
      "2030-01-01T09:00:00.000Z",
    ]);
    expect(await times({ kind: "at", at: "2030-01-01T09:00:00Z" }, "2030-01-01T09:00:00Z", 3)).toEqual([]);
  });

  test("every: from its anchor, whatever the moment it is asked at", async () => {
    const schedule = { kind: "every", everyMs: 3_600_000, anchorMs: Date.parse("2026-01-01T00:10:00Z") } as const;
    expect(await times(schedule, "2026-01-01T00:10:00Z", 2)).toEqual([
      "2026-01-01T01:10:00.000Z",
      "2026-01-01T02:10:00.000Z",
    ]);
    expect(await times(schedule, "2026-03-05T17:42:11Z", 1)).toEqual(["2026-03-05T18:10:00.000Z"]);
    // Before the anchor, the first time is one interval after it.
    expect(await times(schedule, "2025-01-01T00:00:00Z", 1)).toEqual(["2026-01-01T01:10:00.000Z"]);
  });

  test("cron: in its time zone, with seconds and with years", async () => {
    const berlin = { kind: "cron", expr: "0 9 * * *", tz: "Europe/Berlin" } as const;
    expect(await times(berlin, "2026-07-01T00:00:00Z", 1)).toEqual(["2026-07-01T07:00:00.000Z"]);
    expect(await times(berlin, "2026-12-01T00:00:00Z", 1)).toEqual(["2026-12-01T08:00:00.000Z"]);
    expect(await times({ kind: "cron", expr: "*/20 * * * * *", tz: "UTC" }, "2026-01-01T00:00:05Z", 3)).toEqual([
      "2026-01-01T00:00:20.000Z",
      "2026-01-01T00:00:40.000Z",
      "2026-01-01T00:01:00.000Z",
    ]);
    expect(await times({ kind: "cron", expr: "0 0 9 1 1 * 2030", tz: "UTC" }, "2026-01-01T00:00:00Z", 3)).toEqual([
      "2030-01-01T09:00:00.000Z",
    ]);
  });

  test("a time that daylight saving skips is taken once, as is one that comes twice", async () => {
    const night = { kind: "cron", expr: "30 2 * * *", tz: "Europe/Berlin" } as const;
    // On 29 March 2026 the clocks go from 2 to 3; on 25 October they go from 3 back to 2.
    const spring = await times(night, "2026-03-28T02:00:00Z", 2);
    expect(spring.map((at) => at.slice(0, 10))).toEqual(["2026-03-29", "2026-03-30"]);
    const autumn = await times(night, "2026-10-24T02:00:00Z", 2);
    expect(autumn.map((at) => at.slice(0, 10))).toEqual(["2026-10-25", "2026-10-26"]);
  });

  test("a stagger moves each job by a fixed part of it", async () => {
    const hourly = { kind: "cron", expr: "0 * * * *", tz: "UTC", staggerMs: 300_000 } as const;
    const [first, second] = await times(hourly, "2026-01-01T00:00:00Z", 2);
    const offset = Date.parse(first!) % 3_600_000;
    expect(offset).toBeGreaterThan(0);
    expect(offset).toBeLessThan(300_000);
    expect(Date.parse(second!) - Date.parse(first!)).toBe(3_600_000);
  });

  test("on-exit and stream have no times", async () => {
    expect(await times({ kind: "on-exit", command: "true" }, "2026-01-01T00:00:00Z", 1)).toEqual([]);
  });

  test("what makes no sense is said so", async () => {
    await expect(nextTimes({ kind: "cron", expr: "nonsense" }, "x")).rejects.toThrow("exactly five, six, or seven");
    const next = nextTimes({ kind: "cron", expr: "0 9 * * *", tz: "Mars/X" }, "x");
    await expect(next.then((time) => time(0))).rejects.toThrow("Mars/X");
  });

  test("full hours are spread unless told", () => {
    expect(defaultStaggerMs("0 * * * *")).toBe(300_000);
    expect(defaultStaggerMs("0 */2 * * *")).toBe(300_000);
    expect(defaultStaggerMs("0 9 * * *")).toBeUndefined();
    expect(defaultStaggerMs("5 * * * *")).toBeUndefined();
    expect(defaultStaggerMs("*/30 0 * * * *")).toBeUndefined();
  });
});
