import { describe, expect, test } from "bun:test";
import type { Tree } from "./json5.ts";
import { editJson5 } from "./json5-edit.ts";

describe("an edited JSON5 text", () => {
  test("keeps comments, order and spacing, and gets new keys behind the others", () => {
    const text = `// top
{
  b: 1, // about b
  /* about a */
  a: { x: [1, 2], /* in a */ y: 'text' },
  gone: true,
}
`;
    expect(editJson5(text, { a: { x: [1, 3], y: "text", z: null }, b: 1, c: { "a-b": [] } })).toBe(`// top
{
  b: 1, // about b
  /* about a */
  a: { x: [1, 3], /* in a */ y: 'text', z: null },
  c: {
    "a-b": []
  },
}
`);
  });

  test("stays strict JSON where it was", () => {
    const text = JSON.stringify({ a: 1, b: { c: [1] }, d: 2 }, null, 2);
    expect(JSON.parse(editJson5(text, { a: 1, b: { c: [1] } }))).toEqual({ a: 1, b: { c: [1] } });
    expect(editJson5(text, { a: 1, b: { c: [] }, d: 2, e: { f: "g" } })).toBe(
      `${JSON.stringify({ a: 1, b: { c: [] }, d: 2, e: { f: "g" } }, null, 2)}`,
    );
  });

  test("has the comment behind a line that goes, and no line that is empty", () => {
    expect(editJson5("{\n  // one\n  a: 1,\n  b: 2, // two\n  c: 3\n}", { c: 3 })).toBe(
      "{\n  // one\n  // two\n  c: 3\n}",
    );
  });

  test("takes elements out of the middle of a list and puts others in", () => {
    const text = "{ l: [\n  'a', // first\n  'b',\n  'c' // last\n] }";
    expect(editJson5(text, { l: ["a", "c"] })).toBe("{ l: [\n  'a', // first\n  'c' // last\n] }");
    expect(editJson5(text, { l: ["a", "x", "b", "c"] })).toBe(
      "{ l: [\n  'a', // first\n  \"x\",\n  'b',\n  'c' // last\n] }",
    );
    expect(editJson5(text, { l: ["a", "b", "c", "d"] })).toBe(
      "{ l: [\n  'a', // first\n  'b',\n  'c', // last\n  \"d\"\n] }",
    );
  });

  test("leaves no gap before the bracket", () => {
    expect(editJson5('{ l: ["a", "b", "c"], m: {a: 1, b: 2} }', { l: ["a"], m: { a: 1 } })).toBe(
      '{ l: ["a"], m: {a: 1} }',
    );
  });

  test("is whole when there was none before", () => {
    expect(editJson5("", { gateway: { mode: "local" } })).toBe('{\n  "gateway": {\n    "mode": "local"\n  }\n}\n');
  });

  test("keeps Windows line ends and the value that counts of a key that stands twice", () => {
    expect(editJson5("{\r\n\ta: 1,\r\n\ta: 2\r\n}", { a: 2, b: 3 })).toBe("{\r\n\ta: 2,\r\n\tb: 3\r\n}");
  });
});

describe("random edits", () => {
  test("of random texts parse to what was meant and keep every comment outside what changed", () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const random = generator(seed);
      const before = randomObject(random, 3);
      const marks: Mark[] = [];
      const text = randomText(before, random, marks, []);
      const after = changed(before, random) as Tree;
      const edited = editJson5(text, after);
      expect(Bun.JSON5.parse(edited)).toEqual(after);
      for (const { comment, path } of marks) {
        if (!isUntouched(before, after, path) || edited.includes(comment)) continue;
        throw new Error(`seed ${seed}: ${comment} is gone\n${text}\n${JSON.stringify(after)}\n${edited}`);
      }
    }
  });
});

/** A comment, and the object whose members it stands between. */
interface Mark {
  comment: string;
  path: string[];
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NAMES = ["a", "b", "c d", "e-f", "g", "ü", "h1", "class"];
const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

function randomValue(random: () => number, depth: number): unknown {
  const kind = random();
  if (depth > 0 && kind < 0.3) return randomObject(random, depth - 1);
  if (depth > 0 && kind < 0.45)
    return Array.from({ length: Math.floor(random() * 4) }, () => randomValue(random, depth - 1));
  return pick<unknown>(random, [1, -2.5, true, null, "text", "a // b", "it's", 'say "x"', "", "{", "},"]);
}

function randomObject(random: () => number, depth: number): Tree {
  const names = NAMES.filter(() => random() < 0.5);
  return Object.fromEntries(names.map((name) => [name, randomValue(random, depth)]));
}

function changed(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) {
    const kept = value.filter(() => random() > 0.2).map((item) => (random() < 0.2 ? changed(item, random) : item));
    if (random() < 0.3) kept.splice(Math.floor(random() * (kept.length + 1)), 0, randomValue(random, 1));
    return kept;
  }
  if (typeof value !== "object" || value === null) return random() < 0.5 ? value : randomValue(random, 1);
  const out = Object.fromEntries(
    Object.entries(value)
      .filter(() => random() > 0.2)
      .map(([key, child]) => [key, random() < 0.4 ? changed(child, random) : child]),
  );
  if (random() < 0.3) out[pick(random, NAMES)] ??= randomValue(random, 2);
  return out;
}

/** True when the object at a path is one before and after, and so are those above it. */
function isUntouched(before: unknown, after: unknown, path: readonly string[]): boolean {
  const isObject = (value: unknown): value is Tree =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject(before) || !isObject(after)) return false;
  const [first, ...rest] = path;
  return first === undefined || isUntouched(before[first], after[first], rest);
}

function randomText(value: unknown, random: () => number, marks: Mark[], path: string[] | null): string {
  const blank = (): string => pick(random, ["", " ", "\n", "\n  "]);
  const note = (): string => {
    if (random() > 0.3) return blank();
    const isLine = random() < 0.5;
    const comment = isLine ? `// c${marks.length} }` : `/* c${marks.length} , { */`;
    // Within lists it is not said which comment belongs to which element.
    if (path !== null) marks.push({ comment, path });
    return `${blank()}${comment}${isLine ? "\n" : ""}${blank()}`;
  };
  const isList = Array.isArray(value);
  if (typeof value !== "object" || value === null) return quoted(value, random);
  const entries = Object.entries(value);
  let out = isList ? "[" : "{";
  for (const [index, [key, child]] of entries.entries()) {
    const inner = isList || path === null ? null : [...path, key];
    const name = /^[a-z]\w*$/.test(key) && random() < 0.5 ? key : quoted(key, random);
    out += `${note()}${isList ? "" : `${name}${blank()}:${blank()}`}${randomText(child, random, marks, inner)}${note()}`;
    if (index < entries.length - 1 || random() < 0.5) out += ",";
  }
  return `${out}${note()}${isList ? "]" : "}"}`;
}

function quoted(value: unknown, random: () => number): string {
  if (typeof value !== "string" || random() < 0.5) return JSON.stringify(value);
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
