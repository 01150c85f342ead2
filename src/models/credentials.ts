import { environmentKeys, keyVariables } from "./provider-keys.ts";
import type { SecretInput } from "./settings.ts";

/** Looks an environment variable up; empty ones count as unset. */
export type Variable = (name: string) => string | undefined;

/** Environment variables by name, and the names of those that are there. */
export interface Environment extends Variable {
  /** The names of the variables, set or empty, that begin so. */
  startingWith(prefix: string): string[];
}

/** The environment of the process, and below it the variables that the configuration sets (`env.vars`). */
export function environment(
  process: Readonly<Record<string, string | undefined>>,
  configured: Record<string, string>,
): Environment {
  const value = (name: string) => process[name]?.trim() || configured[name]?.trim() || undefined;
  const names = () => [...new Set([...Object.keys(process), ...Object.keys(configured)])];
  return Object.assign(value, { startingWith: (prefix: string) => names().filter((name) => name.startsWith(prefix)) });
}

/** A secret that was looked up: its value, or in words what has to be set for it. Never put `value` into a message. */
export type Secret = { value: string } | { missing: string };

/** What upstream puts in place of a secret that it does not show; it is never one itself. */
const REDACTED = "__OPENCLAW_REDACTED__";

/**
 * The value behind a secret in the configuration. Upstream's contract (docs: gateway/secrets/secretref-contract):
 * `${NAME}`, `$NAME` and `{source: "env", id}` name a variable and do not fall through when it is unset; a plain
 * text that is the name of a set variable stands for its value.
 * @param where the configuration path, for the hint
 */
export function readSecret(input: SecretInput, env: Variable, where: string): Secret {
  if (typeof input !== "string") {
    if (input.source !== "env") {
      return {
        missing: `${where} is a secret reference of source "${input.source}", which cannot be read; use the value or an env reference`,
      };
    }
    const value = env(input.id);
    return value ? { value } : { missing: `set the environment variable ${input.id}, which ${where} refers to` };
  }
  const name = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$|^\$([A-Z][A-Z0-9_]*)$/.exec(input);
  if (name) {
    const variable = (name[1] ?? name[2])!;
    const value = env(variable);
    return value ? { value } : { missing: `set the environment variable ${variable}, which ${where} refers to` };
  }
  if (input === REDACTED) return { missing: `${where} holds a redaction mark instead of a key; set the key again` };
  const named = /^[A-Z][A-Z0-9_]*$/.test(input) ? env(input) : undefined;
  return { value: named ?? input };
}

/** What there is for calling a provider: a key, the knowledge that none is needed, or what to set. */
export type Credential = { kind: "key"; key: string } | { kind: "none" } | { kind: "missing"; hint: string };

/**
 * The key for a provider: from its configuration, else from its environment variables, else none for a server on
 * this machine or network.
 */
export function credential(
  provider: string,
  facts: { apiKey?: SecretInput; keyEnv?: readonly string[]; baseUrl: string },
  env: Environment,
): Credential {
  const path = `models.providers.${provider}.apiKey`;
  if (facts.apiKey !== undefined) {
    const secret = readSecret(facts.apiKey, env, path);
    return "value" in secret ? { kind: "key", key: secret.value } : { kind: "missing", hint: secret.missing };
  }
  const key = environmentKeys(provider, facts.keyEnv, env)[0];
  if (key) return { kind: "key", key };
  const variables = keyVariables(provider, facts.keyEnv);
  if (isPrivateOrigin(facts.baseUrl)) return { kind: "none" };
  return { kind: "missing", hint: `set the environment variable ${variables[0]}, or ${path} in the configuration` };
}

/** Hosts where servers without keys live: loopback, private networks, `.local` names and bare names. */
export function isPrivateOrigin(baseUrl: string): boolean {
  const host = hostOf(baseUrl);
  if (host === null) return false;
  if (host === "localhost" || host.endsWith(".localhost") || host.endsWith(".local") || host === "::1") return true;
  if (/^(127|10)\.\d+\.\d+\.\d+$|^192\.168\.\d+\.\d+$|^172\.(1[6-9]|2\d|3[01])\.\d+\.\d+$/.test(host)) return true;
  if (/^f[cd][0-9a-f]{2}:/.test(host)) return true;
  return !host.includes(".") && !host.includes(":");
}

/** True for this machine itself. */
export function isLoopback(baseUrl: string): boolean {
  const host = hostOf(baseUrl);
  return host !== null && (host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host));
}

/**
 * Addresses that hand out machine credentials or belong to no provider: link-local, metadata services, local-use
 * NAT64. They stay closed unless the provider's `request.allowPrivateNetwork` is true.
 */
export function isMetadataOrigin(baseUrl: string): boolean {
  const host = hostOf(baseUrl);
  if (host === null) return false;
  return (
    /^169\.254\.\d+\.\d+$|^fe[89ab][0-9a-f]:|^64:ff9b:1:|^fd00:ec2:|^::ffff:a9fe:/.test(host) ||
    host === "100.100.100.200" ||
    host === "metadata" ||
    host === "metadata.google.internal" ||
    host === "metadata.goog"
  );
}

function hostOf(baseUrl: string): string | null {
  if (!URL.canParse(baseUrl)) return null;
  return new URL(baseUrl).hostname
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
}
