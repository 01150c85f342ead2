import { pascalCase } from "./bindings.ts";
import { docComment, header, type Output, quote } from "./emit.ts";
import type { MethodModel, SpecModel } from "./spec.ts";

const SOURCES = "spec/upstream/methods.yaml, spec/chela";

/** Methods that a handler answers: implemented, and not by the transport itself. */
export function handledMethods(spec: SpecModel): MethodModel[] {
  return spec.methods.filter((method) => method.status === "implemented" && method.handler !== "transport");
}

function printSpec(method: MethodModel): string {
  const fields: Record<string, unknown> = {
    name: method.name,
    family: method.family,
    role: method.role,
    scope: method.scope,
    advertised: method.advertised,
    twoPhase: method.twoPhase,
    idempotent: method.idempotent,
    rateLimited: method.rateLimited,
    params: method.params,
    result: method.result,
    accepted: method.accepted ?? null,
    errorText: method.errorText ?? null,
  };
  const body = Object.entries(fields).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `  ${quote(method.name)}: { ${body.join(", ")} },`;
}

/** `methods.ts`: the table of what is implemented, and the types of all methods. */
export function emitMethods(spec: SpecModel): Output[] {
  const rows = handledMethods(spec).map(printSpec);
  const map = spec.methods.map(
    (method) =>
      `${docComment(method.scopeRule && `Scope: ${method.scopeRule}`, "  ")}  ${quote(method.name)}: { params: T.${method.params}; result: T.${method.result}; accepted: ${method.accepted ? `T.${method.accepted}` : "never"} };`,
  );
  const text = `${header("methods.ts", SOURCES)}import type * as T from "./types.ts";

export interface MethodSpec {
  readonly name: string;
  /** The handler file: \`src/methods/<family>.ts\`. */
  readonly family: string;
  readonly role: "operator" | "node" | "any";
  /** \`dynamic\`: a function of the domain decides from the params. Null: none needed. */
  readonly scope: string | null;
  /** Listed in \`hello-ok.features.methods\`. */
  readonly advertised: boolean;
  /** Answers twice: the acceptance, then the result. */
  readonly twoPhase: boolean;
  /** Params carry an \`idempotencyKey\`; the same key does not do the work again. */
  readonly idempotent: boolean;
  /** A caller may make only so many of these calls in a minute. */
  readonly rateLimited: boolean;
  /** Type names. */
  readonly params: string;
  readonly result: string;
  readonly accepted: string | null;
  /** The whole error message for wrong params, where upstream does not use the words of the schema. */
  readonly errorText: string | null;
}

/** The implemented methods that have a handler. Every other name is answered as an unknown method. */
export const METHODS = {
${rows.join("\n")}
} as const satisfies Record<string, MethodSpec>;

/** An implemented method. */
export type MethodName = keyof typeof METHODS;

/** The spec of a method by a name from the wire; undefined for what is not implemented. */
export function methodSpec(name: string): MethodSpec | undefined {
  return Object.hasOwn(METHODS, name) ? (METHODS as Record<string, MethodSpec>)[name] : undefined;
}

/** Params, result and first answer of every method of the protocol, implemented here or not. */
export interface MethodMap {
${map.join("\n")}
}
`;
  return [{ path: "methods.ts", text }];
}

/** `handlers.ts`: what the handlers of each family must look like. */
export function emitHandlers(spec: SpecModel): Output[] {
  const families = new Map<string, MethodModel[]>();
  for (const method of handledMethods(spec)) {
    families.set(method.family, [...(families.get(method.family) ?? []), method]);
  }
  const interfaces = [...families]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([family, methods]) => {
      const members = methods.map(
        ({ name, params, result }) => `  ${quote(name)}(params: T.${params}, ctx: Ctx): Awaitable<T.${result}>;`,
      );
      return `/** Handlers of \`src/methods/${family}.ts\`. */
export interface ${handlersName(family)}<Ctx> {
${members.join("\n")}
}
`;
    });
  const all = [...families.keys()].sort().map((family) => `${handlersName(family)}<Ctx>`);
  const text = `${header("methods.ts", SOURCES)}import type * as T from "./types.ts";

type Awaitable<R> = R | Promise<R>;

${interfaces.join("\n")}
/** All handlers. A method of the spec without one, and one without a spec, do not compile. */
export interface Handlers<Ctx>${all.length > 0 ? `\n  extends ${all.join(",\n    ")}` : ""} {}
`;
  return [{ path: "handlers.ts", text }];
}

function handlersName(family: string): string {
  return `${pascalCase(family)}Handlers`;
}
