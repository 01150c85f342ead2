import { invalidRequest } from "../platform/errors.ts";

/** What a request says of the days it means. Values may be anything where upstream does not check them. */
export interface RangeParams {
  startDate?: unknown;
  endDate?: unknown;
  range?: unknown;
  days?: unknown;
  mode?: unknown;
  timeZone?: unknown;
  utcOffset?: unknown;
}

/** Days as calendar dates `YYYY-MM-DD`, both included. */
export interface DateRange {
  startDate: string;
  endDate: string;
  days: number;
  /** The date of a moment, epoch milliseconds, where the days are counted. */
  dayOf(ms: number): string;
  /** Every date of the range, in order. */
  dates(): string[];
}

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const RANGES: Readonly<Record<string, number>> = { "7d": 7, "30d": 30, "90d": 90, "1y": 365 };

/**
 * The days that usage is asked for: two dates, a named range, or a number of days until today; thirty by default. They
 * are days in UTC, where the gateway stands (`mode: gateway`), or of a time zone (`specific`; docs: gateway/protocol,
 * models and usage).
 * @throws GatewayError for dates and zones that are none
 */
export function dateRange(params: RangeParams, now: number): DateRange {
  const dayOf = dayIn(params);
  const [startDate, endDate] = bounds(params, dayOf(now));
  const days = (dateMs(endDate) - dateMs(startDate)) / DAY_MS + 1;
  const dates = () => Array.from({ length: days }, (_, n) => plusDays(startDate, n));
  return { startDate, endDate, days, dayOf, dates };
}

function bounds({ startDate, endDate, range, days }: RangeParams, today: string): [string, string] {
  if (startDate !== undefined || endDate !== undefined) {
    if (startDate === undefined || endDate === undefined) {
      throw invalidRequest("startDate and endDate must be provided together");
    }
    const from = calendarDate("startDate", startDate);
    const to = calendarDate("endDate", endDate);
    if (from > to) throw invalidRequest("startDate must not be after endDate");
    return [from, to];
  }
  if (range === "all") return ["1970-01-01", today];
  const named = typeof range === "string" && Object.hasOwn(RANGES, range) ? RANGES[range] : undefined;
  const wanted = named ?? (days === undefined || days === null ? DEFAULT_DAYS : Number(days));
  const count = Number.isFinite(wanted) ? Math.max(1, Math.min(Math.floor(wanted), MAX_DAYS)) : DEFAULT_DAYS;
  return [plusDays(today, 1 - count), today];
}

const MAX_DAYS = 36_500;

function calendarDate(name: string, value: unknown): string {
  if (typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value)) {
    const ms = dateMs(value);
    if (Number.isFinite(ms) && new Date(ms).toISOString().startsWith(value)) return value;
  }
  throw invalidRequest(`invalid ${name}: expected a valid YYYY-MM-DD calendar date`);
}

/** How moments become dates. */
function dayIn({ mode, timeZone, utcOffset }: RangeParams): (ms: number) => string {
  if (mode === "gateway") return zoneDay(undefined);
  if (mode !== "specific") return offsetDay(0);
  const offset = typeof utcOffset === "string" ? offsetMs(utcOffset) : undefined;
  if (timeZone === undefined) return offsetDay(offset ?? 0);
  try {
    return zoneDay(String(timeZone));
  } catch {
    if (offset !== undefined) return offsetDay(offset);
    throw invalidRequest("invalid timeZone: expected a valid IANA time zone");
  }
}

function zoneDay(timeZone: string | undefined): (ms: number) => string {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  return (ms) => format.format(ms);
}

const offsetDay =
  (offset: number) =>
  (ms: number): string =>
    new Date(ms + offset).toISOString().slice(0, 10);

/** `UTC+5:30` in milliseconds. */
function offsetMs(text: string): number | undefined {
  const [, sign, hours, minutes = "0"] = /^UTC([+-])(\d{1,2})(?::([0-5]\d))?$/.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 14) return undefined;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

const dateMs = (date: string): number => Date.parse(`${date}T00:00:00Z`);
const plusDays = (date: string, days: number): string =>
  new Date(dateMs(date) + days * DAY_MS).toISOString().slice(0, 10);

/** Moments between which the range lies in whatever time zone, epoch milliseconds. */
export const outerBounds = ({ startDate, endDate }: DateRange): [number, number] => [
  dateMs(startDate) - DAY_MS,
  dateMs(endDate) + 2 * DAY_MS,
];
