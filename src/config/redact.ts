import { isSecretKey } from "../platform/secret-keys.ts";
import type { Tree } from "./json5.ts";
import { mapSecrets } from "./secret-places.ts";

/** What upstream puts in the place of a secret. A write that brings it back means the value that is stored. */
export const REDACTED = "__OPENCLAW_REDACTED__";

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
  return mapSecrets(tree, {
    value: (value, isSecret) => {
      if (isSecret) return typeof value === "string" && (value === "" || REFERENCE.test(value)) ? value : REDACTED;
      if (typeof value !== "string") return value;
      return hasCredentials(value) || searched.some((other) => value.includes(other)) ? REDACTED : value;
    },
    reference: (ref) => ({ ...ref, id: REDACTED }),
  });
}

/** True for an address that carries a password, or a key among its parameters. */
function hasCredentials(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return url.password !== "" || [...url.searchParams.keys()].some((name) => isSecretKey(name) || name === "key");
}
