import { hostname } from "node:os";
import { LIMITS } from "../../generated/limits.ts";
import { type LogLevel, type LogRecord, localIso } from "./log-record.ts";

/** The numbers that readers of the file know the levels by. */
const LEVEL_IDS: Readonly<Record<LogLevel, number>> = {
  trace: 1,
  debug: 2,
  info: 3,
  warn: 4,
  error: 5,
  fatal: 6,
  silent: 7,
};

let host: string | undefined;

/**
 * One line of the log file, with the names that upstream's `logs` command and its web page read (docs: logging,
 * "File logs"): the subsystem as JSON in `0` and `_meta.name`, the message in `1`, the fields in `2`, all of it
 * flattened in `message`.
 */
export function fileLine({ time, level, subsystem, message, fields }: LogRecord): string {
  host ??= hostname();
  const name = JSON.stringify({ subsystem });
  const record = {
    "0": name,
    "1": message,
    ...(fields && { "2": fields }),
    _meta: {
      runtime: "bun",
      runtimeVersion: Bun.version,
      hostname: host,
      date: time.toISOString(),
      logLevelId: LEVEL_IDS[level],
      logLevelName: level.toUpperCase(),
      name,
      parentNames: ["chela"],
    },
    time: localIso(time),
    hostname: host,
    message: fields ? `${message} ${JSON.stringify(fields)}` : message,
  };
  return `${JSON.stringify(record)}\n`;
}

/** `json`: one object a line. `pretty`: for people, with the time of day. `compact`: the same with date, where no person looks. */
export type ConsoleStyle = "pretty" | "compact" | "json";

/** One line for the console. Colours only when asked for. */
export function consoleLine(record: LogRecord, style: ConsoleStyle, colour: boolean): string {
  const { time, level, subsystem, message, fields } = record;
  if (style === "json") {
    return `${JSON.stringify({ time: localIso(time), level, subsystem, message, ...fields })}\n`;
  }
  const paint = (code: number, text: string): string => (colour ? `\x1b[${code}m${text}\x1b[39m` : text);
  const at = style === "pretty" ? localIso(time).slice(11, 19) : localIso(time);
  const label = shortName(subsystem);
  const parts = [paint(90, at), paint(SUBSYSTEM_COLOURS[hash(label) % SUBSYSTEM_COLOURS.length]!, `[${label}]`)];
  parts.push(paint(LEVEL_COLOURS[level] ?? 39, message));
  const tail = fields && (level === "warn" || level === "error" || level === "fatal") ? fieldsText(fields) : "";
  if (tail !== "") parts.push(paint(90, tail));
  return `${parts.join(" ")}\n`;
}

const SUBSYSTEM_COLOURS = [36, 32, 33, 34, 35] as const;
const LEVEL_COLOURS: Readonly<Partial<Record<LogLevel, number>>> = {
  trace: 90,
  debug: 90,
  warn: 33,
  error: 31,
  fatal: 31,
};

/** Without the rooms that say nothing, and at most the last two parts, as upstream shortens. */
function shortName(subsystem: string): string {
  return subsystem
    .replace(/^(gateway|channels|providers)\//, "")
    .split("/")
    .slice(-2)
    .join("/");
}

function fieldsText(fields: Record<string, unknown>): string {
  const text = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === "string" && /^\S+$/.test(value) ? value : JSON.stringify(value)}`)
    .join(" ");
  const max = LIMITS.logConsoleFieldChars;
  return text.length > max ? `${text.slice(0, max)}…` : text;
}

function hash(text: string): number {
  let sum = 0;
  for (const char of text) sum = (sum * 31 + char.charCodeAt(0)) >>> 0;
  return sum;
}
