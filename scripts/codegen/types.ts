import { type TSchema, Type } from "@sinclair/typebox";
import { ModelToTypeScript } from "@sinclair/typebox-codegen";
import { docComment, header, indentBraces, type Output, propertyKey } from "./emit.ts";
import { isRecord, type Schema } from "./schema.ts";
import type { SpecModel } from "./spec.ts";

/**
 * An object that may carry more than the spec names. `any` rather than `unknown`: an interface is not assignable to
 * `Record<string, unknown>`, and every domain would have to copy its rows to return them.
 */
const OPEN = Type.Record(Type.String(), Type.Any());

function literal(value: unknown): TSchema {
  if (value === null) return Type.Null();
  if (typeof value === "string") return Type.Literal(value.replaceAll("\\", "\\\\").replaceAll("'", "\\'"));
  if (typeof value === "number" || typeof value === "boolean") return Type.Literal(value);
  return Type.Unknown();
}

function union(parts: TSchema[]): TSchema {
  return parts.length === 1 ? parts[0]! : Type.Union(parts);
}

function objectModel(schema: Record<string, unknown>): TSchema {
  const required = new Set((schema.required as string[] | undefined) ?? []);
  const properties = isRecord(schema.properties) ? schema.properties : {};
  const fields: Record<string, TSchema> = {};
  for (const [name, child] of Object.entries(properties)) {
    const model = schemaModel(child as Schema);
    if (required.has(name)) fields[name] = model;
    else fields[propertyKey(name)] = Type.Optional(model);
  }
  const extra = schema.additionalProperties;
  const patterns = isRecord(schema.patternProperties) ? Object.values(schema.patternProperties) : [];
  const isMap = patterns.length > 0 || isRecord(extra);
  if (Object.keys(fields).length === 0) {
    if (isMap) {
      const values = [...patterns, ...(isRecord(extra) ? [extra] : [])].map((child) => schemaModel(child as Schema));
      return Type.Record(Type.String(), union(values));
    }
    return extra === false ? Type.Record(Type.String(), Type.Never()) : OPEN;
  }
  const closed = Type.Object(fields);
  return extra === false && !isMap ? closed : Type.Intersect([closed, OPEN]);
}

function typedModel(type: string, schema: Record<string, unknown>): TSchema {
  switch (type) {
    case "string":
      return Type.String();
    case "number":
    case "integer":
      return Type.Number();
    case "boolean":
      return Type.Boolean();
    case "null":
      return Type.Null();
    case "array":
      if (Array.isArray(schema.items)) return Type.Tuple(schema.items.map((item) => schemaModel(item as Schema)));
      return Type.Array(schema.items === undefined ? Type.Unknown() : schemaModel(schema.items as Schema));
    default:
      return objectModel(schema);
  }
}

/** The type that a schema describes, as a model for typebox-codegen. Bounds on values do not show in types. */
function schemaModel(schema: Schema): TSchema {
  if (schema === false) return Type.Never();
  if (schema === true) return Type.Unknown();
  if (typeof schema.$ref === "string") return Type.Ref(schema.$ref);
  if ("const" in schema) return literal(schema.const);
  if (Array.isArray(schema.enum)) return union(schema.enum.map(literal));
  const parts: TSchema[] = [];
  const branches = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (typeof schema.type === "string" && (schema.type !== "object" || !branches || schema.properties)) {
    parts.push(typedModel(schema.type, schema));
  } else if (Array.isArray(schema.type)) parts.push(union(schema.type.map((type) => typedModel(type, schema))));
  else if (isRecord(schema.properties) && !schema.type && !branches) parts.push(objectModel(schema));
  if (branches) parts.push(union(branches.map(schemaModel)));
  // Members of allOf that only forbid or require something say nothing about the type.
  for (const part of (schema.allOf as Schema[] | undefined) ?? []) {
    if (isRecord(part) && (part.type || part.$ref || part.anyOf || part.oneOf)) parts.push(schemaModel(part));
  }
  if (parts.length === 0) return Type.Unknown();
  return parts.length === 1 ? parts[0]! : Type.Intersect(parts);
}

/** The TypeScript declaration of one type. */
export function typeDeclaration(name: string, schema: Schema): string {
  const model = { ...schemaModel(schema), $id: name } as never;
  return indentBraces(ModelToTypeScript.GenerateType({ types: [model] } as never, name));
}

/** The TypeScript type of a schema, to stand in an expression. */
export function typeText(schema: Schema): string {
  return typeDeclaration("Inline", schema).slice("export type Inline = ".length);
}

export function emitTypes(spec: SpecModel): Output[] {
  const parts = [header("types.ts", "spec/upstream/types, spec/chela")];
  for (const { name, schema } of spec.types.values()) {
    const description = isRecord(schema) && typeof schema.description === "string" ? schema.description : undefined;
    parts.push(`${docComment(description)}${typeDeclaration(name, schema)};\n`);
  }
  return [{ path: "types.ts", text: parts.join("\n") }];
}
