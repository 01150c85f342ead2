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
  return walk(tree, configKeys(), "", false, (value, secret) => {
    if (secret) return typeof value === "string" && (value === "" || REFERENCE.test(value)) ? value : REDACTED;
    if (typeof value !== "string") return value;
    return hasCredentials(value) || searched.some((other) => value.includes(other)) ? REDACTED : value;
  }) as Tree;
}

/** Every secret text in a configuration. */
export function secretTexts(tree: Tree): string[] {
  const found = new Set<string>();
  walk(tree, configKeys(), "", false, (value, secret) => {
    if (secret && typeof value === "string" && value !== "" && value !== REDACTED && !REFERENCE.test(value)) {
      found.add(value);
    }
    return value;
  });
  return [...found];
}

type Leaf = (value: string | number, secret: boolean) => unknown;

function walk(value: unknown, key: ConfigKey | undefined, name: string, inside: boolean, leaf: Leaf): unknown {
  const unknownGround = key === undefined || key.t === "any" || (key.t === "map" && !key.m) || (key.t === "object" && !key.k);
  const secret =
    inside ||
    (key !== undefined && isSecretSpec(key)) ||
    (unknownGround && (isSecretKey(name) || SECRET_CONTAINERS.has(name)));
  if (typeof value === "string" || typeof value === "number") return leaf(value, secret);
  if (Array.isArray(value)) return value.map((item) => walk(item, key?.i, name, secret, leaf));
  if (!isTree(value)) return value;
  const reference = secret && isReference(value);
  const out: Tree = {};
  for (const [child, inner] of Object.entries(value)) {
    // Of a reference only what it points at is hidden; its kind says nothing.
    const hidden = reference ? child === "id" : secret;
    const node = reference ? PLAIN : childKey(key, child, inner);
    out[child] = walk(inner, node, child, hidden, leaf);
  }
  return out;
}

const PLAIN: ConfigKey = { t: "string" };

const isReference = (value: Tree): boolean => typeof value.source === "string" && typeof value.id === "string";

const isSecretSpec = (key: ConfigKey): boolean =>
  key.s === 1 || key.t === "secret" || (key.t === "union" && key.o!.some(isSecretSpec));

function childKey(key: ConfigKey | undefined, name: string, value: unknown): ConfigKey | undefined {
  if (key === undefined) return undefined;
  if (key.t === "object") return key.k && Object.hasOwn(key.k, name) ? key.k[name] : undefined;
  if (key.t === "map") return key.m;
  if (key.t !== "union") return undefined;
  for (const part of key.o!) {
    const child = childKey(part, name, value);
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
