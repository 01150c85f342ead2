import { type ConfigKey, configKeys, type GatewayConfig } from "../../generated/config.ts";
import type { ConfigPort } from "./types.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables and headers whose name says that their value is secret. */
const SECRET_NAME = /key|token|secret|passw|passphrase|cookie|authorization/i;
/** Keys that are hidden as a whole, although not all below them is secret: there the name decides. */
const NAMED_VALUES = new Set(["vars", "env", "headers"]);
/** The name of a variable in the place of a secret; an object with a `source` refers to one, too. */
const REFERENCE = /^\$?\{?[A-Z][A-Z0-9_]*\}?$/;

/**
 * The secrets of a configuration by value, for masking them wherever they turn up: what its spec calls a secret, and of
 * variables and headers those whose name says so.
 */
export function configuredSecrets(config: GatewayConfig): string[] {
  const found = new Set<string>();
  collect(configKeys(), "", config, false, found);
  return [...found];
}

/** The secrets that this process knows: of the configuration in force and of its environment. Cheap to ask again. */
export function knownSecrets(config: Pick<ConfigPort, "current">, env: Environment): () => readonly string[] {
  let known: { of: GatewayConfig; values: readonly string[] } | undefined;
  return () => {
    const { current } = config;
    if (known?.of !== current)
      known = { of: current, values: [...configuredSecrets(current), ...environmentSecrets(env)] };
    return known.values;
  };
}

/** The values of an environment's variables that are secret by their name. */
export function environmentSecrets(env: Environment): string[] {
  return Object.entries(env).flatMap(([name, value]) => (value && SECRET_NAME.test(name) ? [value.trim()] : []));
}

function collect(key: ConfigKey | undefined, name: string, value: unknown, above: boolean, found: Set<string>): void {
  const secret = above || key?.s === 1 || key?.t === "secret";
  if (typeof value === "string") {
    if (secret && name !== "sessionKey" && !REFERENCE.test(value)) found.add(value);
  } else if (Array.isArray(value)) {
    for (const item of value) collect(key?.i, name, item, secret, found);
  } else if (typeof value === "object" && value !== null && !(secret && "source" in value)) {
    const byName = NAMED_VALUES.has(name) && (secret || key?.m?.t === "secret");
    for (const [child, part] of Object.entries(value)) {
      if (byName && !SECRET_NAME.test(child)) continue;
      collect(childKey(key, child), child, part, secret, found);
    }
  }
}

function childKey(key: ConfigKey | undefined, child: string): ConfigKey | undefined {
  if (key?.o) return key.o.map((option) => childKey(option, child)).find((found) => found !== undefined);
  const own = key?.k !== undefined && Object.hasOwn(key.k, child) ? key.k[child] : undefined;
  return own ?? key?.m;
}
