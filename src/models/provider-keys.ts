import { LIMITS } from "../../generated/limits.ts";
import type { Environment } from "./credentials.ts";
import { ModelError, type ModelEvent } from "./types.ts";

/** The variables that may hold a provider's key: those of the catalogue, else `<PROVIDER>_API_KEY`. */
export function keyVariables(provider: string, known: readonly string[] | undefined): readonly string[] {
  return known ?? [`${provider.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}_API_KEY`];
}

/**
 * Every key of a provider in the environment, without repetition, in upstream's order (docs: gateway/authentication,
 * API key rotation): `OPENCLAW_LIVE_<NAME>_KEY` alone where it is set; else those of `<NAME>_API_KEYS`, `<NAME>_API_KEY`,
 * `<NAME>_API_KEY_*`, and the provider's other variables.
 * @param known the variables of the catalogue; without them the name is the provider's id
 */
export function environmentKeys(provider: string, known: readonly string[] | undefined, env: Environment): string[] {
  const variables = keyVariables(provider, known);
  // The shortest, since some providers also have names for the keys of their plans: MINIMAX_CODING_API_KEY.
  const primary = variables.filter((name) => name.endsWith("_API_KEY")).toSorted((a, b) => a.length - b.length)[0];
  const only = primary && env(`OPENCLAW_LIVE_${primary.replace(/_API_KEY$/, "")}_KEY`);
  if (only) return [only];
  // A `_FILE` beside a secret's variable holds a path by custom, not a key.
  const numbered = primary
    ? env
        .startingWith(`${primary}_`)
        .filter((name) => !/_(FILE|PATH)$/.test(name))
        .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))
    : [];
  const listed = primary ? (env(`${primary}S`) ?? "").split(/[\s,;]+/) : [];
  const single = [...(primary ? [primary] : []), ...numbered, ...variables].map((name) => env(name) ?? "");
  return [...new Set([...listed, ...single])].filter((key) => key !== "").slice(0, LIMITS.modelProviderKeys);
}

/**
 * One call, asked with the next key when one met a rate limit before anything was said; any other failure ends it, and
 * so does that of the last key.
 * @param limited told before another key is asked with
 */
export async function* byKeys(
  keys: readonly (string | undefined)[],
  call: (key: string | undefined) => AsyncGenerator<ModelEvent>,
  limited: () => void,
): AsyncGenerator<ModelEvent> {
  for (const [index, key] of keys.entries()) {
    let hasBegun = false;
    try {
      for await (const event of call(key)) {
        hasBegun = true;
        yield event;
      }
      return;
    } catch (error) {
      const isLimited = error instanceof ModelError && error.facts.reason === "rate_limit";
      if (!isLimited || hasBegun || index + 1 === keys.length) throw error;
      limited();
    }
  }
}
