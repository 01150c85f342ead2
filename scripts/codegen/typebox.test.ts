import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Check } from "typebox/value";
import * as protocol from "../../generated/typebox.ts";
import { Samples } from "./samples/read.ts";
import { type Definitions, directRefs } from "./schema.ts";
import { loadSpec } from "./spec.ts";
import { declarations } from "./typebox.ts";

const root = join(import.meta.dir, "..", "..");

describe("the TypeBox module of the protocol", () => {
  const spec = loadSpec(root);
  const boxes = protocol as unknown as Record<string, object>;

  test("has every type, after the types it refers to", () => {
    const { PROTOCOL_RELEASE, ...types } = protocol;
    expect(PROTOCOL_RELEASE).toBe(spec.lock.version);
    expect(Object.keys(types).sort()).toEqual([...spec.types.keys()]);
  });

  // That its static types are those of types.ts is checked by generated/typebox-check.ts, which does not compile else.
  test("accepts every valid sample and refuses every invalid one", () => {
    const samples = new Samples(root);
    for (const type of samples.types) {
      const { valid, invalid } = samples.of(type);
      for (const value of valid) expect([type, value, Check(boxes[type]!, value)]).toEqual([type, value, true]);
      for (const { why, at, value } of invalid) {
        expect([type, why, at, Check(boxes[type]!, value)]).toEqual([type, why, at, false]);
      }
    }
  });
});

describe("a type as TypeBox", () => {
  const definitions: Definitions = { Row: { type: "object", properties: { a: {} }, additionalProperties: false } };
  const written = (schema: Definitions[string]) =>
    declarations(["T"], { ...definitions, T: schema })
      .get("T")!
      .replace(/\s+/g, " ");

  test("has its bounds as options", () => {
    const schema = { type: "array", items: { type: "string", pattern: '^[a-z"){(]+$' }, maxItems: 3 };
    expect(written(schema)).toBe(
      'export type T = Static<typeof T> export const T = Type.Array(Type.String({ pattern: "^[a-z\\"){(]+$" }), { maxItems: 3 })',
    );
  });

  test("shares what it refers to, and copies it to bound it", () => {
    expect(written({ $ref: "Row" })).toEndWith("T = Row");
    expect(written({ $ref: "Row", description: "One." })).toEndWith(
      'T = Type.Unsafe<Static<typeof Row>>({ ...Row, ...{ description: "One." } })',
    );
    expect([...directRefs({ $ref: "Row" })]).toEqual(["Row"]);
  });

  test("keeps the JSON schema where there is no builder for it", () => {
    const schema = { type: "object", properties: { n: { type: ["integer", "null"] } }, required: ["n"] };
    expect(written(schema)).toEndWith(
      'T = Type.Object({ n: Type.Unsafe<(number | null)>({"type":["integer","null"]}) })',
    );
  });

  test("that is called like a global is refused, since the codegen would take it for one", () => {
    expect(() => declarations(["Map"], { Map: { type: "string" } })).toThrow("type Map");
  });
});
