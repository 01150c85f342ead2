import { methodTypes, type OwnSpec } from "../codegen/bindings.ts";
import { identity, inlineRefs, isRecord, reachable, type Schema } from "../codegen/schema.ts";
import type { UpstreamLock, UpstreamSpec } from "./spec-files.ts";

export interface Change {
  name: string;
  /**
   * What we have implemented that the change concerns, through params, answers or payload, also where a type of our own
   * stands between: method names, and `event NAME`.
   */
  handlers: string[];
  /** What differs, in words. */
  detail?: string;
}

export interface ChangeSet {
  added: Change[];
  removed: Change[];
  changed: Change[];
}

export interface ImportReport {
  from: Pick<UpstreamLock, "package" | "version"> | null;
  to: Pick<UpstreamLock, "package" | "version">;
  changed: boolean;
  wire: { from: UpstreamLock["wire"]; to: UpstreamLock["wire"] };
  methods: ChangeSet;
  types: ChangeSet;
  totals: { methods: number; types: number };
}

/** For each type of upstream what we have implemented that reaches it. */
function usersByType(spec: UpstreamSpec, own: OwnSpec): Map<string, string[]> {
  const types = { ...spec.types, ...own.types };
  const users = new Map<string, string[]>();
  const note = (user: string, roots: readonly string[]): void => {
    for (const type of reachable(roots, types)) users.set(type, [...(users.get(type) ?? []), user]);
  };
  for (const [method, entry] of Object.entries(own.methods).sort(byKey)) {
    if (entry.status !== "implemented") continue;
    const { params, result } = methodTypes(method, entry, (name) => name in types);
    note(method, [params, result, entry.accepted ?? params]);
  }
  for (const [event, { payload, status }] of Object.entries(own.events).sort(byKey)) {
    if (status === "implemented") note(`event ${event}`, [payload]);
  }
  return users;
}

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

function shapeOf(spec: UpstreamSpec, name: string): string {
  return identity(inlineRefs(spec.types[name]!, spec.types));
}

/** The schema behind an alias (`{ $ref: Other }` alone). */
function unaliased(schema: Schema, spec: UpstreamSpec): Schema {
  const target = isRecord(schema) && typeof schema.$ref === "string" ? spec.types[schema.$ref] : undefined;
  return target === undefined ? schema : unaliased(target, spec);
}

/** The parts of a type that a reader tells apart, by name: properties of an object, branches of a union. */
function parts(schema: Schema): Map<string, string> {
  if (!isRecord(schema)) return new Map();
  const branches = (schema.anyOf ?? schema.oneOf ?? schema.enum) as unknown[] | undefined;
  const properties = Object.entries(isRecord(schema.properties) ? schema.properties : {});
  return new Map([
    ...properties.map(([key, child]) => [key, JSON.stringify(child)] as const),
    ...(Array.isArray(branches) ? branches : []).map((branch, index) => [branchName(branch, index), ""] as const),
  ]);
}

function branchName(branch: unknown, index: number): string {
  if (!isRecord(branch)) return JSON.stringify(branch);
  if (typeof branch.$ref === "string") return branch.$ref;
  if ("const" in branch) return JSON.stringify(branch.const);
  return `branch ${index + 1}${typeof branch.type === "string" ? ` (${branch.type})` : ""}`;
}

/** Which parts of a type came (+), went (-) or changed (~), and whether another is required; else that the rest changed. */
function describeChange(before: Schema, after: Schema): string {
  const old = parts(before);
  const now = parts(after);
  const said = [
    ...[...now.keys()].filter((key) => !old.has(key)).map((key) => `+${key}`),
    ...[...old.keys()].filter((key) => !now.has(key)).map((key) => `-${key}`),
    ...[...now].filter(([key, text]) => old.has(key) && old.get(key) !== text).map(([key]) => `~${key}`),
  ];
  const required = (schema: Schema) =>
    new Set(isRecord(schema) ? ((schema.required as string[] | undefined) ?? []) : []);
  const demanded = [...required(after)].filter((key) => !required(before).has(key));
  const released = [...required(before)].filter((key) => now.has(key) && !required(after).has(key));
  const texts = [
    said.join(" "),
    demanded.length > 0 ? `required now: ${demanded.join(" ")}` : "",
    released.length > 0 ? `optional now: ${released.join(" ")}` : "",
  ];
  return texts.filter(Boolean).join("; ") || "its bounds or the inside of a branch";
}

/**
 * What an import changes. A type counts as changed when its own text differs and its meaning with all references
 * resolved differs too, so that neither a change further down nor a mere renaming of a reference is reported twice.
 */
export function compareSpecs(before: UpstreamSpec | null, after: UpstreamSpec, own: OwnSpec): ImportReport {
  const empty: UpstreamSpec = { ...after, methods: {}, types: {}, families: new Map() };
  const old = before ?? empty;
  const usersNow = usersByType(after, own);
  const usersThen = usersByType(old, own);
  const implemented = (method: string) => (own.methods[method]?.status === "implemented" ? [method] : []);

  const methods: ChangeSet = { added: [], removed: [], changed: [] };
  for (const [name, facts] of Object.entries(after.methods)) {
    const then = old.methods[name];
    if (!then) methods.added.push({ name, handlers: implemented(name), detail: facts.scope });
    else if (then.scope !== facts.scope || then.since !== facts.since) {
      const detail = [
        then.scope === facts.scope ? "" : `scope ${then.scope} > ${facts.scope}`,
        then.since === facts.since ? "" : `since ${then.since} > ${facts.since}`,
      ];
      methods.changed.push({ name, handlers: implemented(name), detail: detail.filter(Boolean).join(", ") });
    }
  }
  for (const name of Object.keys(old.methods)) {
    if (!(name in after.methods)) methods.removed.push({ name, handlers: implemented(name) });
  }

  const types: ChangeSet = { added: [], removed: [], changed: [] };
  for (const [name, schema] of Object.entries(after.types)) {
    const then = old.types[name];
    const handlers = usersNow.get(name) ?? [];
    if (then === undefined) types.added.push({ name, handlers });
    else if (identity(then) !== identity(schema) && shapeOf(old, name) !== shapeOf(after, name)) {
      types.changed.push({ name, handlers, detail: describeChange(unaliased(then, old), unaliased(schema, after)) });
    }
  }
  for (const name of Object.keys(old.types)) {
    if (!(name in after.types)) types.removed.push({ name, handlers: usersThen.get(name) ?? [] });
  }
  const any = [methods, types].some((set) => set.added.length + set.removed.length + set.changed.length > 0);
  return {
    from: before && { package: before.lock.package, version: before.lock.version },
    to: { package: after.lock.package, version: after.lock.version },
    changed: any || JSON.stringify(before?.lock) !== JSON.stringify(after.lock),
    wire: { from: before?.lock.wire ?? null, to: after.lock.wire },
    methods,
    types,
    totals: { methods: after.lock.methods, types: after.lock.types },
  };
}

function renderSet(title: string, set: ChangeSet): string[] {
  const lines = [`${title}: ${set.added.length} added, ${set.removed.length} removed, ${set.changed.length} changed`];
  for (const [mark, changes] of [
    ["+", set.added],
    ["-", set.removed],
    ["~", set.changed],
  ] as const) {
    for (const change of changes) {
      const concerned = change.handlers.length > 0 ? `  -> ${change.handlers.join(", ")}` : "";
      lines.push(`  ${mark} ${change.name}${change.detail ? ` (${change.detail})` : ""}${concerned}`);
    }
  }
  return lines;
}

/** The report as text for a terminal. */
export function renderReport(report: ImportReport): string {
  const concerned = new Set(
    [report.methods, report.types].flatMap((set) =>
      [...set.added, ...set.removed, ...set.changed].flatMap((change) => change.handlers),
    ),
  );
  const from = report.from ? `${report.from.package} ${report.from.version}` : "nothing";
  const wire = (versions: UpstreamLock["wire"]) =>
    versions === null ? "unknown" : Object.entries(versions).flat().join(" ");
  const rewired = report.from !== null && wire(report.wire.from) !== wire(report.wire.to);
  return [
    `${from} > ${report.to.package} ${report.to.version} (${report.totals.methods} methods, ${report.totals.types} types)`,
    ...(rewired ? [`wire versions: ${wire(report.wire.from)} > ${wire(report.wire.to)}`] : []),
    ...renderSet("methods", report.methods),
    ...renderSet("types", report.types),
    `concerns of what is implemented: ${concerned.size === 0 ? "none" : [...concerned].sort().join(", ")}`,
  ].join("\n");
}
