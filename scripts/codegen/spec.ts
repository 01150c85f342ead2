import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readUpstreamSpec, type UpstreamLock } from "../upstream/spec-files.ts";
import { type BindingEntry, methodTypes, pascalCase, UNSTATED } from "./bindings.ts";
import { type Definitions, directRefs, isRecord, type Schema } from "./schema.ts";
import { type Problem, SpecError, SpecFile, suggest } from "./spec-file.ts";

export type Status = "implemented" | "planned";

export interface MethodModel {
  name: string;
  family: string;
  status: Status;
  role: "operator" | "node" | "any";
  /** `dynamic`: a function of the domain decides from the params; `scopeRule` says how. Null: none needed. */
  scope: string | null;
  scopeRule?: string;
  advertised: boolean;
  twoPhase: boolean;
  idempotent: boolean;
  rateLimited: boolean;
  params: string;
  result: string;
  /** Type of the first answer of a two-phase method. */
  accepted?: string;
  /** `transport`: the gateway itself answers, there is no handler. */
  handler?: "transport";
  /** The whole error message for params that do not validate, where upstream does not use the schema's words. */
  errorText?: string;
  since: string;
  origin: "upstream" | "chela";
  note?: string;
}

export interface EventModel {
  name: string;
  payload: string;
  scope: string | null;
  roles: "operator" | "node" | "any";
  droppable: boolean;
  subscription: "sessions" | "session-messages" | null;
  status: Status;
  advertised: boolean;
  note?: string;
}

export interface TypeModel {
  name: string;
  schema: Schema;
  /** The YAML file the type stands in, relative to the repository. */
  file: string;
  origin: "upstream" | "chela";
}

export interface ErrorModel {
  retryable: boolean;
  http: number;
  meaning: string;
}
export interface CloseModel {
  code: number;
  reason: string;
  meaning: string;
}
export interface ScopeModel {
  meaning: string;
  /** Other scopes that a holder of this one holds, too. */
  satisfies?: string[];
}
export interface LimitModel {
  value: number;
  unit: string;
  reason: string;
}

export interface SpecModel {
  lock: UpstreamLock;
  types: Map<string, TypeModel>;
  /** The schemas of `types`, for the functions that resolve references. */
  definitions: Definitions;
  /** Sorted by name. */
  methods: MethodModel[];
  /** Sorted by name. */
  events: EventModel[];
  errors: Record<string, ErrorModel>;
  closes: Record<string, CloseModel>;
  limits: Record<string, LimitModel>;
  scopes: Record<string, ScopeModel>;
}

type EventEntry = Omit<EventModel, "name" | "roles" | "droppable" | "subscription" | "advertised"> &
  Partial<EventModel>;
type ExtensionEntry = BindingEntry & { since: string };
/** Properties that an upstream type gains: put behind the property `after` or at the end. */
interface TypeExtension {
  after?: string;
  properties: Record<string, Schema>;
}
interface ExtensionFile {
  extend?: Record<string, TypeExtension>;
  methods?: Record<string, ExtensionEntry>;
  events?: Record<string, EventEntry>;
  types?: Definitions;
}

/** Reads the whole spec of the repository at `root`. Throws SpecError with every mistake found. */
export function loadSpec(root: string): SpecModel {
  return new SpecLoader(root).load();
}

/** The objects with properties that a schema is, or has as alternatives. */
function objectsOf(schema: unknown): { properties: Record<string, unknown> }[] {
  if (!isRecord(schema)) return [];
  if (Array.isArray(schema.anyOf)) return schema.anyOf.flatMap(objectsOf);
  return isRecord(schema.properties) ? [schema as { properties: Record<string, unknown> }] : [];
}

const byName = <T extends { name: string }>(a: T, b: T) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

class SpecLoader {
  private readonly problems: Problem[] = [];
  private readonly types = new Map<string, TypeModel>();
  private readonly methods: MethodModel[] = [];
  private readonly events: EventModel[] = [];
  private scopes: Record<string, ScopeModel> = {};
  /** Checks that need all types to be known. */
  private readonly later: (() => void)[] = [];

  constructor(private readonly root: string) {}

  load(): SpecModel {
    const upstream = readUpstreamSpec(join(this.root, "spec", "upstream"));
    if (!upstream) throw new SpecError([{ file: "spec/upstream", line: 1, reason: "missing; run import-upstream" }]);
    for (const [name, schema] of Object.entries(upstream.types)) {
      const file = `spec/upstream/types/${upstream.families.get(name)}.yaml`;
      this.types.set(name, { name, schema, file, origin: "upstream" });
    }
    this.readScopes();
    for (const file of this.folder<Definitions>("types", "types")) this.addTypes(file, file.value ?? {}, []);
    const extensions = this.folder<ExtensionFile>("extensions", "extensions");
    const eventFiles = [...this.folder<ExtensionFile>("events", "events"), ...extensions];
    for (const file of eventFiles) this.addTypes(file, file.value?.types ?? {}, ["types"]);
    for (const file of extensions) {
      for (const [name, extension] of Object.entries(file.value?.extend ?? {})) this.extendType(file, name, extension);
    }
    for (const file of eventFiles) this.addEvents(file, file.value?.events ?? {});

    const bindings = this.file<{ methods: Record<string, BindingEntry> }>("bindings.yaml", "bindings");
    const bound = bindings?.value?.methods ?? {};
    for (const name of Object.keys(bound)) {
      if (name in upstream.methods) continue;
      const reason = `upstream has no method ${suggest(name, Object.keys(upstream.methods))}`;
      this.problems.push(bindings!.problem(["methods", name], reason));
    }
    for (const [name, facts] of Object.entries(upstream.methods)) {
      this.addMethod(bindings, name, bound[name] ?? {}, facts.scope, facts.since, "upstream");
    }
    for (const file of extensions) {
      for (const [name, entry] of Object.entries(file.value?.methods ?? {})) {
        if (this.methods.some((method) => method.name === name)) {
          this.problems.push(file.problem(["methods", name], `method ${name} exists already`));
        }
        this.addMethod(file, name, entry, entry.scope ?? "", entry.since, "chela");
      }
    }
    const errors = this.file<{ errors: SpecModel["errors"]; closes: SpecModel["closes"] }>("errors.yaml", "errors");
    const limits = this.file<{ limits: SpecModel["limits"] }>("limits.yaml", "limits");
    if (this.problems.length === 0) for (const check of this.later) check();
    if (this.problems.length > 0) throw new SpecError(this.problems);
    return {
      lock: upstream.lock,
      types: new Map([...this.types].sort(([a], [b]) => (a < b ? -1 : 1))),
      definitions: Object.fromEntries([...this.types].map(([name, type]) => [name, type.schema])),
      methods: this.methods.sort(byName),
      events: this.events.sort(byName),
      errors: errors!.value.errors,
      closes: errors!.value.closes,
      limits: limits!.value.limits,
      scopes: this.scopes,
    };
  }

  private readScopes(): void {
    const file = this.file<{ scopes: SpecModel["scopes"] }>("scopes.yaml", "scopes");
    this.scopes = file?.value?.scopes ?? {};
    for (const [name, { satisfies = [] }] of Object.entries(this.scopes)) {
      for (const scope of satisfies) this.needScope(file!, scope, ["scopes", name, "satisfies"]);
    }
  }

  private open<T>(path: string, schemaName: string): SpecFile<T> {
    const schema = JSON.parse(readFileSync(join(this.root, "spec", "schema", `${schemaName}.json`), "utf8")) as Schema;
    const file = new SpecFile<T>(path, this.root, schema);
    this.problems.push(...file.problems);
    return file;
  }

  private file<T>(name: string, schemaName: string): SpecFile<T> | undefined {
    const path = join(this.root, "spec", "chela", name);
    if (existsSync(path)) return this.open<T>(path, schemaName);
    this.problems.push({ file: `spec/chela/${name}`, line: 1, reason: "missing" });
    return undefined;
  }

  private folder<T>(name: string, schemaName: string): SpecFile<T>[] {
    const path = join(this.root, "spec", "chela", name);
    if (!existsSync(path)) return [];
    const files = readdirSync(path).filter((file) => file.endsWith(".yaml"));
    return files.sort().map((file) => this.open<T>(join(path, file), schemaName));
  }

  private addTypes(file: SpecFile<unknown>, types: Definitions, at: string[]): void {
    for (const [name, schema] of Object.entries(types)) {
      const known = this.types.get(name);
      if (known) this.problems.push(file.problem([...at, name], `type ${name} exists already in ${known.file}`));
      this.types.set(name, { name, schema, file: file.name, origin: "chela" });
      this.later.push(() => {
        for (const ref of directRefs(schema)) this.needType(file, ref, [...at, name]);
      });
    }
  }

  /** `path` is a type name, or a type name and the properties that lead to an object inside it: `HelloOk.auth`. */
  private extendType(file: SpecFile<unknown>, path: string, { after, properties }: TypeExtension): void {
    const [name, ...keys] = path.split(".");
    const type = this.types.get(name!);
    if (type?.origin !== "upstream" || !isRecord(type.schema)) {
      this.problems.push(file.problem(["extend", path], `upstream has no type ${name}`));
      return;
    }
    type.schema = structuredClone(type.schema);
    let targets = objectsOf(type.schema);
    for (const key of keys) targets = targets.flatMap((target) => objectsOf(target.properties[key]));
    if (targets.length === 0) {
      this.problems.push(file.problem(["extend", path], `upstream's ${path} is no object with properties`));
    }
    for (const target of targets) {
      for (const key of Object.keys(properties)) {
        if (!(key in target.properties)) continue;
        this.problems.push(file.problem(["extend", path, "properties", key], `upstream's ${path} has ${key} by now`));
      }
      const entries = Object.entries(target.properties);
      const at = after === undefined ? entries.length : entries.findIndex(([key]) => key === after) + 1;
      if (at === 0) this.problems.push(file.problem(["extend", path, "after"], `${path} has no property ${after}`));
      entries.splice(at, 0, ...Object.entries(properties));
      target.properties = Object.fromEntries(entries);
    }
    this.later.push(() => {
      for (const ref of directRefs({ properties })) this.needType(file, ref, ["extend", path]);
    });
  }

  private needType(file: SpecFile<unknown>, name: string, at: string[]): void {
    if (this.types.has(name)) return;
    this.problems.push(file.problem(at, `unknown type ${suggest(name, this.types.keys())}`));
  }

  private needScope(file: SpecFile<unknown>, scope: string | null | undefined, at: string[]): void {
    if (!scope || scope in this.scopes) return;
    this.problems.push(file.problem(at, `unknown scope ${suggest(scope, Object.keys(this.scopes))}`));
  }

  private addEvents(file: SpecFile<unknown>, events: Record<string, EventEntry>): void {
    for (const [name, entry] of Object.entries(events)) {
      if (this.events.some((event) => event.name === name)) {
        this.problems.push(file.problem(["events", name], `event ${name} exists already`));
      }
      this.needScope(file, entry.scope, ["events", name, "scope"]);
      if (entry.status === "implemented" && entry.payload === UNSTATED) {
        this.problems.push(
          file.problem(["events", name], `${name}: an implemented event needs a payload that is stated`),
        );
      }
      this.later.push(() => this.needType(file, entry.payload, ["events", name, "payload"]));
      this.events.push({
        name,
        payload: entry.payload,
        scope: entry.scope,
        roles: entry.roles ?? "operator",
        droppable: entry.droppable ?? false,
        subscription: entry.subscription ?? null,
        status: entry.status,
        advertised: entry.advertised ?? true,
        note: entry.note,
      });
    }
  }

  private addMethod(
    file: SpecFile<unknown> | undefined,
    name: string,
    entry: BindingEntry,
    scope: string,
    since: string,
    origin: MethodModel["origin"],
  ): void {
    const { params, result } = methodTypes(name, entry, (type) => this.types.has(type));
    const ruled = entry.scope !== undefined ? entry.scope : scope === "node" ? null : scope;
    const role = entry.role ?? (scope === "node" ? "node" : "operator");
    if (file) this.checkMethod(file, name, { ...entry, scope: ruled }, { params, result });
    this.methods.push({
      name,
      family: entry.family ?? name.split(".")[0]!,
      status: entry.status ?? "planned",
      role,
      scope: ruled,
      scopeRule: entry.scopeRule,
      advertised: entry.advertised ?? true,
      twoPhase: entry.twoPhase ?? false,
      idempotent: entry.idempotent ?? false,
      rateLimited: entry.rateLimited ?? false,
      params,
      result,
      accepted: entry.accepted,
      handler: entry.handler,
      errorText: entry.errorText,
      since,
      origin,
      note: entry.note,
    });
  }

  /** What must hold of a method beyond the shape of its entry. */
  private checkMethod(
    file: SpecFile<unknown>,
    name: string,
    entry: BindingEntry,
    { params, result }: { params: string; result: string },
  ): void {
    const refuse = (reason: string, key?: string) =>
      this.problems.push(file.problem(["methods", name, ...(key ? [key] : [])], `${name}: ${reason}`));
    for (const [key, type] of Object.entries({ params, result, accepted: entry.accepted })) {
      if (type) this.later.push(() => this.needType(file, type, ["methods", name, key]));
    }
    if (entry.scope !== "dynamic") this.needScope(file, entry.scope, ["methods", name, "scope"]);
    if (entry.status === "implemented") {
      if (result === UNSTATED)
        refuse(`an implemented method needs a result: state it, or a type named ${pascalCase(name)}Result`);
      if (entry.scope === "dynamic" && !entry.scopeRule)
        refuse("an implemented method of dynamic scope needs a scopeRule");
    }
    if (entry.accepted && !entry.twoPhase) refuse("only a twoPhase method has an accepted type", "accepted");
    if (entry.twoPhase && !entry.accepted)
      refuse("a twoPhase method needs the accepted type, its first answer", "twoPhase");
    this.later.push(() => {
      const schema = this.types.get(params)?.schema;
      const keyed = isRecord(schema) && isRecord(schema.properties) && "idempotencyKey" in schema.properties;
      if (entry.idempotent && !keyed) refuse(`${params} has no idempotencyKey`, "idempotent");
    });
  }
}
