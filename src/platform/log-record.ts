import { LIMITS } from "../../generated/limits.ts";
import type { LogRedactor } from "./log-redactor.ts";
import { isSecretKey } from "./secret-keys.ts";

/** Levels of a log, from the most to the least talkative; `silent` writes nothing. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const isLogLevel = (value: unknown): value is LogLevel => LOG_LEVELS.includes(value as LogLevel);

/** One thing that was logged, safe to be written down: without secrets and control characters, bounded in size. */
export interface LogRecord {
  time: Date;
  level: LogLevel;
  subsystem: string;
  message: string;
  fields?: Record<string, unknown>;
}

/**
 * Characters that steer a terminal, break a line, or turn the reading direction: text from strangers must not be able
 * to draw a second line into the log.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const STEERING = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Makes such characters visible: `\n`, `\u001b`. */
export const visible = (text: string): string =>
  text.replace(STEERING, (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text as a log may hold it. */
export function cleanText(text: string, redactor: LogRedactor): string {
  const cut = text.length > LIMITS.logStringChars;
  const clean = visible(redactor.text(cut ? text.slice(0, LIMITS.logStringChars) : text).toWellFormed());
  return cut ? `${clean}… (${text.length} characters)` : clean;
}

/** Fields as a log may hold them: plain data, cut where it is deep or wide, errors with stack and cause. */
export function cleanFields(fields: object, redactor: LogRedactor): Record<string, unknown> {
  return clean(fields, redactor, 0, new Set()) as Record<string, unknown>;
}

function clean(value: unknown, redactor: LogRedactor, depth: number, above: Set<object>): unknown {
  switch (typeof value) {
    case "string":
      return cleanText(value, redactor);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
    case "undefined":
      return value;
    case "bigint":
      return String(value);
    case "function":
    case "symbol":
      return `<${typeof value}>`;
  }
  if (value === null) return null;
  const object = value as object;
  if (above.has(object)) return "<circular>";
  if (depth >= LIMITS.logFieldDepth) return Array.isArray(object) ? "<list>" : "<object>";
  above.add(object);
  try {
    return cleanObject(object, redactor, depth, above);
  } finally {
    above.delete(object);
  }
}

function cleanObject(value: object, redactor: LogRedactor, depth: number, above: Set<object>): unknown {
  const inner = (child: unknown): unknown => clean(child, redactor, depth + 1, above);
  if (value instanceof Error) return cleanError(value, redactor, inner);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "<invalid date>" : value.toISOString();
  if (value instanceof URL) return cleanText(value.href, redactor);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `<${value.byteLength} bytes>`;
  if (value instanceof Set) return inner([...value]);
  if (Array.isArray(value)) {
    const items = value.slice(0, LIMITS.logFieldEntries).map(inner);
    return value.length > items.length ? [...items, `… (${value.length} entries)`] : items;
  }
  const entries = value instanceof Map ? [...value].map(([key, child]) => [String(key), child]) : Object.entries(value);
  const out: Record<string, unknown> = {};
  for (const [key, child] of entries.slice(0, LIMITS.logFieldEntries) as [string, unknown][]) {
    out[cleanText(key, redactor)] =
      isSecretKey(key) && child !== null && child !== undefined ? "[redacted]" : inner(child);
  }
  if (entries.length > LIMITS.logFieldEntries) out["…"] = `${entries.length} entries`;
  return out;
}

function cleanError(error: Error, redactor: LogRedactor, inner: (value: unknown) => unknown): Record<string, unknown> {
  const { code } = error as { code?: unknown };
  // Its lines are kept: they are the point of a stack, and each stays within the JSON text of the record.
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return {
    name: cleanText(error.name, redactor),
    message: cleanText(error.message, redactor),
    ...((typeof code === "string" || typeof code === "number") && { code: inner(code) }),
    ...(frames.length > 0 && { stack: frames.map((line) => cleanText(line.trim(), redactor)).join("\n") }),
    ...(error.cause !== undefined && { cause: inner(error.cause) }),
  };
}

/** A local time with its offset, as log lines carry it: `2026-01-31T09:05:00.123+01:00`. */
export function localIso(time: Date): string {
  const offset = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, -1);
  const minutes = Math.abs(offset);
  return `${local}${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** The local date, as names of log files carry it. */
export const localDate = (time: Date): string => localIso(time).slice(0, 10);

const two = (value: number): string => String(value).padStart(2, "0");
