import { type ConfigKey, configKeys } from "../../generated/config.ts";
import { isSecretKey } from "../platform/secret-keys.ts";
import { isTree, type Tree } from "./json5.ts";

/** What upstream puts in the place of a secret. A write that brings it back means the value that is stored. */
export const REDACTED = "__OPENCLAW_REDACTED__";

/** Where the key tree knows nothing, everything below these names counts as secret: they hold credentials as a rule. */
const SECRET_CONTAINERS: ReadonlySet<string> = new Set(["headers", "env"]);
/** Texts that stand for a secret without giving it away. */
const REFERENCE = /^\$\{[A-Z_][A-Z0-9_]*\}$/;
/** Shorter texts are not looked for in others: they stand in too many innocent words. */
const MIN_SEARCHED_CHARS = 6;

/**
 * A copy of a configuration that may be shown: every secret the key tree names, whatever is named like one where the
 * tree knows nothing, addresses with a password in them, and every text that contains one of `known`. References to
 * variables stay (docs: BEHAVIOUR section 9; attack 37).
 */
export function redactTree(tree: Tree, known: readonly string[]): Tree {
  const searched = known.filter((secret) => secret.length >= MIN_SEARCHED_CHARS);
  return mapSecrets(tree, (value, kind) => {
    if (kind !== "plain")
      return typeof value === "string" && (value === "" || REFERENCE.test(value)) ? value : REDACTED;
    if (typeof value !== "string") return value;
    return hasCredentials(value) || searched.some((other) => value.includes(other)) ? REDACTED : value;
  });
}

/** What a value is: `pointer` is where a secret reference points, which is hidden but is no secret by itself. */
type Kind = "plain" | "secret" | "pointer";
/** @param names the keys above the value, the nearest last; elements of a list have the list's */
type Leaf = (value: string | number, kind: Kind, names: readonly string[]) => unknown;

/** A copy of a configuration with every text and number replaced by what `leaf` makes of it. */
export function mapSecrets(tree: Tree, leaf: Leaf): Tree {
  return walk(tree, configKeys(), [], "plain", leaf) as Tree;
}

function walk(value: unknown, key: ConfigKey | undefined, names: readonly string[], above: Kind, leaf: Leaf): unknown {
  const name = names.at(-1) ?? "";
  const isOpen = key === undefined || key.t === "any" || (key.t === "map" && !key.m) || (key.t === "object" && !key.k);
  const isSecret = (key && isSecretSpec(key)) || (isOpen && (isSecretKey(name) || SECRET_CONTAINERS.has(name)));
  const kind = above === "plain" && isSecret ? "secret" : above;
  if (typeof value === "string" || typeof value === "number") return leaf(value, kind, names);
  if (Array.isArray(value)) return value.map((item) => walk(item, key?.i, names, kind, leaf));
  if (!isTree(value)) return value;
  const reference = kind === "secret" && isReference(value);
  const out: Tree = {};
  for (const [child, inner] of Object.entries(value)) {
    // Of a reference only where it points is hidden; its kind says nothing.
    if (reference) out[child] = walk(inner, PLAIN, [...names, child], child === "id" ? "pointer" : "plain", leaf);
    else out[child] = walk(inner, childKey(key, child), [...names, child], kind, leaf);
  }
  return out;
}

const PLAIN: ConfigKey = { t: "string" };

const isReference = (value: Tree): boolean => typeof value.source === "string" && typeof value.id === "string";

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

/** True for an address that carries a password, or a key among its parameters. */
function hasCredentials(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return url.password !== "" || [...url.searchParams.keys()].some((name) => isSecretKey(name) || name === "key");
}
