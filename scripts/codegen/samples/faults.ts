import { Check } from "typebox/schema";
import { isRecord, type Schema } from "../schema.ts";
import { type Fault, withFault } from "./read.ts";
import { SampleMaker } from "./valid.ts";

const PER_KEYWORD = 3;
const PER_TYPE = 12;
/** Longer texts and lists are not written down to show that they are too long. */
const MAX_CHARS = 600;
const MAX_ITEMS = 64;

const WRONG_TYPE: Readonly<Record<string, unknown>> = {
  string: 7,
  boolean: "true",
  number: "1",
  object: "text",
  array: {},
};

const pointer = (path: string, key: string | number): string =>
  `${path}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;

/**
 * Faults of a type, at most a dozen, each refused by the schema library: missing and unexpected properties, wrong types,
 * values out of bounds. Empty for a type that admits everything.
 * @param value the first valid sample of the type
 */
export function faultsOf(schema: Schema, value: unknown): Fault[] {
  const maker = new SampleMaker(schema);
  const kept: Fault[] = [];
  const counts = new Map<string, number>();
  // Breadth first: what is wrong with a message itself tells more than what is wrong deep inside.
  const queue: { schema: Schema; value: unknown; path: string }[] = [{ schema, value, path: "" }];
  for (let node = queue.shift(); node !== undefined && kept.length < PER_TYPE; node = queue.shift()) {
    const keywords = maker.keywords(node.schema);
    for (const fault of candidates(keywords, node.value, node.path)) {
      const count = counts.get(fault.why) ?? 0;
      if (count >= PER_KEYWORD || kept.length >= PER_TYPE) continue;
      if (Check(schema as object, withFault(value, fault))) continue;
      counts.set(fault.why, count + 1);
      kept.push(fault);
    }
    queue.push(...children(keywords, node.value, node.path));
  }
  return kept;
}

function children(keywords: Record<string, unknown>, value: unknown, path: string) {
  const {
    properties = {},
    additionalProperties,
    items,
  } = keywords as Record<string, Record<string, Schema> | undefined>;
  if (Array.isArray(value)) {
    return value
      .slice(0, 1)
      .map((item, index) => ({ schema: itemSchema(items, index), value: item, path: pointer(path, index) }));
  }
  if (!isRecord(value)) return [];
  const patterns = Object.values((keywords.patternProperties ?? {}) as Record<string, Schema>);
  const free = patterns[0] ?? (isRecord(additionalProperties) ? (additionalProperties as Schema) : undefined);
  return Object.entries(value).flatMap(([key, child]) => {
    const schema = properties[key] ?? free;
    return schema === undefined ? [] : [{ schema, value: child, path: pointer(path, key) }];
  });
}

const itemSchema = (items: unknown, index: number): Schema => (Array.isArray(items) ? items[index] : items) ?? true;

function* candidates(keywords: Record<string, unknown>, value: unknown, path: string): Generator<Fault> {
  yield { why: "type", at: path, value: WRONG_TYPE[typeOf(value)] ?? 0 };
  if ("const" in keywords || "enum" in keywords) {
    yield {
      why: "const" in keywords ? "const" : "enum",
      at: path,
      value: typeof value === "string" ? `not-${value}` : -1,
    };
  }
  if (typeof value === "string") yield* textFaults(keywords, path);
  else if (typeof value === "number") yield* numberFaults(keywords, path);
  else if (Array.isArray(value)) yield* listFaults(keywords, value, path);
  else if (isRecord(value)) {
    for (const key of Object.keys(value)) yield { why: "required", at: pointer(path, key) };
    yield { why: "additionalProperties", at: pointer(path, "unexpected"), value: true };
  }
}

const typeOf = (value: unknown): string => (Array.isArray(value) ? "array" : value === null ? "null" : typeof value);

function* textFaults(
  { minLength, maxLength, pattern, format }: Record<string, unknown>,
  path: string,
): Generator<Fault> {
  if (typeof minLength === "number" && minLength > 0)
    yield { why: "minLength", at: path, value: "x".repeat(minLength - 1) };
  if (typeof maxLength === "number" && maxLength < MAX_CHARS) {
    yield { why: "maxLength", at: path, value: "x".repeat(maxLength + 1) };
  }
  if (pattern !== undefined) for (const text of [" ", "?!\n", "x"]) yield { why: "pattern", at: path, value: text };
  if (format !== undefined) yield { why: "format", at: path, value: "nothing of the kind" };
}

function* numberFaults({ minimum, maximum, type }: Record<string, unknown>, path: string): Generator<Fault> {
  if (typeof minimum === "number") yield { why: "minimum", at: path, value: minimum - 1 };
  if (typeof maximum === "number" && Number.isSafeInteger(maximum + 1)) {
    yield { why: "maximum", at: path, value: maximum + 1 };
  }
  if (type === "integer") yield { why: "integer", at: path, value: ((minimum as number | undefined) ?? 0) + 0.5 };
}

function* listFaults(
  { minItems, maxItems, uniqueItems }: Record<string, unknown>,
  value: readonly unknown[],
  path: string,
): Generator<Fault> {
  if (typeof minItems === "number" && minItems > 0)
    yield { why: "minItems", at: path, value: value.slice(0, minItems - 1) };
  if (value.length === 0) return;
  if (uniqueItems) yield { why: "uniqueItems", at: path, value: [value[0], value[0]] };
  else if (typeof maxItems === "number" && maxItems < MAX_ITEMS) {
    yield { why: "maxItems", at: path, value: new Array(maxItems + 1).fill(value[0]) };
  }
}
