import { isTree, type Tree } from "./json5.ts";

/**
 * Lays a patch on a configuration (RFC 7396: objects merge, null removes, anything else replaces). Lists of objects that
 * all have an `id` merge by it unless their path is among `replaced` (docs: gateway/configuration/config-rpc).
 */
export function mergePatch(base: unknown, patch: unknown, replaced: ReadonlySet<string>, path = ""): unknown {
  if (Array.isArray(patch) && Array.isArray(base) && !replaced.has(path) && haveIds(base) && haveIds(patch)) {
    const given = new Map(patch.map((item) => [item.id, item]));
    const merged = base.map((item) => {
      const change = given.get(item.id);
      given.delete(item.id);
      return change === undefined ? item : mergePatch(item, change, replaced, `${path}[]`);
    });
    return [...merged, ...[...given.values()].map((item) => mergePatch({}, item, replaced, `${path}[]`))];
  }
  if (!isTree(patch)) return patch;
  const out: Tree = isTree(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = mergePatch(Object.hasOwn(out, key) ? out[key] : undefined, value, replaced, below(path, key));
  }
  return out;
}

/**
 * Paths of lists that would lose elements, or go themselves; those of elements with an `id` have `[]` in them. A whole
 * list that goes is named alone, not the lists within its elements.
 */
export function lostLists(before: unknown, after: unknown, path = ""): string[] {
  if (Bun.deepEquals(before, after)) return [];
  if (isTree(before)) {
    return Object.entries(before).flatMap(([key, value]) => {
      return lostLists(value, isTree(after) && Object.hasOwn(after, key) ? after[key] : undefined, below(path, key));
    });
  }
  if (!Array.isArray(before)) return [];
  if (!Array.isArray(after)) return [path];
  if (!haveIds(before)) return hasAll(after, before) ? [] : [path];
  const kept = new Map(after.filter(isTree).map((item) => [item.id, item]));
  if (!before.every(({ id }) => kept.has(id))) return [path];
  return [...new Set(before.flatMap((item) => lostLists(item, kept.get(item.id), `${path}[]`)))];
}

const below = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

const haveIds = (list: readonly unknown[]): list is Tree[] =>
  list.every((item) => isTree(item) && typeof item.id === "string");

/** Whether a list has every element of another at least as often. */
function hasAll(list: readonly unknown[], wanted: readonly unknown[]): boolean {
  const left = [...list];
  return wanted.every((item) => {
    const place = left.findIndex((other) => Bun.deepEquals(other, item));
    if (place >= 0) left.splice(place, 1);
    return place >= 0;
  });
}
