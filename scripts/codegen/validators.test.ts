import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Check } from "typebox/schema";
import { VALIDATORS } from "../../generated/validators.ts";
import { VALIDATORS as REST } from "../../generated/validators-rest.ts";
import type { Definitions } from "./schema.ts";
import { loadSpec, type SpecModel } from "./spec.ts";
import { emitValidators, runtimeTypes } from "./validators.ts";

const root = join(import.meta.dir, "..", "..");
const spec = loadSpec(root);

/** What the generator gives for these types alone. */
function emitted(definitions: Definitions): string {
  const all: Definitions = { RequestFrame: {}, ConnectParams: {}, ...definitions };
  const types = Object.entries(all).map(
    ([name, schema]) => [name, { name, schema, file: "", origin: "chela" }] as const,
  );
  const model = { ...spec, methods: [], events: [], types: new Map(types), definitions: all } as unknown as SpecModel;
  return emitValidators(model).find(({ path }) => path === "validators-rest.ts")!.text;
}

/** Loads what the generator gives, as the gateway would. */
async function compiled(definitions: Definitions): Promise<Record<string, (value: unknown) => boolean>> {
  const code = new Bun.Transpiler({ loader: "ts" }).transformSync(emitted(definitions));
  const file = join(root, "node_modules", ".cache", `chela-validators-${process.pid}-${Date.now()}.mjs`);
  await Bun.write(file, code);
  try {
    const { VALIDATORS: made } = (await import(file)) as { VALIDATORS: typeof VALIDATORS };
    return Object.fromEntries(Object.entries(made).map(([name, make]) => [name, make()]));
  } finally {
    await Bun.file(file).delete();
  }
}

describe("the modules of validators", () => {
  test("hold each type of the protocol once, those that a gateway needs apart", () => {
    const needed = runtimeTypes(spec);
    expect(Object.keys(VALIDATORS).sort()).toEqual([...needed].sort());
    expect([...Object.keys(VALIDATORS), ...Object.keys(REST)].sort()).toEqual([...spec.types.keys()]);
    for (const { name, params, status } of spec.methods) {
      if (status === "implemented") expect([name, params in VALIDATORS]).toEqual([name, true]);
    }
  });

  test("make a check when it is first asked for, once", () => {
    for (const make of Object.values(VALIDATORS)) expect(make()).toBe(make());
  });

  test("make no code from strings and import the little they need", () => {
    for (const file of ["validators.ts", "validators-rest.ts"]) {
      const text = readFileSync(join(root, "generated", file), "utf8");
      expect(text).not.toMatch(/\beval\(|new Function|\bFunction\(/);
      const imports = [...text.matchAll(/^import .* from "([^"]+)";$/gm)].map((match) => match[1]!);
      for (const from of imports)
        expect(["typebox/guard", "typebox/system", "typebox/format", "./validators.ts"]).toContain(from);
    }
  });
});

test("compiled code judges awkward values like the interpreted schema", async () => {
  const definitions: Definitions = {
    Short: { type: "string", minLength: 1, maxLength: 2 },
    Long: { type: "string", minLength: 2 },
    Whole: { type: "integer", minimum: 0, maximum: 10 },
    Number: { type: "number", minimum: -1 },
    Unique: { type: "array", items: {}, uniqueItems: true },
    Closed: {
      type: "object",
      required: ["a"],
      properties: { a: {}, "b-c": { type: "string" }, d: { $ref: "Short" } },
      additionalProperties: false,
    },
    Open: { type: "object", required: ["a"], properties: { a: {}, n: { $ref: "Whole" } } },
    Map: { type: "object", additionalProperties: { $ref: "Whole" } },
    Named: { type: "object", patternProperties: { "^x-": { type: "integer" } }, additionalProperties: false },
    Union: { anyOf: [{ $ref: "Short" }, { type: "null" }, { type: "array", items: { $ref: "Whole" }, maxItems: 2 }] },
    Uuid: { type: "string", format: "uuid" },
    Text: { type: "string", pattern: "^[a-z]+$" },
  };
  const smile = "\u{1F600}";
  const values: unknown[] = [
    "",
    "a",
    "ab",
    "abc",
    smile,
    smile + smile,
    `${smile}ab`,
    "\ud800",
    "a\n",
    "\u0000",
    "constructor",
    0,
    -0,
    1,
    10,
    11,
    0.5,
    -1,
    -1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    null,
    undefined,
    true,
    [],
    [1, 1],
    [1, 2],
    [1, 2, 3],
    [{ a: 1 }, { a: 1 }],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [undefined],
    [[]],
    {},
    { a: 1 },
    { a: undefined },
    { a: 1, "b-c": "x" },
    { a: 1, "b-c": 1 },
    { a: 1, d: smile },
    { a: 1, d: undefined },
    { a: 1, e: 1 },
    JSON.parse('{"a":1,"__proto__":{"d":7}}'),
    JSON.parse('{"__proto__":{"a":1}}'),
    Object.create({ a: 1 }),
    { a: 1, "a\n": 1 },
    { n: 1 },
    { a: 1, n: 11 },
    { x: 1 },
    { x: "1" },
    { "x-1": 1 },
    { "x-1": 1, y: 1 },
    "00000000-0000-4000-8000-000000000000",
    "00000000-0000-4000-8000-00000000000g",
  ];
  const checks = await compiled(definitions);
  const resolved = (name: string): object => ({ ...(definitions[name] as object), $defs: {} });
  const whole = JSON.stringify(definitions);
  const inline = (name: string): object =>
    JSON.parse(JSON.stringify(resolved(name)), (_, node) =>
      typeof node?.$ref === "string" ? (JSON.parse(whole) as Definitions)[node.$ref] : node,
    );
  for (const name of Object.keys(definitions)) {
    const schema = inline(name);
    for (const [index, value] of values.entries()) {
      expect([name, index, checks[name]!(value)]).toEqual([name, index, Check(schema, value)]);
    }
  }
  // That the values are told apart at all.
  expect(values.filter((value) => checks.Short!(value)).length).toBeGreaterThan(3);
  expect(values.filter((value) => checks.Closed!(value)).length).toBeGreaterThan(2);
});

test("a type more changes its own line and no other", () => {
  const closed = (key: string) => ({
    type: "object",
    properties: { [key]: { type: "string" } },
    additionalProperties: false,
  });
  const few: Definitions = { B: closed("b"), D: { type: "array", items: closed("d"), uniqueItems: true } };
  const before = new Set(emitted(few).split("\n"));
  const added = emitted({ A: closed("a"), C: closed("c"), ...few })
    .split("\n")
    .filter((line) => !before.has(line));
  expect(added.map((line) => line.slice(0, 20))).toEqual([
    "export const $A = la",
    "export const $C = la",
    "  A: $A,",
    "  C: $C,",
  ]);
});
