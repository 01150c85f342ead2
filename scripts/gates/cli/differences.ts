import type { Side } from "./sides.ts";

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const ISO = /\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g;
const LONG_HEX = /\b[0-9a-f]{32,}\b/g;
const REVISION = /(sha256|hmac-sha256:v1):[A-Za-z0-9_-]+/g;
const KEY = /^[A-Za-z0-9_-]{43}$/;
/** Times of this century in milliseconds. */
const EPOCH_MS = 1_000_000_000_000;
const MOST = 12;

/** How an outcome differs from the expected one, a line each; what differs from run to run counts as the same. */
export function differences(expected: unknown, got: unknown, sides: { expected: Side; got: Side }): string[] {
  return compare(normalised(expected, sides.expected), normalised(got, sides.got), "").slice(0, MOST);
}

/** A value without what differs from run to run: ids, times, lengths of time, addresses and folders of the side. */
export function normalised(value: unknown, side: Side, name = ""): unknown {
  if (typeof value === "number") {
    if (value === side.port) return "<port>";
    return value > EPOCH_MS ? "<ms>" : /(Ms|Bytes|Seq|sequence|pid)$/i.test(name) ? "<number>" : value;
  }
  if (typeof value === "string") return normalisedText(value, side);
  if (Array.isArray(value)) return value.map((item) => normalised(item, side));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [normalisedText(key, side), normalised(inner, side, key)]),
  );
}

function normalisedText(text: string, side: Side): string {
  if (KEY.test(text)) return "<key>";
  return text
    .replaceAll(side.folder, "<folder>")
    .replaceAll(String(side.port), "<port>")
    .replaceAll(UUID, "<id>")
    .replaceAll(ISO, "<time>")
    .replaceAll(REVISION, "<revision>")
    .replaceAll(LONG_HEX, "<hash>");
}

function compare(expected: unknown, got: unknown, path: string): string[] {
  if (Array.isArray(expected) && Array.isArray(got) && expected.length === got.length) {
    return expected.flatMap((item, at) => compare(item, got[at], `${path}[${at}]`));
  }
  if (isObject(expected) && isObject(got)) {
    const names = new Set([...Object.keys(expected), ...Object.keys(got)]);
    return [...names].flatMap((name) => compare(expected[name], got[name], `${path}.${name}`));
  }
  return Bun.deepEquals(expected, got) ? [] : [`${path || "."}: ${brief(expected)} -> ${brief(got)}`];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const brief = (value: unknown): string => String(JSON.stringify(value)).slice(0, 160);
