import { expect, test } from "bun:test";
import { ManualClock } from "../platform/clock.ts";
import type { Caller } from "./context.ts";
import { WriteBudget } from "./write-budget.ts";

const caller = (deviceId?: string, id = "cli") => ({ ...(deviceId && { deviceId }), client: { id } }) as Caller;

test("attack 42: a caller may make the same write so often in a minute, and again in the next one", () => {
  const clock = new ManualClock();
  const budget = new WriteBudget(clock, { writesPerMinute: 3, writers: 10 });
  for (let n = 0; n < 3; n++) budget.spend("cron.add", caller("a"));
  clock.advance(20_000);
  const refused = { code: "UNAVAILABLE", message: "rate limit exceeded for cron.add; retry after 40s" };
  expect(() => budget.spend("cron.add", caller("a"))).toThrow(
    expect.objectContaining({ ...refused, retryable: true, retryAfterMs: 40_000 }),
  );
  budget.spend("cron.update", caller("a"));
  budget.spend("cron.add", caller("b"));
  budget.spend("cron.add", caller(undefined));
  clock.advance(40_000);
  budget.spend("cron.add", caller("a"));
});

test("programs of one kind without a device share a budget, and a clock that goes back begins a new minute", () => {
  const clock = new ManualClock();
  const budget = new WriteBudget(clock, { writesPerMinute: 1, writers: 10 });
  budget.spend("cron.add", caller());
  expect(() => budget.spend("cron.add", caller())).toThrow("rate limit exceeded");
  budget.spend("cron.add", caller(undefined, "other"));
  clock.advance(-3_600_000);
  budget.spend("cron.add", caller());
});

test("of many callers those whose minute began first are forgotten", () => {
  const budget = new WriteBudget(new ManualClock(), { writesPerMinute: 1, writers: 2 });
  for (const name of ["a", "b", "c"]) budget.spend("cron.add", caller(name));
  budget.spend("cron.add", caller("a"));
  expect(() => budget.spend("cron.add", caller("c"))).toThrow("rate limit exceeded");
});
