import { dotted } from "./problem.ts";
import type { Unresolved } from "./secret-refs.ts";

/** What cannot work because a reference to its secret has no value; names no secret. */
export interface DegradedOwner {
  ownerKind: "provider";
  ownerId: string;
  state: "cold";
  paths: string[];
  reason: string;
}

/** The model providers among the owners of unresolved references, as upstream lists them (docs: gateway/secrets/operations). */
export function degradedOwners(unresolved: readonly Unresolved[]): DegradedOwner[] {
  const paths = new Map<string, string[]>();
  for (const { names } of unresolved) {
    const [section, kind, id] = names;
    if (section !== "models" || kind !== "providers" || id === undefined) continue;
    paths.set(id, [...(paths.get(id) ?? []), dotted(names)]);
  }
  const reason = "secret reference was not found";
  return [...paths].map(([ownerId, own]) => ({ ownerKind: "provider", ownerId, state: "cold", paths: own, reason }));
}
