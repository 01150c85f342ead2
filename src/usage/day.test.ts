import { expect, test } from "bun:test";
import { zonedDay } from "./day.ts";

const iso = (now: string, zone?: string) => zonedDay(Date.parse(now), zone).map((ms) => new Date(ms).toISOString());

test.each([
  ["2026-11-20T10:00:00Z", undefined, "2026-11-20T00:00:00.000Z", "2026-11-20T23:59:59.999Z"],
  ["2026-11-20T10:00:00Z", "No/Where", "2026-11-20T00:00:00.000Z", "2026-11-20T23:59:59.999Z"],
  ["2026-11-20T23:30:00Z", "Europe/Berlin", "2026-11-20T23:00:00.000Z", "2026-11-21T22:59:59.999Z"],
  ["2026-11-20T10:00:00Z", "Asia/Kathmandu", "2026-11-19T18:15:00.000Z", "2026-11-20T18:14:59.999Z"],
  // Days on which clocks change have 23 and 25 hours.
  ["2026-03-29T12:00:00Z", "Europe/Berlin", "2026-03-28T23:00:00.000Z", "2026-03-29T21:59:59.999Z"],
  ["2026-10-25T12:00:00Z", "Europe/Berlin", "2026-10-24T22:00:00.000Z", "2026-10-25T22:59:59.999Z"],
])("the day of %s in %s", (now, zone, from, to) => {
  expect(iso(now, zone)).toEqual([from, to]);
});
