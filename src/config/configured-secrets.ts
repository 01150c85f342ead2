import type { GatewayConfig } from "../../generated/config.ts";
import type { Tree } from "./json5.ts";
import { REDACTED } from "./redact.ts";
import { mapSecrets } from "./secret-places.ts";
import type { ConfigPort } from "./types.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables and headers whose name says that their value is secret. */
const SECRET_NAME = /key|token|secret|passw|passphrase|cookie|authorization/i;
/** Keys that are hidden as a whole, although not all below them is secret: there the name decides. */
const NAMED_VALUES: ReadonlySet<string> = new Set(["vars", "env", "headers"]);
/** What stands in the place of a secret: a reference to a variable, or the name of one that holds a credential. */
const STANDS_FOR = /^\$\{?[A-Z_][A-Z0-9_]*\}?$|^[A-Z][A-Z0-9_]*_(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$/;

/**
 * The secrets of a configuration by value, for masking them wherever they turn up: what its spec calls a secret, what is
 * named like one where the spec knows nothing, and of variables and headers those whose name says so.
 */
export function configuredSecrets(config: object): string[] {
  const found = new Set<string>();
  mapSecrets(config as Tree, {
    value: (value, isSecret, names) => {
      const isNamed = !NAMED_VALUES.has(names.at(-2) ?? "") || SECRET_NAME.test(names.at(-1)!);
      const counts = isSecret && isNamed && names.at(-1) !== "sessionKey";
      if (counts && typeof value === "string" && value !== REDACTED && !STANDS_FOR.test(value)) found.add(value);
      return value;
    },
    reference: (ref) => ref,
  });
  found.delete("");
  return [...found];
}

/** The secrets that this process knows: of the configuration in force and of its environment. Cheap to ask again. */
export function knownSecrets(config: Pick<ConfigPort, "current" | "env">): () => readonly string[] {
  let known: { of: GatewayConfig; values: readonly string[] } | undefined;
  return () => {
    const { current } = config;
    if (known?.of !== current)
      known = { of: current, values: [...configuredSecrets(current), ...environmentSecrets(config.env ?? {})] };
    return known.values;
  };
}

/** The values of an environment's variables that are secret by their name. */
export function environmentSecrets(env: Environment): string[] {
  return Object.entries(env).flatMap(([name, value]) => (value && SECRET_NAME.test(name) ? [value.trim()] : []));
}
