import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Check } from "typebox/schema";
import { VALIDATORS } from "../../../generated/validators.ts";
import { VALIDATORS as REST } from "../../../generated/validators-rest.ts";
import { plainSchema } from "../schema.ts";
import { loadSpec } from "../spec.ts";
import { textMatching } from "./pattern.ts";
import { Samples, withFault } from "./read.ts";
import { validSamples } from "./valid.ts";

const root = join(import.meta.dir, "..", "..", "..");
const spec = loadSpec(root);
const samples = new Samples(root);

const check = (type: string, value: unknown): boolean => (VALIDATORS[type] ?? REST[type]!)()(value);
/** Types that say nothing, so that nothing is wrong for them. */
const ADMITS_ALL = new Set(
  [...spec.types.values()]
    .filter(({ schema }) => Object.keys(schema).every((keyword) => keyword === "description"))
    .map(({ name }) => name),
);

function bothWays(type: string): void {
  const { valid, invalid } = samples.of(type);
  expect(valid.length).toBeGreaterThan(0);
  expect(invalid.length === 0).toBe(ADMITS_ALL.has(type));
  for (const value of valid) if (!check(type, value)) expect({ type, refused: value }).toBeNull();
  for (const { why, at, value } of invalid)
    if (check(type, value)) expect({ type, accepted: value, why, at }).toBeNull();
}

describe("validators accept the valid samples and refuse the invalid ones", () => {
  test("of every method and event of the spec", () => {
    expect(Object.keys(samples.methods)).toEqual(spec.methods.map(({ name }) => name));
    expect(Object.keys(samples.events)).toEqual(spec.events.map(({ name }) => name));
  });
  for (const [method, { params, result, accepted }] of Object.entries(samples.methods)) {
    test(method, () => {
      bothWays(params);
      bothWays(result);
      if (accepted) bothWays(accepted);
    });
  }
  for (const [event, payload] of Object.entries(samples.events)) test(event, () => bothWays(payload));
  for (const frame of ["RequestFrame", "ResponseFrame", "EventFrame"]) test(frame, () => bothWays(frame));
});

test("the schema library, interpreting the schemas, judges every sample like the generated validators", () => {
  for (const { name } of spec.types.values()) {
    const schema = plainSchema(name, spec.definitions);
    for (const value of validSamples(name, schema)) {
      expect([name, check(name, value), Check(schema as object, value)]).toEqual([name, true, true]);
    }
    if (!samples.types.includes(name)) continue;
    for (const { value } of samples.of(name).invalid) {
      expect([name, check(name, value), Check(schema as object, value)]).toEqual([name, false, false]);
    }
  }
});

test("params of the commonest call are complete, bounded and told apart from wrong ones", () => {
  const { valid, invalid } = samples.of("ChatSendParams");
  const properties = (spec.definitions.ChatSendParams as { properties: object }).properties;
  expect(Object.keys(valid[0] as object)).toEqual(Object.keys(properties));
  expect(valid).toContainEqual({ sessionKey: "sessionKey", message: "message", idempotencyKey: "idempotencyKey" });
  const kinds = new Set(invalid.map(({ why }) => why));
  for (const kind of ["required", "additionalProperties", "type", "minLength", "maxLength"])
    expect(kinds).toContain(kind);
});

describe("a sample", () => {
  const sampled = (schema: Record<string, unknown>) => validSamples("T", schema);

  test("keeps bounds, formats and patterns", () => {
    expect(sampled({ type: "integer", minimum: 5, maximum: 9 })).toEqual([5]);
    expect(sampled({ type: "integer", maximum: -2 })).toEqual([-2]);
    expect(sampled({ type: "string", minLength: 8 })).toEqual(["valuexxx"]);
    expect(sampled({ type: "string", pattern: "^[a-f0-9]{4}$" })).toEqual(["aaaa"]);
    expect(sampled({ type: "array", items: { type: "string" }, minItems: 2, uniqueItems: true })[0]).toEqual([
      "value",
      "value1",
    ]);
  });

  test("is made for each branch of a union, wherever it stands", () => {
    const union = {
      anyOf: [{ type: "string" }, { type: "object", required: ["a"], properties: { a: { type: "null" } } }],
    };
    expect(sampled({ type: "object", properties: { u: union } })).toEqual([{ u: "u" }, {}, { u: { a: null } }]);
  });

  test("leaves out what `not` forbids", () => {
    const schema = {
      type: "object",
      properties: { a: { type: "string" }, b: { type: "string" } },
      oneOf: [
        { required: ["a"], not: { required: ["b"] } },
        { required: ["b"], not: { required: ["a"] } },
      ],
    };
    expect(sampled(schema)).toEqual([{ a: "a" }, { b: "b" }]);
  });

  test("of a type that admits nothing cannot be made, and the type is named", () => {
    expect(() => sampled({ type: "integer", minimum: 5, maximum: 4 })).toThrow("no value of the type T");
  });
});

test("a fault replaces, adds or removes one value and leaves the sample as it was", () => {
  const value = { a: { "x/y": [1, 2] } };
  expect(withFault(value, { why: "type", at: "/a/x~1y/1", value: "2" })).toEqual({ a: { "x/y": [1, "2"] } });
  expect(withFault(value, { why: "required", at: "/a" })).toEqual({});
  expect(withFault(value, { why: "type", at: "", value: 0 })).toBe(0);
  expect(value).toEqual({ a: { "x/y": [1, 2] } });
});

describe("a text that matches", () => {
  const patterns = [
    ["^[a-z][a-z0-9-]{0,31}$", 1],
    ["^(?!.*--)[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$", 3],
    ["^[A-Z0-9]{4}-[A-Z0-9]{4}$", 0],
    ["\\S", 1],
    ["^UTC[+-]\\d{1,2}(?::[0-5]\\d)?$", 0],
    ["^(?:[A-Z][A-Z0-9_]{0,127}|github-setup-[a-f0-9]{32})$", 20],
    ["^[^\\s\\u0000-\\u001f\\u007f-\\u009f]+$", 12],
    ["^data:image/png;base64,", 40],
  ] as const;
  test.each(patterns)("%s, at least %d characters", (pattern, least) => {
    const text = textMatching(pattern, least);
    expect(text).toMatch(new RegExp(pattern, "u"));
    expect(text!.length).toBeGreaterThanOrEqual(least);
  });

  test("is not found where none fits", () => {
    expect(textMatching("^a{3}$", 0, 2)).toBeNull();
  });
});
