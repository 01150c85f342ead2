import { expect, test } from "bun:test";
import { dateRange } from "./date-range.ts";

const NOW = Date.parse("2026-11-25T20:30:00Z");
const days = (params: object) => {
  const { startDate, endDate, days } = dateRange(params, NOW);
  return [startDate, endDate, days];
};
const refused = (params: object): string => {
  try {
    dateRange(params, NOW);
  } catch (error) {
    return (error as Error).message;
  }
  return "accepted";
};

test("thirty days until today unless dates, a range or a number of days say otherwise", () => {
  expect(days({})).toEqual(["2026-10-27", "2026-11-25", 30]);
  expect(days({ range: "7d" })).toEqual(["2026-11-19", "2026-11-25", 7]);
  expect(days({ range: "1y" })).toEqual(["2025-11-26", "2026-11-25", 365]);
  expect(days({ range: "all" }).slice(0, 2)).toEqual(["1970-01-01", "2026-11-25"]);
  expect(days({ days: 2 })).toEqual(["2026-11-24", "2026-11-25", 2]);
  expect(days({ days: "3" })).toEqual(["2026-11-23", "2026-11-25", 3]);
  expect(days({ days: 0 })).toEqual(["2026-11-25", "2026-11-25", 1]);
  expect(days({ startDate: "2026-02-27", endDate: "2026-03-01" })).toEqual(["2026-02-27", "2026-03-01", 3]);
});

test("values that upstream does not check never make a range that is none", () => {
  for (const value of [Number.NaN, "many", {}, null, -5, 1e300, []]) {
    const [start, end] = days({ days: value });
    expect([value, String(start) <= String(end)]).toEqual([value, true]);
  }
  expect(days({ range: "toString" })).toEqual(["2026-10-27", "2026-11-25", 30]);
});

test("dates must be two, exist, and stand in order", () => {
  expect(refused({ startDate: "2026-11-25" })).toBe("startDate and endDate must be provided together");
  expect(refused({ startDate: "2026-11-26", endDate: "2026-11-25" })).toBe("startDate must not be after endDate");
  for (const startDate of ["2026-13-01", "2026-02-30", "bad", 5]) {
    expect(refused({ startDate, endDate: "2026-11-25" })).toBe(
      "invalid startDate: expected a valid YYYY-MM-DD calendar date",
    );
  }
});

test("days begin where they are counted, also over a change of the clock", () => {
  const late = Date.parse("2026-11-24T23:30:00Z");
  const day = (params: object, ms = late) => dateRange({ mode: "specific", ...params }, NOW).dayOf(ms);
  expect(dateRange({}, NOW).dayOf(late)).toBe("2026-11-24");
  expect(day({ timeZone: "Asia/Kolkata" })).toBe("2026-11-25");
  expect(day({ timeZone: "America/New_York" }, Date.parse("2026-11-25T04:59:00Z"))).toBe("2026-11-24");
  expect(day({ timeZone: "America/New_York" }, Date.parse("2026-07-25T04:01:00Z"))).toBe("2026-07-25");
  expect(day({ utcOffset: "UTC-11" }, Date.parse("2026-11-25T10:59:00Z"))).toBe("2026-11-24");
  expect(day({ utcOffset: "UTC+5:30" })).toBe("2026-11-25");
  expect(day({ timeZone: "Nowhere/Bad", utcOffset: "UTC+1" })).toBe("2026-11-25");
  expect(refused({ mode: "specific", timeZone: "Nowhere/Bad" })).toBe(
    "invalid timeZone: expected a valid IANA time zone",
  );
});
