/** A repeatable source of chance: the same seed gives the same numbers (mulberry32). */
export class Chance {
  constructor(private state: number) {}

  /** 0 up to, not including, 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

const nested = (depth: number, open: string, inner: string, close: string): string =>
  open.repeat(depth) + inner + close.repeat(depth);

/**
 * Values that have broken programs, as JSON text: some cannot be written down as JavaScript values, such as a key
 * `__proto__` or a number beyond all bounds.
 */
export const HOSTILE_JSON: readonly string[] = [
  "null",
  "true",
  "0",
  "-1",
  "-0",
  "1e400",
  "-1e400",
  "5e-324",
  "9007199254740993",
  "123456789012345678901234567890",
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u202e\\u2066gnp.exe"',
  '"a\\u0300\\u0301\\u0302\\u0303"',
  '"\\ufdfa\\ufeff\\u200b"',
  '"../../../../etc/passwd"',
  '"..%2f..%2fetc%2fpasswd"',
  '"/dev/zero"',
  '"C:\\\\windows\\\\system32"',
  '"agent:main:../../x"',
  '"agent:__proto__:constructor"',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"\'; DROP TABLE sessions; --"',
  '"%s%n%x"',
  '"${jndi:ldap://127.0.0.1/x}"',
  '"(a+)+$"',
  '"<script>alert(1)</script>"',
  JSON.stringify("x".repeat(70_000)),
  JSON.stringify("\n".repeat(1000)),
  JSON.stringify("漢".repeat(5000)),
  "[]",
  "{}",
  "[null]",
  "[[],{}]",
  `[${"0,".repeat(20_000)}0]`,
  nested(500, "[", "1", "]"),
  nested(500, '{"a":', "1", "}"),
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"prototype":{"polluted":true}}',
  '{"toString":1,"valueOf":1,"hasOwnProperty":1}',
  '{"length":4294967295}',
  '{"then":1}',
  '{"toJSON":1}',
  '{"":""}',
  '{"0":0,"1":1}',
];

/** Texts that are no request, as a client that means harm sends them. */
export const HOSTILE_FRAMES: readonly string[] = [
  "",
  " ",
  "\u0000",
  "\ufeff{}",
  "{",
  '{"type":"req"',
  "undefined",
  "NaN",
  "[object Object]",
  "'single'",
  '{"type":"req","id":"x","method":"health"}{"type":"req"}',
  "//",
  ...HOSTILE_JSON,
  nested(100_000, "[", "", "]"),
  nested(100_000, '{"a":', "0", "}"),
];

/** The text of `value` with one or two places replaced by hostile values, and perhaps a hostile key added. */
export function spoiled(value: unknown, chance: Chance): string {
  const places = placesIn(value);
  const chosen = new Set([chance.pick(places), chance.pick(places)]);
  return write(value, "", chosen, chance);
}

function placesIn(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, part]) => placesIn(part, `${path}/${key}`))];
}

const KEYS = ["__proto__", "constructor", "prototype", "toString", "unexpected", ""];

function write(value: unknown, path: string, spoil: ReadonlySet<string>, chance: Chance): string {
  const hit = spoil.has(path);
  if (hit && (path !== "" || chance.next() < 0.2)) return chance.pick(HOSTILE_JSON);
  if (Array.isArray(value)) return `[${value.map((part, i) => write(part, `${path}/${i}`, spoil, chance)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).map(
    ([key, part]) => `${JSON.stringify(key)}:${write(part, `${path}/${key}`, spoil, chance)}`,
  );
  if (hit) fields.push(`${JSON.stringify(chance.pick(KEYS))}:${chance.pick(HOSTILE_JSON)}`);
  return `{${fields.join(",")}}`;
}

/** Things that an answer must never show: places in the program or on the machine, and what a runtime says of itself. */
export const INTERNALS =
  /\.[cm]?[jt]s:\d+|\bat (?:async )?\w+ \(|node_modules|bunfs|SQLITE_|no such (?:table|column)|Error: |\[native code\]|undefined is not|is not a function|Cannot read prop|is not an object/;
