/** What a schedule means, computed by looking at every second: slow, and without the library that the product uses. */

/** A generator of numbers from 0 up to 1 that gives the same ones for the same seed (mulberry32). */
export { randomFrom } from "../parity/kill/random.ts";

const QUARTER = 900_000;
const SECOND = 1000;

/** The offset of a time zone from UTC at a moment, in milliseconds. Offsets change on quarters of an hour only. */
export function offsets(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const known = new Map<number, number>();
  return (at) => {
    const quarter = Math.floor(at / QUARTER) * QUARTER;
    const found = known.get(quarter);
    if (found !== undefined) return found;
    const parts = Object.fromEntries(format.formatToParts(quarter).map(({ type, value }) => [type, Number(value)]));
    const { year, month, day, hour, minute, second } = parts as Record<string, number>;
    const offset = Date.UTC(year!, month! - 1, day, hour, minute, second) - quarter;
    known.set(quarter, offset);
    return offset;
  };
}

/** The values that a field of an expression names: lists of numbers, ranges and steps. */
function values(field: string, least: number, most: number): Set<number> {
  const found = new Set<number>();
  for (const part of field.split(",")) {
    const [range = "*", step = "1"] = part.split("/");
    const [from = least, to = from] = range === "*" ? [least, most] : range.split("-").map(Number);
    for (let value = from; value <= (part.includes("/") && !range.includes("-") ? most : to); value += Number(step)) {
      found.add(value);
    }
  }
  return found;
}

/**
 * All times of a cron expression within a span, found second by second. One with a single time of day is due once on each
 * of its days: at the first of two when the clocks go back, and when they go over it, right then. Any other is due
 * whenever the clock on the wall shows one of its times.
 * @param from epoch milliseconds, itself not in the span
 */
export function cronTimes(expr: string, timeZone: string, from: number, to: number): number[] {
  const fields = expr.split(" ");
  const [second, minute, hour, day, month, weekday] = (fields.length === 5 ? ["0", ...fields] : fields) as string[];
  const [seconds, minutes, hours] = [values(second!, 0, 59), values(minute!, 0, 59), values(hour!, 0, 23)];
  const [days, months, weekdays] = [values(day!, 1, 31), values(month!, 1, 12), values(weekday!, 0, 7)];
  if (weekdays.has(7)) weekdays.add(0);
  const isDay = (local: Date): boolean => {
    if (!months.has(local.getUTCMonth() + 1)) return false;
    const [byDay, byWeekday] = [days.has(local.getUTCDate()), weekdays.has(local.getUTCDay())];
    if (day === "*" || weekday === "*") return byDay && byWeekday;
    return byDay || byWeekday;
  };
  const offset = offsets(timeZone);
  const isFixed = seconds.size === 1 && minutes.size === 1 && hours.size === 1;
  const wanted = isFixed ? [...hours][0]! * 3600 + [...minutes][0]! * 60 + [...seconds][0]! : 0;
  const found: number[] = [];
  for (let at = Math.floor(from / SECOND) * SECOND + SECOND; at <= to; at += SECOND) {
    const local = new Date(at + offset(at));
    const jump = offset(at) - offset(at - SECOND);
    if (isFixed && jump > 0 && isDay(local)) {
      const now = local.getUTCHours() * 3600 + local.getUTCMinutes() * 60 + local.getUTCSeconds();
      if (wanted < now && wanted >= now - jump / SECOND) found.push(at);
    }
    if (!seconds.has(local.getUTCSeconds()) || !minutes.has(local.getUTCMinutes())) continue;
    if (!hours.has(local.getUTCHours()) || !isDay(local)) continue;
    // The second time that the wall shows it: it showed it some hours ago at most, with another offset.
    const isAgain = [1800, 3600, 7200].some((gap) => offset(at - gap * SECOND) - offset(at) === gap * SECOND);
    if (!(isFixed && isAgain)) found.push(at);
  }
  return found;
}
