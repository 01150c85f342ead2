import { Check } from "typebox/schema";
import { isRecord, type Schema } from "../schema.ts";
import { textMatching } from "./pattern.ts";

type Keywords = Record<string, unknown>;
type Named = Record<string, Schema>;

/** Unions are told apart by the place where they stand; a place that is not listed takes its first branch. */
type Choices = ReadonlyMap<string, number>;

const MAX_VARIANTS = 8;
const UUID = "00000000-0000-4000-8000-000000000000";

/**
 * Values that a type admits: one with every property, one with the required ones alone, then one for each further
 * branch of its unions, as far as the type's other rules allow. Each has been held against the type by the schema library,
 * which interprets it and knows nothing of the generated validators. `schema` has its references resolved.
 * @returns never empty; throws when no value could be found
 */
export function validSamples(name: string, schema: Schema): unknown[] {
  const found: unknown[] = [];
  const texts = new Set<string>();
  const add = (value: unknown): void => {
    const text = JSON.stringify(value);
    if (texts.has(text) || !Check(schema as object, value)) return;
    texts.add(text);
    found.push(value);
  };
  const maker = new SampleMaker(schema);
  add(maker.make(new Map(), true));
  add(maker.make(new Map(), false));
  for (let index = 0; index < maker.branches.length && found.length < MAX_VARIANTS; index++) {
    add(maker.make(maker.branches[index]!, false));
  }
  if (found.length === 0) throw new Error(`no value of the type ${name} could be derived from its schema`);
  return found.slice(0, MAX_VARIANTS);
}

export class SampleMaker {
  /** Choices that lead to branches not taken yet, in the order in which they were met. */
  readonly branches: Choices[] = [];
  private readonly known = new Set<string>();
  private choices: Choices = new Map();
  private full = false;

  constructor(private readonly schema: Schema) {}

  make(choices: Choices, full: boolean): unknown {
    this.choices = choices;
    this.full = full;
    return this.value(this.schema, "", "value");
  }

  private choose(count: number, path: string): number {
    for (let branch = 1; branch < count; branch++) {
      const key = `${path}=${branch}`;
      if (this.known.has(key)) continue;
      this.known.add(key);
      this.branches.push(new Map([...this.choices, [path, branch]]));
    }
    return Math.min(this.choices.get(path) ?? 0, count - 1);
  }

  /** A sample of a branch holds what leads to it, be it optional. */
  private leadsToChoice(path: string): boolean {
    for (const place of this.choices.keys()) if (place.startsWith(path)) return true;
    return false;
  }

  /** As `flatten`, along the branches of the first sample. */
  keywords(schema: Schema): Keywords {
    this.choices = new Map();
    return this.flatten(schema, "");
  }

  /** The keywords of a schema with the members of `allOf` and one branch of its unions folded in. */
  private flatten(schema: Schema, path: string): Keywords {
    if (!isRecord(schema)) return {};
    const { allOf, anyOf, oneOf, ...rest } = schema as { allOf?: Schema[]; anyOf?: Schema[]; oneOf?: Schema[] };
    let out: Keywords = rest;
    for (const [index, part] of (allOf ?? []).entries()) out = merge(out, this.flatten(part, `${path}&${index}`));
    for (const [keyword, parts] of [
      ["|", anyOf],
      ["^", oneOf],
    ] as const) {
      if (!parts) continue;
      // Of a list of constants the first will do; other branches differ in shape and are all worth a sample.
      const fixed = parts.every((part) => isRecord(part) && "const" in part);
      const branch = fixed ? 0 : this.choose(parts.length, path + keyword);
      out = merge(out, this.flatten(parts[branch]!, `${path}${keyword}${branch}`));
    }
    return out;
  }

  private value(schema: Schema, path: string, hint: string): unknown {
    const plain = this.flatten(schema, path);
    const value = this.plainValue(plain, path, hint);
    const { if: condition, then } = plain as { if?: object; then?: Schema };
    if (!condition || !then || !Check(condition, value)) return value;
    return this.plainValue(merge(plain, this.flatten(then, `${path}?`)), path, hint);
  }

  private plainValue(plain: Keywords, path: string, hint: string): unknown {
    if ("const" in plain) return plain.const;
    if (Array.isArray(plain.enum)) return plain.enum[0];
    const type = Array.isArray(plain.type) ? plain.type[0] : plain.type;
    switch (type ?? (plain.properties || plain.required ? "object" : undefined)) {
      case "object":
        return this.object(plain, path);
      case "array":
        return this.array(plain, path, hint);
      case "string":
        return textOf(plain, hint);
      case "integer":
      case "number":
        return numberOf(plain);
      case "boolean":
        return true;
      case "null":
        return null;
      default:
        return plain.pattern ? textOf(plain, hint) : hint;
    }
  }

  private object(plain: Keywords, path: string): Keywords {
    const properties = (plain.properties ?? {}) as Named;
    const required = new Set((plain.required as string[] | undefined) ?? []);
    const forbidden = forbiddenBy(plain.not as Schema | undefined, required);
    const value: Keywords = {};
    for (const [key, child] of Object.entries(properties)) {
      if (child === false || forbidden.has(key)) continue;
      if (!this.full && !required.has(key) && !this.leadsToChoice(`${path}/${key}`)) continue;
      value[key] = this.value(child, `${path}/${key}`, key);
    }
    for (const key of required) if (!(key in value)) value[key] = key;
    const least = (plain.minProperties as number | undefined) ?? 0;
    for (const [key, child] of Object.entries(properties)) {
      if (Object.keys(value).length >= least) break;
      if (!(key in value) && !forbidden.has(key)) value[key] = this.value(child, `${path}/${key}`, key);
    }
    const names = plain.propertyNames as Keywords | undefined;
    const [pattern, free] = Object.entries((plain.patternProperties ?? {}) as Named)[0] ?? [
      (names?.pattern as string | undefined) ?? "^.*$",
      isRecord(plain.additionalProperties) ? plain.additionalProperties : undefined,
    ];
    if (free !== undefined && (this.full || Object.keys(value).length < least || this.leadsToChoice(`${path}/*`))) {
      const key = pattern === "^.*$" ? textOf(names ?? {}, "key") : (textMatching(pattern, 1) ?? "key");
      value[key] = this.value(free, `${path}/*`, key);
    }
    return value;
  }

  private array(plain: Keywords, path: string, hint: string): unknown[] {
    const items = plain.items as Schema | Schema[] | undefined;
    if (Array.isArray(items)) return items.map((item, index) => this.value(item, `${path}/${index}`, hint));
    const contains = plain.contains as Schema | undefined;
    const least = (plain.minItems as number | undefined) ?? 0;
    const most = (plain.maxItems as number | undefined) ?? Number.POSITIVE_INFINITY;
    const list = contains === undefined ? [] : [this.value(contains, `${path}/+`, hint)];
    const some = this.full || this.leadsToChoice(`${path}/-`);
    while (list.length < Math.min(most, Math.max(least, some ? 1 : 0))) {
      const item = this.value(items ?? {}, `${path}/-`, singular(hint));
      list.push(plain.uniqueItems && list.length > 0 ? distinct(item, items, list) : item);
    }
    return list;
  }
}

const singular = (word: string): string => (/[^s]s$/.test(word) ? word.slice(0, -1) : word);

/** Another value of the same schema than the ones in the list: the next constant, or the text with a number. */
function distinct(item: unknown, schema: Schema | undefined, list: readonly unknown[]): unknown {
  const branches = isRecord(schema) ? ((schema.anyOf ?? schema.enum) as unknown[] | undefined) : undefined;
  const next = branches
    ?.map((branch) => (isRecord(branch) ? branch.const : branch))
    .find((each) => !list.includes(each));
  return next ?? (typeof item === "string" ? `${item}${list.length}` : item);
}

/** Properties that must be absent: `not: { required: [a] }`, also as one of several. One of a required pair must go. */
function forbiddenBy(not: Schema | undefined, required: ReadonlySet<string>): Set<string> {
  if (!isRecord(not)) return new Set();
  const parts = [not, ...((not.anyOf as Schema[] | undefined) ?? [])];
  const keys = parts.map((part) => (isRecord(part) ? ((part.required as string[] | undefined) ?? []) : []));
  return new Set(
    keys.filter((names) => names.length > 0).map((names) => names.findLast((key) => !required.has(key)) ?? ""),
  );
}

function textOf(plain: Keywords, hint: string): string {
  if (plain.format === "uuid") return UUID;
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = plain as { minLength?: number; maxLength?: number };
  const patterns = [plain.pattern ?? []].flat() as string[];
  if (
    patterns.every((pattern) => new RegExp(pattern, "u").test(hint)) &&
    hint.length >= minLength &&
    hint.length <= maxLength
  ) {
    return hint;
  }
  const found = patterns.map((pattern) => textMatching(pattern, minLength, maxLength)).find((text) => text !== null);
  return found ?? hint.slice(0, maxLength).padEnd(minLength, "x");
}

function numberOf({ minimum, maximum }: Keywords): number {
  const least = (minimum as number | undefined) ?? 0;
  return Math.min(Math.max(least, 1), (maximum as number | undefined) ?? Number.POSITIVE_INFINITY);
}

/** Two sets of keywords that must both hold, as one. Where both say something the second, more special one wins. */
function merge(a: Keywords, b: Keywords): Keywords {
  const out: Keywords = { ...a, ...b };
  if (isRecord(a.properties) && isRecord(b.properties)) {
    const properties: Named = { ...(a.properties as Named) };
    for (const [key, child] of Object.entries(b.properties as Named)) {
      const other = properties[key];
      properties[key] = isRecord(other) && isRecord(child) ? { allOf: [other, child] } : child;
    }
    out.properties = properties;
  }
  if (a.required && b.required) out.required = [...new Set([...(a.required as string[]), ...(b.required as string[])])];
  if (a.pattern && b.pattern) out.pattern = [a.pattern, b.pattern].flat();
  if (a.not && b.not) out.not = { anyOf: [a.not, b.not].flatMap((not) => (not as Keywords).anyOf ?? [not]) };
  return out;
}
