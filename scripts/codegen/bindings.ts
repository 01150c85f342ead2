import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Definitions } from "./schema.ts";

/** One entry of `spec/chela/bindings.yaml` as it is written. Everything left out has a default, see spec/README.md. */
export interface BindingEntry {
  status?: "implemented" | "planned";
  family?: string;
  params?: string;
  result?: string;
  accepted?: string;
  idempotent?: boolean;
  twoPhase?: boolean;
  rateLimited?: boolean;
  advertised?: boolean;
  role?: "operator" | "node" | "any";
  scope?: string | null;
  scopeRule?: string;
  handler?: "transport";
  errorText?: string;
  note?: string;
}

/** The type that stands for a result nobody has stated yet. */
export const UNSTATED = "Unstated";
/** The type of params that a method takes no notice of. */
export const NO_PARAMS = "NoParams";

/** `sessions.list` gives `SessionsList`, `tts.setProvider` gives `TtsSetProvider`, `set-heartbeats` gives `SetHeartbeats`. */
export function pascalCase(name: string): string {
  return name
    .split(/[.\-_]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}

/** The types of a method: what the binding says, else what the name implies, else no params and an unstated result. */
export function methodTypes(
  method: string,
  entry: BindingEntry | undefined,
  hasType: (name: string) => boolean,
): { params: string; result: string } {
  const conventional = (suffix: string, fallback: string) => {
    const name = pascalCase(method) + suffix;
    return hasType(name) ? name : fallback;
  };
  return {
    params: entry?.params ?? conventional("Params", NO_PARAMS),
    result: entry?.result ?? conventional("Result", UNSTATED),
  };
}

/** What of the hand-written spec an import must know to say whom a change concerns. */
export interface OwnSpec {
  /** Bindings of upstream's methods and methods of our own. */
  methods: Record<string, BindingEntry>;
  events: Record<string, { payload: string; status: "implemented" | "planned" }>;
  types: Definitions;
}

/**
 * Reads `spec/chela` without any checks beyond the shape of YAML: an import must be able to report on a new release that
 * the spec does not fit yet. Empty where files do not exist.
 */
export function readOwnSpec(specFolder: string): OwnSpec {
  const own: OwnSpec = { methods: {}, events: {}, types: {} };
  const root = join(specFolder, "chela");
  const read = (path: string): Partial<OwnSpec> =>
    (Bun.YAML.parse(readFileSync(path, "utf8")) ?? {}) as Partial<OwnSpec>;
  const folder = (name: string): Partial<OwnSpec>[] => {
    if (!existsSync(join(root, name))) return [];
    const files = readdirSync(join(root, name)).filter((file) => file.endsWith(".yaml"));
    return files.sort().map((file) => read(join(root, name, file)));
  };
  const parts = [...folder("events"), ...folder("extensions")];
  if (existsSync(join(root, "bindings.yaml"))) parts.push(read(join(root, "bindings.yaml")));
  for (const { methods, events, types } of parts) {
    Object.assign(own.methods, methods);
    Object.assign(own.events, events);
    Object.assign(own.types, types);
  }
  for (const types of folder("types")) Object.assign(own.types, types);
  return own;
}
