import { type ConfigKey, configKeys } from "../../generated/config.ts";
import { isTree, type Tree } from "./json5.ts";

type Path = readonly (string | number)[];

/** Lays `over` on `base`: objects key by key, anything else replaced; `undefined` leaves what is there. */
export function overlay(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (!isTree(base) || !isTree(over)) return over;
  const out: Tree = { ...base };
  for (const [key, value] of Object.entries(over)) out[key] = overlay(out[key], value);
  return out;
}

/** The value at a path, or undefined. */
export function valueAt(tree: unknown, path: Path): unknown {
  let value = tree;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** A copy of the tree with one value replaced, or removed when it is undefined. */
export function withValue(tree: Tree, path: readonly string[], value: unknown): Tree {
  const [first, ...rest] = path;
  if (first === undefined) return tree;
  const out: Tree = { ...tree };
  const next = rest.length === 0 ? value : withValue(isTree(out[first]) ? out[first] : {}, rest, value);
  if (next === undefined) delete out[first];
  else out[first] = next;
  return out;
}

/** Every key below which two trees differ, down to the first value that is no object in both. Lists count as one value. */
export function changedPaths(before: unknown, after: unknown, path: readonly string[] = []): string[][] {
  if (Object.is(before, after)) return [];
  // An object that comes or goes is judged by what is in it.
  const old = before === undefined && isTree(after) ? {} : before;
  const next = after === undefined && isTree(before) ? {} : after;
  if (isTree(old) && isTree(next)) {
    const names = new Set([...Object.keys(old), ...Object.keys(next)]);
    return [...names].flatMap((name) => changedPaths(old[name], next[name], [...path, name]));
  }
  return Bun.deepEquals(before, after) ? [] : [[...path]];
}

/** What the tree says about a key: its node, and whether a change of it is applied while the gateway runs. */
export function reloadClass(path: readonly string[]): "hot" | "restart" {
  let key: ConfigKey | undefined = configKeys();
  let found: "hot" | "restart" | undefined;
  for (const step of path) {
    key = childOf(key, step);
    if (key === undefined) break;
    found = key.r ?? found;
  }
  // Nothing reads an unknown key, so nothing waits for a restart because of one.
  return found ?? "hot";
}

function childOf(key: ConfigKey | undefined, step: string): ConfigKey | undefined {
  if (key?.k && Object.hasOwn(key.k, step)) return key.k[step];
  if (key?.m) return key.m;
  for (const part of key?.o ?? []) {
    const child = childOf(part, step);
    if (child) return child;
  }
  return undefined;
}

/** Freezes a tree all the way down, so that nobody changes the configuration that others read. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}

/**
 * Every key at which two trees differ. Unlike {@link changedPaths} it goes no deeper than the first key that one of
 * them lacks, so that an object which comes or goes, an empty one too, is named itself.
 */
export function differences(before: unknown, after: unknown, path: readonly string[] = []): string[][] {
  if (!isTree(before) || !isTree(after)) return Bun.deepEquals(before, after) ? [] : [[...path]];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => differences(own(before, name), own(after, name), [...path, name]));
}

const own = (tree: Tree, name: string): unknown => (Object.hasOwn(tree, name) ? tree[name] : undefined);
