import { SLOT_MS } from "../sessions/usage-record.ts";

const DAY_MS = 86_400_000;

/**
 * First and last moment of the day that a moment is in, epoch milliseconds, where clocks show this time zone; in UTC
 * where there is no such zone. Every time zone's days begin at a slot of the usage sums.
 */
export function zonedDay(now: number, timeZone: string | undefined): [from: number, to: number] {
  const format = formatOf(timeZone);
  if (format === null) {
    const from = Math.floor(now / DAY_MS) * DAY_MS;
    return [from, from + DAY_MS - 1];
  }
  const today = format.format(now);
  // A day has up to 25 hours; slots are looked through by halves.
  const edge = (outside: number, inside: number): number => {
    let [out, within] = [Math.floor(outside / SLOT_MS), Math.floor(inside / SLOT_MS)];
    while (Math.abs(out - within) > 1) {
      const middle = Math.trunc((out + within) / 2);
      if (format.format(middle * SLOT_MS) === today) within = middle;
      else out = middle;
    }
    return within;
  };
  const span = DAY_MS + 2 * 3_600_000;
  return [edge(now - span, now) * SLOT_MS, (edge(now + span, now) + 1) * SLOT_MS - 1];
}

const formats = new Map<string, Intl.DateTimeFormat | null>();

function formatOf(timeZone: string | undefined): Intl.DateTimeFormat | null {
  if (timeZone === undefined) return null;
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  let format: Intl.DateTimeFormat | null = null;
  try {
    format = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  } catch {
    // A zone that does not exist.
  }
  if (formats.size >= 16) formats.clear();
  formats.set(timeZone, format);
  return format;
}
