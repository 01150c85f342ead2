import { type BindingEntry, methodTypes } from "../codegen/bindings.ts";
import { identity, inlineRefs, reachable, type Schema } from "../codegen/schema.ts";
import type { UpstreamLock, UpstreamSpec } from "./spec-files.ts";

export interface Change {
  name: string;
  /** Implemented methods that the change concerns, through params or result, also transitively. */
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
  methods: ChangeSet;
  types: ChangeSet;
  totals: { methods: number; types: number };
}

type Bindings = Record<string, BindingEntry>;

/** For each type the implemented methods whose params or result reach it. */
function handlersByType(spec: UpstreamSpec, bindings: Bindings): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const [method, entry] of Object.entries(bindings)) {
    if (entry.status !== "implemented") continue;
    const { params, result } = methodTypes(method, entry, (name) => name in spec.types);
    for (const type of reachable([params, result], spec.types)) users.set(type, [...(users.get(type) ?? []), method]);
  }
  return users;
}

function shapeOf(spec: UpstreamSpec, name: string): string {
  return identity(inlineRefs(spec.types[name]!, spec.types));
}

function properties(schema: Schema): Record<string, unknown> {
  const found = typeof schema === "object" ? schema.properties : undefined;
  return typeof found === "object" && found !== null ? (found as Record<string, unknown>) : {};
}

/** Which properties of an object type came, went or changed; empty when the change lies elsewhere. */
function describeChange(before: Schema, after: Schema): string | undefined {
  const old = properties(before);
  const now = properties(after);
  const parts = [
    ...Object.keys(now)
      .filter((key) => !(key in old))
      .map((key) => `+${key}`),
    ...Object.keys(old)
      .filter((key) => !(key in now))
      .map((key) => `-${key}`),
    ...Object.keys(now)
      .filter((key) => key in old && JSON.stringify(old[key]) !== JSON.stringify(now[key]))
      .map((key) => `~${key}`),
  ];
  return parts.length > 0 ? parts.join(" ") : undefined;
}

/**
 * What an import changes. A type counts as changed when its own text differs and its meaning with all references
 * resolved differs too, so that neither a change further down nor a mere renaming of a reference is reported twice.
 */
export function compareSpecs(before: UpstreamSpec | null, after: UpstreamSpec, bindings: Bindings): ImportReport {
  const empty: UpstreamSpec = { ...after, methods: {}, types: {}, families: new Map() };
  const old = before ?? empty;
  const usersNow = handlersByType(after, bindings);
  const usersThen = handlersByType(old, bindings);
  const implemented = (method: string) => (bindings[method]?.status === "implemented" ? [method] : []);

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
      types.changed.push({ name, handlers, detail: describeChange(then, schema) });
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
      const concerned = change.handlers.length > 0 ? `  -> handlers: ${change.handlers.join(", ")}` : "";
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
  return [
    `${from} > ${report.to.package} ${report.to.version} (${report.totals.methods} methods, ${report.totals.types} types)`,
    ...renderSet("methods", report.methods),
    ...renderSet("types", report.types),
    `implemented handlers concerned: ${concerned.size === 0 ? "none" : [...concerned].sort().join(", ")}`,
  ].join("\n");
}
