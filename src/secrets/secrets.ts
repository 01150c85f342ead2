import { domainToASCII } from "node:url";
import { LIMITS } from "../../generated/limits.ts";
import type {
  SecretsReloadResult,
  SecretsResolveResult,
  SecretsStoreListResult,
  SecretsStoreMutationResult,
  SecretsStoreSetParams,
} from "../../generated/types.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/problem.ts";
import { REDACTED } from "../config/redact.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import type { SecretRepository, StoredSecret } from "./repository.ts";
import { resolveSecrets } from "./resolve.ts";

export interface SecretsOptions {
  repository: SecretRepository;
  config: Pick<Config, "refersToStored" | "reloadSecrets" | "referencedSecrets">;
  clock: Clock;
}

/** The shared store of secrets and the references to it (docs: gateway/secrets/secret-store-and-egress). */
export class Secrets {
  constructor(private readonly options: SecretsOptions) {}

  /** Every entry; the values of those that are for agents' commands, never of secrets. */
  async list(): Promise<SecretsStoreListResult> {
    return { entries: (await this.options.repository.list()).map(shown) };
  }

  /**
   * Stores an entry and, where the configuration refers to it, takes over its value.
   * @throws GatewayError for a value that cannot be one, or when the store is full
   */
  async set(params: SecretsStoreSetParams, updatedBy: string): Promise<SecretsStoreMutationResult> {
    const { name, kind, value, allowedHosts } = params;
    requireOrdinary(name);
    if (kind === "env" && allowedHosts !== undefined)
      throw invalidRequest("Allowed hosts apply only to secret entries.");
    const hosts = allowedHosts && [...new Set(allowedHosts.map(exactHost))];
    checkValue(name, kind, value);
    const { repository, clock } = this.options;
    if (!(await repository.put({ name, kind, value, updatedBy }, hosts, clock.now()))) {
      throw invalidRequest(`The secret store holds ${LIMITS.storedSecrets} entries already; delete one first.`);
    }
    return this.changed(name);
  }

  /** Removes an entry; one that is not there is no error. */
  async delete(name: string): Promise<SecretsStoreMutationResult> {
    requireOrdinary(name);
    await this.options.repository.delete(name);
    return this.changed(name);
  }

  /**
   * Resolves every reference of the configuration again: variables, files, commands and the store. What cannot be
   * resolved is counted.
   * @throws GatewayError when the gateway's own secret has no value any more; what was in force stays
   */
  async reload(): Promise<SecretsReloadResult> {
    try {
      return { ok: true, warningCount: await this.options.config.reloadSecrets() };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const reasons = error.problems.map(({ path, reason }) => `${path}: ${reason}`).join("; ");
      throw new GatewayError("UNAVAILABLE", `secrets were not reloaded, those before stay in force: ${reasons}`);
    }
  }

  /** `secrets.resolve`. @throws GatewayError for wrong params */
  resolve(params: Record<string, unknown>): SecretsResolveResult {
    return resolveSecrets(this.options.config, params);
  }

  private async changed(name: string): Promise<SecretsStoreMutationResult> {
    if (!this.options.config.refersToStored(name)) return { ok: true, reloaded: false };
    try {
      return { ok: true, reloaded: true, warningCount: await this.options.config.reloadSecrets() };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // The store has changed; what is in force has not.
      return { ok: true, reloaded: false, warningCount: error.problems.length };
    }
  }
}

type Entry = SecretsStoreListResult["entries"][number];

function shown(entry: StoredSecret): Entry {
  const { name, createdAt, updatedAt, updatedBy, allowedHosts } = entry;
  const facts = {
    name,
    scopeKind: "team" as const,
    scopeId: "" as const,
    createdAtMs: createdAt,
    updatedAtMs: updatedAt,
    ...(updatedBy !== null && { updatedBy }),
  };
  if (entry.kind === "env") return { ...facts, kind: "env", value: entry.value };
  return { ...facts, kind: "secret", ...(allowedHosts.length > 0 && { allowedHosts }) };
}

/** The protocol has names for entries that setup makes for itself; those are not for callers. */
function requireOrdinary(name: string): void {
  if (name.startsWith("github-setup-")) throw invalidRequest(`The secret store name "${name}" is reserved.`);
}

function checkValue(name: string, kind: StoredSecret["kind"], value: string): void {
  if (kind === "secret" && value === "") {
    throw invalidRequest(
      "Secret store value is empty. Secret entries require a value; check the command that produced it.",
    );
  }
  if (Buffer.byteLength(value) > LIMITS.storedSecretBytes) {
    throw invalidRequest(`Secret store value exceeds ${LIMITS.storedSecretBytes} UTF-8 bytes.`);
  }
  if (value.includes(REDACTED) || (kind === "secret" && /^(\*{3,}|\[redacted\])$/i.test(value.trim()))) {
    throw invalidRequest(
      `Secret store entry "${name}" contains a redaction placeholder. Supply a real value or leave the field unchanged. Run openclaw doctor --fix to repair a store-backed Gateway token.`,
    );
  }
}

/** A host name in the one form in which it is compared. @throws GatewayError when it is no exact host name */
function exactHost(host: string): string {
  if (host.includes("*")) {
    throw invalidRequest(`Allowed host "${host}" cannot contain a wildcard; use one exact hostname.`);
  }
  const ascii = domainToASCII(host.trim().replace(/\.$/, "")).toLowerCase();
  if (/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(ascii)) return ascii;
  throw invalidRequest(`Allowed host "${host}" is not a hostname.`);
}
