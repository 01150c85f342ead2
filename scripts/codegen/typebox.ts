import { TypeScriptToTypeBox } from "@sinclair/typebox-codegen";
import { docComment, header, indentBraces, type Output, propertyKey, quote } from "./emit.ts";
import { type Definitions, directRefs, inlineRefs, isRecord, type Schema } from "./schema.ts";
import type { SpecModel } from "./spec.ts";
import { typeText } from "./types.ts";

/** Keywords that a TypeBox builder takes as options. */
const OPTIONS = new Set([
  "description",
  "deprecated",
  "default",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "pattern",
  "format",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
]);
/** Keywords that the type says or that say nothing about values. */
const STRUCTURE = new Set([
  "type",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "additionalItems",
  "enum",
  "const",
  "anyOf",
  "$ref",
  "patternProperties",
  "discriminator",
  "x-openclaw-since",
]);

/**
 * Writes one schema as a TypeScript type that typebox-codegen turns into TypeBox. What a type cannot say is carried by
 * two generics that the codegen passes through: `Bounded<T, n>` is T with the options of number n, and `Plain<n>` the JSON
 * schema of number n, for keywords that have no builder.
 */
class TypeWriter {
  readonly options: Record<string, unknown>[] = [];
  readonly plain: { schema: Schema; type: string }[] = [];

  constructor(private readonly definitions: Definitions) {}

  write(schema: Schema): string {
    if (!isRecord(schema)) return schema === false ? "never" : "unknown";
    const text = this.structure(schema);
    if (text === null) {
      this.plain.push({ schema: inlineRefs(schema, this.definitions), type: typeText(schema) });
      return `Plain<${this.plain.length - 1}>`;
    }
    const options = Object.fromEntries(Object.entries(schema).filter(([keyword]) => OPTIONS.has(keyword)));
    if (schema.additionalProperties === false && text !== EMPTY) options.additionalProperties = false;
    if (Object.keys(options).length === 0) return text;
    this.options.push(options);
    return `Bounded<${text}, ${this.options.length - 1}>`;
  }

  /** The type without its bounds; null when it takes more than a type to say it. */
  private structure(schema: Record<string, unknown>): string | null {
    if (Object.keys(schema).some((keyword) => !OPTIONS.has(keyword) && !STRUCTURE.has(keyword))) return null;
    if (typeof schema.$ref === "string") return schema.$ref;
    if ("const" in schema) return literal(schema.const);
    if (Array.isArray(schema.enum)) return union(schema.enum.map(literal));
    if (Array.isArray(schema.anyOf)) {
      // Beside properties of its own a union would be an intersection, whose parts must not be closed.
      if (schema.type !== undefined || schema.properties !== undefined) return null;
      return union(schema.anyOf.map((branch) => this.write(branch as Schema)));
    }
    switch (schema.type) {
      case "string":
      case "number":
      case "boolean":
      case "null":
        return schema.type;
      case "integer":
        return "Integer";
      case "array":
        if (Array.isArray(schema.items)) return null;
        return `Array<${schema.items === undefined ? "unknown" : this.write(schema.items as Schema)}>`;
      case "object":
        return this.object(schema);
      case undefined:
        return Object.keys(schema).every((keyword) => OPTIONS.has(keyword)) ? "unknown" : null;
      default:
        return null;
    }
  }

  private object(schema: Record<string, unknown>): string | null {
    const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
    const patterns = Object.entries((schema.patternProperties ?? {}) as Record<string, Schema>);
    const free = isRecord(schema.additionalProperties) ? schema.additionalProperties : undefined;
    if (patterns.length > 0 || free) {
      const isMap = properties.length === 0 && patterns.length + Number(free !== undefined) === 1;
      const [pattern, value] = patterns[0] ?? ["^.*$", free!];
      if (!isMap || pattern !== "^.*$" || schema.required !== undefined) return null;
      return `Record<string, ${this.write(value)}>`;
    }
    if (properties.length === 0 && schema.additionalProperties === false) return EMPTY;
    const required = new Set((schema.required as string[] | undefined) ?? []);
    if ([...required].some((key) => !properties.some(([name]) => name === key))) return null;
    const fields = properties.map(
      ([key, child]) => `${propertyKey(key)}${required.has(key) ? "" : "?"}: ${this.write(child)}`,
    );
    return `{ ${fields.join("; ")} }`;
  }
}

/** An object without any property, as types.ts has it; as TypeBox it admits nothing else either. */
const EMPTY = "Record<string, never>";

const union = (parts: string[]): string => (parts.length === 1 ? parts[0]! : `(${parts.join(" | ")})`);

const literal = (value: unknown): string => (value === null ? "null" : JSON.stringify(value));

/** The end of the bracket that opens at `from`. Quoted text is stepped over. */
function closing(code: string, from: number): number {
  let depth = 0;
  for (let at = from; at < code.length; at++) {
    const char = code[at]!;
    if (char === '"') at = skipString(code, at);
    else if ("([{".includes(char)) depth++;
    else if (")]}".includes(char) && --depth === 0) return at;
  }
  throw new Error("a bracket is not closed");
}

function skipString(code: string, from: number): number {
  for (let at = from + 1; at < code.length; at++) {
    if (code[at] === "\\") at++;
    else if (code[at] === '"') return at;
  }
  throw new Error("a text is not closed");
}

/** Puts the options where `Bounded` stands, innermost first, and the schemas where `Plain` stands. */
function resolveMarkers(code: string, writer: TypeWriter): string {
  let out = code.replaceAll(/\bInteger\b(?=[,)\s]|$)/g, "Type.Integer()");
  out = out.replaceAll(/\bPlain\(Type\.Literal\((\d+)\)\)/g, (_, index: string) => {
    const { schema, type } = writer.plain[Number(index)]!;
    return `Type.Unsafe<${type}>(${JSON.stringify(schema)})`;
  });
  for (let at = out.lastIndexOf("Bounded("); at >= 0; at = out.lastIndexOf("Bounded(")) {
    const end = closing(out, at + "Bounded".length);
    const inside = out.slice(at + "Bounded(".length, end);
    const mark = /, Type\.Literal\((\d+)\)$/.exec(inside)!;
    const type = inside.slice(0, mark.index);
    out = out.slice(0, at) + withOptions(type, writer.options[Number(mark[1])]!) + out.slice(end + 1);
  }
  return out;
}

function withOptions(type: string, options: Record<string, unknown>): string {
  const text = `{ ${Object.entries(options)
    .map(([key, value]) => `${propertyKey(key)}: ${JSON.stringify(value)}`)
    .join(", ")} }`;
  // A reference, which is shared with others: its options go on a copy.
  if (!type.endsWith(")")) return `Type.Unsafe<Static<typeof ${type}>>({ ...${type}, ...${text} })`;
  return type.endsWith("()") ? `${type.slice(0, -1)}${text})` : `${type.slice(0, -1)}, ${text})`;
}

/** Declared so that the codegen finds the names at once; it looks through the whole source for those it does not know. */
const MARKERS = "type Bounded<T, N> = T\ntype Plain<N> = N\ntype Integer = number";
/** How many types are given to the codegen at a time: it is slow to start and slower than linear in the length. */
const BATCH = 64;

/** The TypeBox declarations of types and their static types, by name. */
export function declarations(names: readonly string[], definitions: Definitions): Map<string, string> {
  const out = new Map<string, string>();
  for (let from = 0; from < names.length; from += BATCH) {
    const writer = new TypeWriter(definitions);
    const lines = names.slice(from, from + BATCH).map((name) => {
      if (name in globalThis)
        throw new Error(`type ${name}: typebox-codegen takes the name of a global for something else`);
      return `export type ${name} = ${writer.write(definitions[name]!)}`;
    });
    const code = TypeScriptToTypeBox.Generate([MARKERS, ...lines].join("\n"), { useTypeBoxImport: false });
    for (const part of code.split(/^(?=export type )/m).slice(1)) {
      const [type, ...rest] = part.trim().split("\n");
      const name = /^export type (\w+)/.exec(type!)![1]!;
      out.set(name, `${type}\n${indentBraces(resolveMarkers(rest.join("\n"), writer))}`);
    }
  }
  return out;
}

/** Names in an order in which every type comes after those it refers to. */
function inOrder(definitions: Definitions): string[] {
  const done = new Set<string>();
  const visit = (name: string): void => {
    if (done.has(name)) return;
    for (const ref of [...directRefs(definitions[name]!)].sort()) visit(ref);
    done.add(name);
  };
  for (const name of Object.keys(definitions).sort()) visit(name);
  return [...done];
}

/** `typebox-check.ts`: holds the types of `typebox.ts` against those of `types.ts` whenever types are checked. */
function typeCheck(names: readonly string[]): string {
  const rows = names.map((name) => `  ${name}: Same<Box.${name}, Types.${name}>;`);
  return `${header("typebox.ts", "spec/upstream/types, spec/chela")}
import type * as Box from "./typebox.ts";
import type * as Types from "./types.ts";

/** Each is assignable to the other. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type AllTrue<T extends Record<keyof T, true>> = T;

/** Does not compile when a type of typebox.ts is another than its namesake in types.ts. */
export type Checked = AllTrue<{
${rows.join("\n")}
}>;
`;
}

/** `typebox.ts`: every type of the protocol as TypeBox, for programs that build on it. */
export function emitTypebox(spec: SpecModel): Output[] {
  const order = inOrder(spec.definitions);
  const declared = declarations(order, spec.definitions);
  const parts = order.map((name) => {
    const schema = spec.definitions[name]!;
    const description = isRecord(schema) && typeof schema.description === "string" ? schema.description : undefined;
    return `${docComment(description)}${declared.get(name)}\n`;
  });
  const text = `${header("typebox.ts", "spec/upstream/types, spec/chela")}
import { type Static, Type } from "typebox";

/** The release of upstream whose protocol this is. */
export const PROTOCOL_RELEASE = ${quote(spec.lock.version)};

${parts.join("\n")}`;
  return [
    { path: "typebox.ts", text },
    { path: "typebox-check.ts", text: typeCheck([...spec.types.keys()]) },
  ];
}
