import { expect, test } from "bun:test";
import { Cron } from "./lazy/croner.ts";
import { nextTimes } from "./schedule.ts";
import { cronTimes, randomFrom } from "./testing-oracle.ts";

const HOUR = 3_600_000;

/** Time zones, and moments around which their clocks change, or do not. */
const CHANGES: readonly (readonly [string, string])[] = [
  ["Europe/Berlin", "2026-03-29T01:00:00Z"],
  ["Europe/Berlin", "2026-10-25T01:00:00Z"],
  ["America/New_York", "2026-03-08T07:00:00Z"],
  ["America/New_York", "2026-11-01T06:00:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T15:30:00Z"],
  ["Australia/Lord_Howe", "2026-04-04T15:00:00Z"],
  ["America/Santiago", "2026-09-06T04:00:00Z"],
  ["America/Santiago", "2026-04-05T03:00:00Z"],
  ["Asia/Kolkata", "2026-02-28T18:30:00Z"],
  ["Pacific/Chatham", "2026-04-04T14:00:00Z"],
  ["Pacific/Chatham", "2026-09-26T14:00:00Z"],
  ["UTC", "2027-01-01T00:00:00Z"],
];

type Random = () => number;
const below = (random: Random, count: number): number => Math.floor(random() * count);
const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]!;

/** A field: anything, a step, a list or a range. */
function field(random: Random, least: number, most: number): string {
  const value = () => least + below(random, most - least + 1);
  const [low, high] = [value(), value()].sort((a, b) => a - b) as [number, number];
  return pick(random, [
    "*",
    `${value()}`,
    `${value()}`,
    `*/${1 + below(random, Math.min(20, most - least))}`,
    `${low},${high}`,
    `${low}-${high}`,
  ]);
}

function expression(random: Random): string {
  const seconds = random() < 0.4 ? `${field(random, 0, 59)} ` : "";
  // The hours in which clocks are changed come often.
  const hour = random() < 0.5 ? `${below(random, 4)}` : field(random, 0, 23);
  const day = random() < 0.8 ? "*" : field(random, 1, 28);
  const weekday = random() < 0.8 ? "*" : field(random, 0, 6);
  return `${seconds}${field(random, 0, 59)} ${hour} ${day} * ${weekday}`;
}

/** The times after `from` up to `to`, as the product computes them. */
async function computed(expr: string, tz: string, staggerMs: number, from: number, to: number): Promise<number[]> {
  const next = await nextTimes({ kind: "cron", expr, tz, staggerMs }, "job");
  const found: number[] = [];
  for (let at = next(from); at !== undefined && at <= to && found.length < 300; at = next(at)) found.push(at);
  return found;
}

const shown = (times: readonly number[]) => times.map((at) => new Date(at).toISOString());

for (const [tz, change] of CHANGES) {
  test(`the times of random expressions around ${change} in ${tz} are those that the clock on the wall shows`, async () => {
    const random = randomFrom(Date.parse(change) / 1000);
    for (let round = 0; round < 60; round++) {
      const expr = expression(random);
      const from = Date.parse(change) - below(random, 30) * HOUR - below(random, 3_600_000);
      const to = from + 50 * HOUR;
      const found = await computed(expr, tz, 0, from, to);
      const last = found.length < 300 ? to : found.at(-1)!;
      expect([expr, tz, ...shown(found)]).toEqual([expr, tz, ...shown(cronTimes(expr, tz, from, last))]);
    }
  });
}

test("from any moment the next time is the same as on the way there; a stagger moves them all alike", async () => {
  const random = randomFrom(4711);
  const hourly = await nextTimes({ kind: "cron", expr: "0 * * * *", tz: "UTC", staggerMs: 300_000 }, "job");
  const part = hourly(0)! % HOUR;
  expect(part).toBeLessThan(300_000);
  for (let round = 0; round < 200; round++) {
    const [tz, change] = pick(random, CHANGES);
    const expr = expression(random);
    const from = Date.parse(change) + (random() - 0.5) * 60 * HOUR;
    const next = await nextTimes({ kind: "cron", expr, tz }, "job");
    const first = next(from);
    if (first === undefined) continue;
    const between = from + (first - from) * random();
    expect([expr, tz, next(Math.min(between, first - 1))]).toEqual([expr, tz, first]);
    expect(next(first)! > first).toBe(true);
    const library = new Cron(expr, { paused: true, timezone: tz }).nextRun(new Date(from))?.getTime();
    expect(first).toBe(library!);
    const moved = await nextTimes({ kind: "cron", expr, tz, staggerMs: 300_000 }, "job");
    expect(moved(from)).toBe(next(from - part)! + part);
  }
});
