import { type ConfigKey, configKeys } from "../../generated/config.ts";
import { isSecretKey } from "../platform/secret-keys.ts";
import { isTree, type Tree } from "./json5.ts";

/** A secret that stands elsewhere: in a variable, a file, or behind a command (docs: gateway/secrets). */
export interface SecretRef {
  source: string;
  /** Name of an entry of `secrets.providers`; the source's default one when absent. */
  provider?: string;
  id: string;
}

/** Where the key tree knows nothing, everything below these names counts as secret: they hold credentials as a rule. */
const SECRET_CONTAINERS: ReadonlySet<string> = new Set(["headers", "env"]);

interface Visitor {
  /** @param names the keys above the value, the nearest last; elements of a list have the list's */
  value(value: string | number, isSecret: boolean, names: readonly string[]): unknown;
  /** A reference in the place of a secret. */
  reference(ref: SecretRef, names: readonly string[]): unknown;
}

/**
 * A copy of a configuration with every text, number and secret reference replaced by what the visitor makes of it.
 * Secret is what the key tree calls so, and what is named like one where the tree knows nothing.
 */
export function mapSecrets(tree: Tree, visitor: Visitor): Tree {
  return walk(tree, configKeys(), [], false, visitor) as Tree;
}

function walk(
  value: unknown,
  key: ConfigKey | undefined,
  names: readonly string[],
  inside: boolean,
  visitor: Visitor,
): unknown {
  const name = names.at(-1) ?? "";
  const isOpen = key === undefined || key.t === "any" || (key.t === "map" && !key.m) || (key.t === "object" && !key.k);
  const isSecret =
    inside ||
    (key !== undefined && isSecretSpec(key)) ||
    (isOpen && (isSecretKey(name) || SECRET_CONTAINERS.has(name)));
  if (typeof value === "string" || typeof value === "number") return visitor.value(value, isSecret, names);
  if (Array.isArray(value)) return value.map((item) => walk(item, key?.i, names, isSecret, visitor));
  if (!isTree(value)) return value;
  if (isSecret && isReference(value)) return visitor.reference(value as unknown as SecretRef, names);
  const inner = Object.entries(value).map(([child, part]) => {
    return [child, walk(part, childKey(key, child), [...names, child], isSecret, visitor)] as const;
  });
  return Object.fromEntries(inner);
}

const SOURCES: ReadonlySet<unknown> = new Set(["env", "file", "exec", "store"]);

/** True for an object that is a secret reference and nothing else. */
export function isReference({ source, provider, id, ...others }: Tree): boolean {
  const isNamed = provider === undefined || typeof provider === "string";
  return SOURCES.has(source) && typeof id === "string" && isNamed && Object.keys(others).length === 0;
}

/**
 * True for a pattern of a place that may hold a secret: `models.providers.*.apiKey`. A star stands for any name, `[]`
 * behind a name for any element of its list.
 */
export function isSecretPlace(pattern: string): boolean {
  let key: ConfigKey | undefined = configKeys();
  for (const segment of pattern.split(".")) {
    const isElement = segment.endsWith("[]");
    key = childKey(key, isElement ? segment.slice(0, -2) : segment);
    if (isElement) key = key?.i;
    if (key === undefined) return false;
  }
  return isSecretSpec(key);
}

const isSecretSpec = (key: ConfigKey): boolean =>
  key.s === 1 || key.t === "secret" || (key.t === "union" && key.o!.some(isSecretSpec));

function childKey(key: ConfigKey | undefined, name: string): ConfigKey | undefined {
  if (key === undefined) return undefined;
  if (key.t === "object") return key.k && Object.hasOwn(key.k, name) ? key.k[name] : undefined;
  if (key.t === "map") return key.m;
  if (key.t !== "union") return undefined;
  for (const part of key.o!) {
    const child = childKey(part, name);
    if (child !== undefined) return child;
  }
  return undefined;
}
