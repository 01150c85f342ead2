import { PROVIDERS } from "../../generated/catalog.ts";
import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Accounts } from "./auth/accounts.ts";
import { buildProviders, type LocalServer, type ModelEntry, type ProviderEntry, providerId } from "./catalogue.ts";
import {
  type Credential,
  credential,
  type Environment,
  environment,
  isMetadataOrigin,
  readSecret,
} from "./credentials.ts";
import { DIALECTS, type Route } from "./dialect.ts";
import { Discovery, type LocalEndpoint } from "./discovery.ts";
import { byKeys, environmentKeys } from "./provider-keys.ts";
import { findModel, refOf } from "./references.ts";
import { type ModelSettings, modelSettings } from "./settings.ts";
import { streamAnswer } from "./stream.ts";
import { type ThinkingFacts, thinkingFacts } from "./thinking.ts";
import {
  type ModelAccount,
  type ModelCaller,
  type ModelEndpoint,
  ModelError,
  type ModelEvent,
  type ModelRequest,
  type ModelSetup,
  type ModelsPort,
  type ResolvedModel,
} from "./types.ts";

interface ModelsOptions {
  config: ConfigPort;
  clock: Clock;
  log: Logger;
  /** Instead of the variables that the configuration sees. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Where local servers are looked for; the default ports unless a test brings its own. */
  endpoints?: readonly LocalEndpoint[];
}

/**
 * The models that can be called: those of the configuration, those of the built-in catalogue, and those that servers
 * on this machine offer. Reads the configuration at every use, so a reload takes effect with the next call.
 */
export class Models implements ModelsPort {
  private readonly config: ConfigPort;
  private readonly given: Readonly<Record<string, string | undefined>> | undefined;
  private readonly discovery: Discovery;
  private readonly log: Logger;
  private readonly listeners = new Set<() => void>();
  private accounts: Accounts | undefined;
  private built: {
    settings: ModelSettings;
    local: readonly LocalServer[];
    providers: Map<string, ProviderEntry>;
  } | null = null;

  constructor({ config, clock, log, env, endpoints }: ModelsOptions) {
    this.config = config;
    this.given = env;
    const changed = () => {
      for (const listener of this.listeners) listener();
    };
    this.log = log.child("models");
    this.discovery = new Discovery({ clock, log: this.log, endpoints, changed });
  }

  /** Told when other local servers, or other models of theirs, have been found. */
  onLocalServers(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** The settings in force. */
  get settings(): ModelSettings {
    return modelSettings(this.config.current);
  }

  /** All providers as known now; local servers as the last look found them. */
  providers(): ReadonlyMap<string, ProviderEntry> {
    const { settings } = this;
    const local = this.discovery.last;
    if (this.built?.settings !== settings || this.built.local !== local) {
      this.built = { settings, local, providers: buildProviders(settings, local) };
    }
    return this.built.providers;
  }

  /** Looks for servers on this machine, unless the configuration forbids it or one looked a moment ago. */
  async discover(fresh = false): Promise<readonly LocalServer[]> {
    const { settings } = this;
    if (!settings.discovery || settings.mode === "replace") return [];
    return this.discovery.servers({ fresh });
  }

  /** What there is for calling a provider: a key, none needed, or what to set. */
  credential(provider: ProviderEntry): Credential {
    const { auth } = provider.request;
    if (auth) {
      const input = auth.mode === "header" ? auth.value : auth.token;
      const secret = readSecret(input, this.environment(), `models.providers.${provider.id}.request.auth`);
      return "value" in secret ? { kind: "key", key: secret.value } : { kind: "missing", hint: secret.missing };
    }
    return credential(provider.id, provider, this.environment());
  }

  /** True when a provider can be called as things are. */
  usable(provider: ProviderEntry): boolean {
    return provider.baseUrl !== "" && this.credential(provider).kind !== "missing";
  }

  async refs(): Promise<string[]> {
    await this.discover();
    const usable = [...this.providers().values()].filter((provider) => this.usable(provider));
    const refs = usable.flatMap((provider) => [...provider.models.values()].map(refOf));
    const first = this.configured();
    return first ? [...new Set([refOf(first), ...refs])] : refs;
  }

  async setup(): Promise<ModelSetup> {
    const env = this.environment();
    const variables = Object.entries(PROVIDERS).flatMap(([provider, { keyEnv, local }]) =>
      local
        ? []
        : (keyEnv ?? []).slice(0, 1).map((variable) => ({
            variable,
            provider,
            present: environmentKeys(provider, keyEnv, env).length > 0,
          })),
    );
    const servers = await this.discover();
    return {
      environment: variables,
      localServers: servers.map(({ name, baseUrl, models }) => ({ name, baseUrl, models: models.map(({ id }) => id) })),
    };
  }

  /**
   * The default model without looking for local servers: `agents.defaults.model`, else the first model of a
   * configured provider, else the first of a provider whose key is in the environment. Null when none is set up.
   */
  configured(): ModelEntry | null {
    const { settings } = this;
    const providers = this.providers();
    if (settings.defaults.primary) return findModel(settings.defaults.primary, providers, settings);
    const all = [...providers.values()].filter(({ models }) => models.size > 0);
    const own = all.find((provider) => provider.configured && this.usable(provider));
    const keyed = () =>
      all.find((provider) => !provider.configured && this.credential(provider).kind === "key" && !isLocal(provider));
    const provider = own ?? keyed();
    return provider ? [...provider.models.values()][0]! : null;
  }

  /** `configured()` with its context window in tokens. */
  defaultModel(): { provider: string; id: string; contextWindow: number } | null {
    const model = this.configured();
    return model && { provider: model.provider, id: model.id, contextWindow: this.contextWindow(model) };
  }

  /** The model that a reference means among those known now, without looking for local servers. */
  find(ref: string): ModelEntry | null {
    return findModel(ref, this.providers(), this.settings);
  }

  async resolve(ref?: string | null): Promise<ResolvedModel | null> {
    const known = ref ? this.find(ref) : this.configured();
    if (known) return resolved(known);
    if (!ref && this.settings.defaults.primary) return null;
    const before = this.discovery.last;
    await this.discover();
    if (this.discovery.last === before && before.length === 0) return null;
    if (ref) {
      const found = this.find(ref);
      return found && resolved(found);
    }
    const local = [...this.providers().values()]
      .flatMap(({ models }) => [...models.values()])
      .find(({ source }) => source === "local");
    return local ? resolved(local) : null;
  }

  /** Tokens that a model takes: as stated, else what is assumed of any. */
  contextWindow(model: ModelEntry): number {
    return model.contextWindow ?? LIMITS.modelContextTokens;
  }

  /** Thinking levels and default of a model; of none: `off` alone. `agentDefault` is the agent's own `thinkingDefault`. */
  thinking(model: ModelEntry | null, agentDefault?: string): ThinkingFacts {
    return thinkingFacts(model, this.settings, agentDefault);
  }

  /** The accounts that are kept; without them each provider has the one key of its configuration. */
  useAccounts(accounts: Accounts): void {
    this.accounts = accounts;
  }

  /**
   * A session prefers an account for a provider from now on; null lets it choose again. The provider's name may be left
   * out of the profile's. @returns the profile's id, or null when the agent has no such account
   */
  async chooseAccount(
    { agentId, sessionKey }: { agentId: string; sessionKey: string },
    provider: string,
    name: string | null,
  ): Promise<string | null> {
    if (!this.accounts) return null;
    const profiles = await this.accounts.profilesOf(agentId, provider);
    const found = name === null ? null : profiles.find(({ id }) => id === name || id === `${provider}:${name}`);
    if (found === undefined) return null;
    await this.accounts.choose(sessionKey, provider, found?.id ?? null);
    return found?.id ?? null;
  }

  accountsFor(model: ResolvedModel, caller: ModelCaller): Promise<ModelAccount[]> {
    return this.accounts?.forCall(model, caller) ?? Promise.resolve([]);
  }

  async *stream(request: ModelRequest): AsyncGenerator<ModelEvent> {
    request.signal.throwIfAborted();
    const { entry, provider } = this.target(request.model);
    const call = (key: string | undefined) =>
      streamAnswer({
        entry,
        request,
        ...this.route(entry, provider, key === undefined ? request.credential : { key, bearer: false }),
        transport: {
          request: provider.request,
          responseTimeoutMs: provider.timeoutMs ?? LIMITS.modelResponseTimeoutMs,
          idleTimeoutMs: provider.timeoutMs ?? LIMITS.modelIdleTimeoutMs,
        },
        preference: this.settings.preferences.get(refOf(entry)),
      });
    const keys = request.credential ? [] : this.rotating(provider);
    const facts = { provider: provider.id, model: entry.id };
    const limited = () => this.log.warn("a key met a rate limit; the next one of the environment is used", facts);
    yield* byKeys(keys.length > 0 ? keys : [undefined], call, limited);
  }

  /** The keys that a call may use, one after another: the provider's own, and where the environment holds it, the others there. */
  private rotating(provider: ProviderEntry): string[] {
    const found = this.credential(provider);
    if (found.kind !== "key" || provider.request.auth) return [];
    const keys = environmentKeys(provider.id, provider.keyEnv, this.environment());
    return keys.includes(found.key) ? [...new Set([found.key, ...keys])] : [];
  }

  /**
   * How a provider is called for something else than an answer, such as vectors. The key is that of its configuration,
   * else that of the first account that can be used.
   * @throws ModelError when it is not set up, or its key is missing
   */
  async endpoint(id: string, caller: ModelCaller): Promise<ModelEndpoint> {
    const provider = this.providers().get(providerId(id));
    if (!provider) {
      throw new ModelError(`${id} is not a configured provider`, {
        provider: id,
        model: "",
        reason: "model_not_found",
      });
    }
    const { id: name, baseUrl, api, request } = provider;
    const entry = {
      provider: name,
      id: "",
      name,
      api,
      baseUrl,
      reasoning: false,
      compat: {},
      source: "config" as const,
    };
    this.checkAddress(provider, baseUrl);
    const model = resolved({ ...entry, input: ["text"] });
    const account =
      this.credential(provider).kind === "missing" ? (await this.accountsFor(model, caller))[0] : undefined;
    const { route, secrets } = this.route({ ...entry, input: ["text"] }, provider, await account?.credential());
    return { provider: name, api, baseUrl, key: route.key, headers: route.headers, request, secrets };
  }

  /** The entry behind a resolved model as it is now; the model as resolved where its provider's list lost it since. */
  private target(model: ResolvedModel): { entry: ModelEntry; provider: ProviderEntry } {
    const facts = { provider: model.provider, model: model.id };
    const provider = this.providers().get(model.provider);
    if (!provider)
      throw new ModelError(`${model.provider} is not a configured provider`, { ...facts, reason: "model_not_found" });
    const entry = provider.models.get(model.id) ?? { ...model, compat: {}, source: "config" };
    if (!DIALECTS.has(entry.api)) {
      const spoken = [...DIALECTS].join(" and ");
      const message = `${model.provider}: the API "${entry.api}" is not supported; supported are ${spoken}`;
      throw new ModelError(message, { ...facts, reason: "format" });
    }
    this.checkAddress(provider, entry.baseUrl, model.id);
    return { entry, provider };
  }

  /** @throws ModelError for an address that is none, or hands out credentials of the machine */
  private checkAddress({ id, request }: ProviderEntry, baseUrl: string, model = ""): void {
    const facts = { provider: id, model, reason: "format" as const };
    if (!/^https?:\/\//.test(baseUrl) || !URL.canParse(baseUrl)) {
      throw new ModelError(`${id}: set models.providers.${id}.baseUrl to the address of its API`, facts);
    }
    if (isMetadataOrigin(baseUrl) && request.allowPrivateNetwork !== true) {
      throw new ModelError(`${id}: its address is link-local or a metadata service, which is refused`, facts);
    }
  }

  /** Where a call goes and what it carries. */
  private route(
    entry: ModelEntry,
    provider: ProviderEntry,
    account: ModelRequest["credential"],
  ): { route: Route; secrets: string[] } {
    const facts = { provider: entry.provider, model: entry.id, reason: "auth" as const };
    const found: Credential = account ? { kind: "key", key: account.key } : this.credential(provider);
    if (found.kind === "missing") throw new ModelError(`No API key for ${provider.name}: ${found.hint}`, facts);
    const key = found.kind === "key" ? found.key : null;
    const secrets = key === null ? [] : [key];
    const headers: Record<string, string> = {};
    for (const [name, input] of Object.entries(provider.headers)) {
      const secret = readSecret(input, this.environment(), `models.providers.${provider.id}.headers.${name}`);
      if ("missing" in secret) throw new ModelError(`${provider.name}: ${secret.missing}`, facts);
      headers[name] = secret.value;
      secrets.push(secret.value);
    }
    const { auth } = provider.request;
    const own = auth?.mode === "header";
    const preference = this.settings.preferences.get(refOf(entry));
    if (own) headers[auth.headerName] = `${auth.prefix ?? ""}${key}`;
    return {
      secrets,
      route: {
        baseUrl: entry.baseUrl,
        key: own ? null : key,
        bearer: account?.bearer || provider.authHeader || auth?.mode === "authorization-bearer",
        headers,
        extraBody: preference?.extraBody,
        ...(entry.params || preference?.params ? { params: { ...entry.params, ...preference?.params } } : {}),
      },
    };
  }

  private environment(): Environment {
    return environment(this.given ?? this.config.env ?? process.env, this.settings.env);
  }
}

/** True for providers that are servers on this machine: their key variables do not mean that they run. */
const isLocal = (provider: ProviderEntry): boolean => PROVIDERS[provider.id]?.local !== undefined;

function resolved(entry: ModelEntry): ResolvedModel {
  const { provider, id, name, api, baseUrl, reasoning, input } = entry;
  const contextWindow = entry.contextWindow ?? LIMITS.modelContextTokens;
  return {
    provider,
    id,
    name,
    api,
    baseUrl,
    reasoning,
    input,
    contextWindow,
    maxTokens: Math.min(entry.maxTokens ?? LIMITS.modelAnswerTokens, contextWindow),
    cost: entry.cost ?? { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  };
}
