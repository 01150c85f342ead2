import * as Format from "typebox/format";
import { Build } from "typebox/schema";
import { header, type Output, quote } from "./emit.ts";
import { inlineRefs, reachable } from "./schema.ts";
import type { SpecModel } from "./spec.ts";

/** Frames that the transport checks itself. */
const FRAME_TYPES = ["RequestFrame", "ConnectParams"];
/** What nodes answer and the gateway hands on. */
const RELAYED_TYPES = ["ExecApprovalsNodeSnapshot"];

/** The types the gateway must check while it runs: the params of what it implements, frames, and what nodes answer. */
export function runtimeTypes(spec: SpecModel): Set<string> {
  const params = spec.methods.filter((method) => method.status === "implemented").map((method) => method.params);
  const relayed = RELAYED_TYPES.filter((name) => name in spec.definitions);
  return reachable([...FRAME_TYPES, ...relayed, ...params], spec.definitions);
}

interface Compiled {
  name: string;
  /** The body of the check, still with the names `check_N` and `External[N]`. */
  body: string;
}

/** Compiles all types in one go, so that a type which others refer to is compiled once. */
function compileAll(spec: SpecModel): { compiled: Compiled[]; names: Map<string, string>; externals: string[] } {
  const names = [...spec.types.keys()];
  const entry = { anyOf: names.map(($ref) => ({ $ref })) };
  const build = Build(spec.definitions as Record<string, object>, entry);
  if (build.UseUnevaluated()) throw new Error("unevaluated* keywords are not supported");
  const functions = new Map<string, string>();
  for (const text of build.Functions()) {
    const parts = /^const (check_\d+) = (.*)$/s.exec(text);
    if (!parts) throw new Error(`unexpected code of the validator compiler: ${text.slice(0, 80)}`);
    functions.set(parts[1]!, parts[2]!);
  }
  // The entry function calls the check of each type once, in the order of the names.
  const root = /^(check_\d+)\(value\)$/.exec(build.Entry())?.[1] ?? "";
  const order = (functions.get(root) ?? "").match(/check_\d+(?=\(value\))/g) ?? [];
  if (order.length !== names.length) throw new Error("the validator compiler did not give one function per type");
  const functionOf = new Map(order.map((check, index) => [check, names[index]!]));
  const compiled = names.map((name, index) => ({ name, body: functions.get(order[index]!)! }));
  return { compiled, names: functionOf, externals: build.External().variables.map(printExternal) };
}

function printExternal(value: unknown): string {
  if (value instanceof RegExp) return String(value);
  if (typeof value === "function" && (Format as Record<string, unknown>)[value.name] === value) return value.name;
  throw new Error(`the validator compiler needs a value that cannot be printed: ${String(value)}`);
}

/** An access path in the code of a check, `value.params[0]`. */
const PATH = String.raw`((?:value|u\d+)(?:\.\w+|\["[^"\\]*"\])*)`;
/**
 * Shorter code of the same meaning, for the commonest of what the compiler writes: a text of one UTF-16 unit has one code
 * point; an integer is finite; what is not a property is undefined.
 */
const SHORTER: readonly (readonly [RegExp, string])[] = [
  [
    new RegExp(String.raw`\(${PATH}\.length >= 2 \|\| \(\1\.length >= 1 && Guard\.CodePointCount\(\1\) >= 1\)\)`, "g"),
    "$1.length >= 1",
  ],
  [
    new RegExp(
      String.raw`\(Number\.isInteger\(${PATH}\) && \(!\(\(Number\.isFinite\(\1\) \|\| typeof \1 === "bigint"\)\) \|\| `,
      "g",
    ),
    "(Number.isInteger($1) && (",
  ],
  [
    new RegExp(String.raw`\(${PATH}\.(\w+) === undefined \|\| \(!\("\2" in \1\) \|\| `, "g"),
    "($1.$2 === undefined || (",
  ],
  [/\.every\(\((u\d+), u\d+\) => \(\((r\d+\.test\(\1\)) \|\| false\)\)\)/g, ".every(($1) => $2)"],
];

/** Numbers variables within their check, not over all: a new type then changes its own line and no other. */
function tidy(code: string): string {
  const names = new Map<string, string>();
  let out = code.replaceAll(/\bunique_\d+\b/g, (name) => {
    const known = names.get(name) ?? `u${names.size}`;
    names.set(name, known);
    return known;
  });
  for (const [pattern, by] of SHORTER) out = out.replaceAll(pattern, by);
  return out;
}

/** One lazy validator. Regular expressions are made when the type is first checked, once. */
function printLazy({ name, body }: Compiled, names: Map<string, string>, externals: string[]): string {
  const locals: string[] = [];
  const seen = new Map<string, string>();
  const code = body
    .replaceAll(/External\[(\d+)\]/g, (_, index: string) => {
      const text = externals[Number(index)]!;
      if (/^\w+$/.test(text)) return text;
      const known = seen.get(text) ?? `r${seen.size}`;
      if (!seen.has(text)) locals.push(`const ${known} = ${text};`);
      seen.set(text, known);
      return known;
    })
    .replaceAll(/\bcheck_\d+(?=\()/g, (check) => `$${names.get(check)}()`);
  const text = tidy(code);
  if (locals.length === 0) return `export const $${name} = lazy(() => ${text});`;
  return `export const $${name} = lazy(() => { ${locals.join(" ")} return ${text}; });`;
}

function printModule(types: Compiled[], others: Set<string>, names: Map<string, string>, externals: string[]): string {
  const lines = types.map((type) => printLazy(type, names, externals));
  const code = lines.join("\n");
  const imports: string[] = [];
  if (code.includes("Guard.")) imports.push('import { Guard } from "typebox/guard";');
  if (code.includes("Hashing.")) imports.push('import { Hashing } from "typebox/system";');
  // Only what the compiler asked for: the library's other names would hide globals such as Set.
  const formats = [...new Set(externals.filter((text) => /^\w+$/.test(text)))].sort();
  for (const format of formats) {
    if (new RegExp(`\\b${format}\\(`).test(code)) imports.push(`import { ${format} } from "typebox/format";`);
  }
  const borrowed = [...new Set([...code.matchAll(/\$(\w+)\(\)/g)].map((match) => match[1]!))].filter((name) =>
    others.has(name),
  );
  if (borrowed.length > 0) {
    imports.push(
      `import { ${borrowed
        .sort()
        .map((name) => `$${name}`)
        .join(", ")} } from "./validators.ts";`,
    );
  }
  const table = types.map(({ name }) => `  ${name}: $${name},`).join("\n");
  return `// @ts-nocheck
${imports.join("\n")}

function lazy(make: () => (value: unknown) => boolean): () => (value: unknown) => boolean {
  let check: ((value: unknown) => boolean) | undefined;
  return () => (check ??= make());
}

${code}

/** Type name to its check; the check is made when first asked for. */
export const VALIDATORS: Readonly<Record<string, () => (value: unknown) => boolean>> = {
${table}
};
`;
}

/** The schemas behind validators, for error texts; loaded only when a check has failed. */
function printSchemas(spec: SpecModel, table: string, wanted: (name: string) => boolean): string {
  const lines = [...spec.types.values()]
    .filter(({ name }) => wanted(name))
    .map(({ name, schema }) => `  ${quote(name)}: ${JSON.stringify(inlineRefs(schema, spec.definitions))},`);
  return `/** Type name to its JSON schema, references resolved. */
export const ${table}: Readonly<Record<string, object>> = {
${lines.join("\n")}
};
`;
}

export function emitValidators(spec: SpecModel): Output[] {
  const runtime = runtimeTypes(spec);
  const sent = new Set([
    ...spec.methods.filter(({ status }) => status === "implemented").flatMap((m) => [m.result, m.accepted ?? m.result]),
    ...spec.events.filter(({ status }) => status === "implemented").map((event) => event.payload),
  ]);
  const { compiled, names, externals } = compileAll(spec);
  const sources = "spec/upstream/types, spec/chela";
  const now = compiled.filter(({ name }) => runtime.has(name));
  const rest = compiled.filter(({ name }) => !runtime.has(name));
  const head = header("validators.ts", sources);
  return [
    { path: "validators.ts", text: head + printModule(now, new Set(), names, externals) },
    { path: "validators-rest.ts", text: head + printModule(rest, runtime, names, externals) },
    { path: "schemas.ts", text: head + printSchemas(spec, "SCHEMAS", (name) => runtime.has(name)) },
    { path: "schemas-rest.ts", text: head + printSchemas(spec, "ALL_SCHEMAS", (name) => sent.has(name)) },
  ];
}
