import { SCOPES } from "../../generated/scopes.ts";
import { hasScope } from "../platform/scopes.ts";

/** True for a scope that exists. Others are never granted without somebody being asked. */
export const isKnownScope = (scope: string): boolean => Object.hasOwn(SCOPES, scope);

/**
 * True when the granted scopes include the wanted one, by itself or through a wider one. Admin stands for every
 * operator scope, also one that a later release brings, but for nothing outside them.
 */
export function covers(granted: readonly string[] | ReadonlySet<string>, wanted: string): boolean {
  const scopes: ReadonlySet<string> = granted instanceof Set ? granted : new Set(granted as readonly string[]);
  return scopes.has(wanted) || (wanted.startsWith("operator.") && hasScope({ scopes }, wanted));
}

export function coversAll(granted: readonly string[] | ReadonlySet<string>, wanted: Iterable<string>): boolean {
  const held = granted instanceof Set ? granted : new Set(granted as readonly string[]);
  for (const scope of wanted) if (!covers(held, scope)) return false;
  return true;
}

/** The scopes as a token records them: sorted, with read and write by admin, and read by write. */
export function expand(scopes: Iterable<string>): string[] {
  const all = new Set(scopes);
  if (all.has("operator.admin")) all.add("operator.write");
  if (all.has("operator.write")) all.add("operator.read");
  return [...all].sort();
}

/** Both lists without repetition, the first one's order first. */
export const union = <T>(first: readonly T[], second: readonly T[]): T[] => [...new Set([...first, ...second])];
