import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** One entry of `spec/chela/bindings.yaml` as it is written. Everything left out has a default, see spec/README.md. */
export interface BindingEntry {
  status?: "implemented" | "planned";
  family?: string;
  params?: string;
  result?: string;
  accepted?: string;
  idempotent?: boolean;
  twoPhase?: boolean;
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

/** The hand-written bindings, extensions not included; empty when the file does not exist. No checks beyond the shape of YAML. */
export function readBindings(specFolder: string): Record<string, BindingEntry> {
  const path = join(specFolder, "chela", "bindings.yaml");
  if (!existsSync(path)) return {};
  const doc = parse(readFileSync(path, "utf8")) as { methods?: Record<string, BindingEntry> } | null;
  return doc?.methods ?? {};
}
