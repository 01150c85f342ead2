/** A JSON schema node as the spec holds it. References are by bare name: `{ $ref: "SessionRow" }`. */
export type Schema = Record<string, unknown> | boolean;
export type Definitions = Record<string, Schema>;

/** Keywords whose value is a map from a free name to a schema, so that its keys are no keywords. */
const NAMED_SCHEMAS = new Set(["properties", "patternProperties", "definitions"]);
/** Keywords whose value is data, never a schema. */
const DATA = new Set(["const", "enum", "default", "required", "examples"]);

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Rebuilds a schema top-down. `replace` sees every schema node below the root and may return another node for it;
 * what it returns is not walked again.
 */
export function mapSchema(root: Schema, replace: (node: Schema) => Schema | undefined): Schema {
  const visit = (node: unknown): unknown => {
    if (!isRecord(node)) return node;
    return replace(node) ?? rebuild(node);
  };
  const rebuild = (node: Record<string, unknown>): Record<string, unknown> => {
    const out: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(node)) {
      if (DATA.has(key)) out[key] = value;
      else if (NAMED_SCHEMAS.has(key) && isRecord(value)) {
        out[key] = Object.fromEntries(Object.entries(value).map(([name, child]) => [name, visit(child)]));
      } else if (Array.isArray(value)) out[key] = value.map(visit);
      else out[key] = visit(value);
    }
    return out;
  };
  return typeof root === "boolean" ? root : rebuild(root);
}

/** Names that a schema refers to directly. */
export function directRefs(root: Schema): Set<string> {
  const found = new Set<string>();
  const note = (node: Schema) => {
    if (isRecord(node) && typeof node.$ref === "string") found.add(node.$ref);
    return undefined;
  };
  note(root);
  mapSchema(root, note);
  return found;
}

/** All names reachable from the given ones, themselves included. Unknown names are kept in the result. */
export function reachable(names: Iterable<string>, definitions: Definitions): Set<string> {
  const seen = new Set<string>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const schema = definitions[name];
    if (schema !== undefined) queue.push(...directRefs(schema));
  }
  return seen;
}

/** The schema with every `$ref` replaced by what it names. Throws on an unknown name and on a cycle. */
export function inlineRefs(root: Schema, definitions: Definitions, trail: readonly string[] = []): Schema {
  const resolve = (node: Schema): Schema | undefined => {
    if (!isRecord(node) || typeof node.$ref !== "string") return undefined;
    const name = node.$ref;
    const target = definitions[name];
    if (target === undefined) throw new Error(`unknown type ${name}`);
    if (trail.includes(name)) throw new Error(`type ${name} refers to itself: ${[...trail, name].join(" > ")}`);
    return inlineRefs(target, definitions, [...trail, name]);
  };
  return resolve(root) ?? mapSchema(root, resolve);
}

/** The schema of a type with every reference resolved. */
export const plainSchema = (name: string, definitions: Definitions): Schema =>
  inlineRefs(definitions[name]!, definitions);

/** Two schemas are the same when they have the same keywords in the same order: order decides the order of error texts. */
export function identity(schema: Schema): string {
  return JSON.stringify(schema);
}
