import { type Definitions, identity, inlineRefs, mapSchema, type Schema } from "../codegen/schema.ts";

/** Shorter definitions (a bare string, an empty object) are left in place: a reference would say less than they do. */
const MIN_SHARED_CHARS = 60;

/** Params, results and events belong to one method or event; that another one looks the same today means nothing. */
function isShareable(name: string, schema: Schema): boolean {
  return !/(Params|Result|Event)$/.test(name) && identity(schema).length >= MIN_SHARED_CHARS;
}

/** Of several names for one shape the shortest, then the first in the alphabet. */
function preferred(a: string, b: string): string {
  if (a.length !== b.length) return a.length < b.length ? a : b;
  return a < b ? a : b;
}

/**
 * Upstream's definitions with every subschema that equals a named definition replaced by `{ $ref: Name }`.
 * The largest match wins, since the walk goes top-down. Inlining the result gives the input again; that is checked here,
 * because everything downstream trusts it.
 */
export function dedupe(definitions: Definitions): Definitions {
  const names = new Map<string, string>();
  for (const [name, schema] of Object.entries(definitions)) {
    if (!isShareable(name, schema)) continue;
    const key = identity(schema);
    const known = names.get(key);
    names.set(key, known === undefined ? name : preferred(known, name));
  }
  const lookup = (node: Schema): Schema | undefined => {
    const name = names.get(identity(node));
    return name === undefined ? undefined : { $ref: name };
  };
  const out: Definitions = {};
  for (const [name, schema] of Object.entries(definitions)) {
    const shared = names.get(identity(schema));
    out[name] = shared !== undefined && shared !== name ? { $ref: shared } : mapSchema(schema, lookup);
  }
  for (const [name, schema] of Object.entries(definitions)) {
    if (identity(inlineRefs(out[name]!, out)) !== identity(schema)) {
      throw new Error(`deduplication changed the type ${name}`);
    }
  }
  return out;
}
