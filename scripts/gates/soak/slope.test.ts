import { expect, test } from "bun:test";
import { lows, settled, slopeOf } from "./slope.ts";

const minutes = (values: number[]) => values.map((value, index) => ({ atMs: index * 60_000, value }));

test("a straight line has its slope per hour and no error", () => {
  const slope = slopeOf(minutes([10, 11, 12, 13]));
  expect(slope?.perHour).toBeCloseTo(60);
  expect(slope?.error).toBeCloseTo(0);
});

test("noise around a level has a slope within its error", () => {
  const { perHour, error } = slopeOf(minutes([50, 53, 49, 52, 50, 51, 53, 49, 52, 50]))!;
  expect(Math.abs(perHour)).toBeLessThan(2 * error);
});

test("too few samples, or all at one time, have none", () => {
  expect(slopeOf(minutes([1, 2]))).toBeNull();
  expect(slopeOf([1, 2, 3].map((value) => ({ atMs: 5, value })))).toBeNull();
});

test("the warm-up is left out", () => {
  expect(settled(minutes([9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8])).map(({ value }) => value)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8,
  ]);
  expect(settled([])).toEqual([]);
});

test("the lows of a sawtooth are flat, those of a leak are not", () => {
  const saw = Array.from({ length: 60 }, (_, index) => 60 + (index % 5) * 12);
  expect(slopeOf(lows(minutes(saw), 300_000))?.perHour).toBe(0);
  const leak = saw.map((value, index) => value + index * 0.5);
  expect(slopeOf(lows(minutes(leak), 300_000))?.perHour).toBeCloseTo(30);
});
