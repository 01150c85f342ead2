import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inlineRefs } from "../../scripts/codegen/schema.ts";
import { loadSpec } from "../../scripts/codegen/spec.ts";
import { describeSchemaIssues } from "./error-text.ts";

interface RecordedFailure {
  id: string;
  /** A method with its params, or a type with a value of it. */
  method?: string;
  params?: unknown;
  type?: string;
  value?: unknown;
  message: string;
}

const root = join(import.meta.dir, "..", "..");
const spec = loadSpec(root);
const recorded = readFileSync(join(root, "fixtures", "protocol", "schema-failures.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as RecordedFailure);

function issues(type: string, value: unknown): string {
  return describeSchemaIssues(inlineRefs(spec.definitions[type]!, spec.definitions) as object, value);
}

describe("what upstream said of params that do not fit", () => {
  for (const { id, method, params, type, value, message } of recorded) {
    test(id, () => {
      if (method === undefined) {
        expect(issues(type!, value)).toBe(message);
        return;
      }
      const binding = spec.methods.find(({ name }) => name === method);
      expect(binding?.name).toBe(method);
      expect(binding!.errorText ?? `invalid ${method} params: ${issues(binding!.params, params)}`).toBe(message);
    });
  }
});

describe("the words of an issue", () => {
  const closed = {
    type: "object",
    properties: { a: { type: "string" } },
    required: ["a"],
    additionalProperties: false,
  };

  test("one missing and one unexpected property of an object at a time", () => {
    const schema = { ...closed, required: ["a", "b"] };
    expect(describeSchemaIssues(schema, { x: 1, y: 2 })).toBe(
      "must have required property 'a'; at root: unexpected property 'x'",
    );
  });

  test("the place of a nested issue is a JSON pointer", () => {
    expect(describeSchemaIssues({ type: "object", properties: { in: closed } }, { in: { a: 1, x: 1 } })).toBe(
      "at /in: unexpected property 'x'; at /in/a: must be string",
    );
  });

  test("a value that is no object at all", () => {
    expect(describeSchemaIssues(closed, "text")).toBe("must be object");
  });

  test("the same words are said once", () => {
    const schema = { anyOf: [closed, { ...closed, required: ["a", "b"] }] };
    expect(describeSchemaIssues(schema, {})).toBe("must have required property 'a'; must match a schema in anyOf");
  });
});
