import { type CatalogProvider, PROVIDERS } from "../../generated/catalog.ts";
import type { Compat, ModelRow, ModelSettings, ProviderSettings, RequestSettings, SecretInput } from "./settings.ts";

/** A model that could be called: configured, known from the built-in catalogue, or found on a local server. */
export interface ModelEntry {
  provider: string;
  id: string;
  name: string;
  /** The wire format that is spoken, or the configured one when it is none of ours. */
  api: string;
  baseUrl: string;
  reasoning: boolean;
  input: ("text" | "image")[];
  contextWindow?: number;
  /** Tokens that the operator allows it to take; asked of servers that size their context by request. */
  contextTokens?: number;
  maxTokens?: number;
  cost?: { input: number; output: number; cacheRead: number; cacheWrite: number };
  compat: Compat;
  /** `params` of the provider and the model in the configuration. */
  params?: Record<string, unknown>;
  /** Whether the configuration, the built-in catalogue or a local server's own list names it. */
  source: "config" | "catalog" | "local";
}

/** A provider with everything a call to it needs, except the secrets themselves. */
export interface ProviderEntry {
  id: string;
  name: string;
  baseUrl: string;
  api: string;
  apiKey?: SecretInput;
  keyEnv?: readonly string[];
  authHeader: boolean;
  headers: Record<string, SecretInput>;
  request: RequestSettings;
  timeoutMs?: number;
  configured: boolean;
  /** Any model id may be asked for, not only the listed ones. */
  open: boolean;
  models: Map<string, ModelEntry>;
}

/** A model server that answered on this machine. */
export interface LocalServer {
  provider: string;
  name: string;
  baseUrl: string;
  models: { id: string; contextWindow?: number }[];
}

const ALIASES = new Map(
  Object.entries(PROVIDERS).flatMap(([id, { aliases }]) => (aliases ?? []).map((alias) => [alias, id] as const)),
);

/** The provider id as it is compared: lower case, aliases of the catalogue resolved. */
export function providerId(name: string): string {
  const id = name.trim().toLowerCase();
  return ALIASES.get(id) ?? id;
}

/** True when the name belongs to a provider of the catalogue or of the configuration. */
export function isKnownProvider(name: string, settings: ModelSettings): boolean {
  const id = providerId(name);
  return id in PROVIDERS || settings.providers.has(id) || settings.providers.has(name.trim().toLowerCase());
}

/** All providers, configured ones merged over those of the catalogue, in alphabetical order. */
export function buildProviders(settings: ModelSettings, local: readonly LocalServer[]): Map<string, ProviderEntry> {
  const entries = new Map<string, ProviderEntry>();
  if (settings.mode === "merge") {
    for (const [id, known] of Object.entries(PROVIDERS)) {
      if (settings.isInUse(id)) entries.set(id, fromCatalogue(id, known));
    }
  }
  for (const [name, configured] of settings.providers) {
    const id = providerId(name);
    entries.set(id, fromConfig(id, configured, PROVIDERS[id], settings.mode === "merge"));
  }
  if (settings.mode === "merge") for (const server of local) addLocal(entries, server);
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function fromCatalogue(id: string, known: CatalogProvider): ProviderEntry {
  const entry: ProviderEntry = {
    id,
    name: known.name,
    baseUrl: known.baseUrl,
    api: known.api,
    keyEnv: known.keyEnv,
    authHeader: false,
    headers: {},
    request: { headers: {} },
    configured: false,
    open: true,
    models: new Map(),
  };
  for (const model of known.models ?? []) {
    entry.models.set(model.id, {
      provider: id,
      id: model.id,
      name: model.name,
      api: known.api,
      baseUrl: known.baseUrl,
      reasoning: model.reasoning ?? false,
      input: [...(model.input ?? ["text"])] as ("text" | "image")[],
      contextWindow: model.contextWindow,
      maxTokens: model.maxTokens,
      cost: model.cost && { ...model.cost },
      compat: {},
      source: "catalog",
    });
  }
  return entry;
}

function fromConfig(
  id: string,
  settings: ProviderSettings,
  known: CatalogProvider | undefined,
  merge: boolean,
): ProviderEntry {
  const route = spoken(apiOf(settings, known), settings.baseUrl ?? known?.baseUrl ?? "", known);
  const base = known && merge ? fromCatalogue(id, known) : undefined;
  const entry: ProviderEntry = {
    id,
    name: known?.name ?? id,
    ...route,
    apiKey: settings.apiKey,
    keyEnv: known?.keyEnv,
    authHeader: settings.authHeader ?? false,
    headers: { ...settings.headers, ...settings.request.headers },
    request: settings.request,
    timeoutMs: settings.timeoutMs,
    configured: true,
    open: known !== undefined || settings.models.length === 0,
    models: new Map(),
  };
  for (const row of settings.models)
    entry.models.set(row.id, fromRow(entry, row, settings, known, base?.models.get(row.id)));
  for (const [modelId, model] of base?.models ?? []) {
    if (!entry.models.has(modelId)) entry.models.set(modelId, { ...model, ...route });
  }
  return entry;
}

/** The API of a configured provider. Servers that stand in for OpenAI's seldom have its newer one (docs: gateway/local-models). */
function apiOf({ api, baseUrl }: ProviderSettings, known: CatalogProvider | undefined): string {
  if (api !== undefined || known === undefined) return api ?? "openai-completions";
  const isElsewhere = baseUrl !== undefined && baseUrl.replace(/\/+$/, "") !== known.baseUrl;
  return known.api === "openai-responses" && isElsewhere ? "openai-completions" : known.api;
}

function fromRow(
  provider: ProviderEntry,
  row: ModelRow,
  settings: ProviderSettings,
  known: CatalogProvider | undefined,
  listed: ModelEntry | undefined,
): ModelEntry {
  const params = { ...settings.params, ...row.params };
  const route = row.api ? spoken(row.api, settings.baseUrl ?? known?.baseUrl ?? "", known) : provider;
  return {
    provider: provider.id,
    id: row.id,
    name: row.name,
    api: route.api,
    baseUrl: route.baseUrl,
    reasoning: row.reasoning ?? listed?.reasoning ?? false,
    input: row.input?.length ? row.input : (listed?.input ?? ["text"]),
    contextWindow: row.contextTokens ?? row.contextWindow ?? settings.contextWindow ?? listed?.contextWindow,
    ...(row.contextTokens === undefined ? {} : { contextTokens: row.contextTokens }),
    maxTokens: row.maxTokens ?? settings.maxTokens ?? listed?.maxTokens,
    cost: row.cost ?? listed?.cost,
    compat: row.compat,
    ...(Object.keys(params).length > 0 ? { params } : {}),
    source: "config",
  };
}

function addLocal(entries: Map<string, ProviderEntry>, server: LocalServer): void {
  const entry = entries.get(server.provider);
  if (!entry) return;
  for (const { id, contextWindow } of server.models) {
    if (entry.models.has(id)) continue;
    const baseUrl = entry.configured ? entry.baseUrl : server.baseUrl;
    entry.models.set(id, {
      provider: entry.id,
      id,
      name: id,
      api: entry.api,
      baseUrl,
      reasoning: false,
      input: ["text"],
      contextWindow,
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      compat: {},
      source: "local",
    });
  }
  if (!entry.configured) entry.baseUrl = server.baseUrl;
}

/**
 * Where a configured API is spoken. Addresses of servers on this machine are often written without the path of the
 * API; Ollama's own API has none.
 */
function spoken(api: string, baseUrl: string, known: CatalogProvider | undefined): { api: string; baseUrl: string } {
  const base = baseUrl.trim().replace(/\/+$/, "");
  if (api === "ollama") return { api, baseUrl: base.replace(/\/v1$/, "") };
  const hasPath = known?.baseUrl.endsWith("/v1") || known?.api === "ollama";
  const isBare = known?.local && URL.canParse(base) && new URL(base).pathname === "/";
  return { api, baseUrl: api === "openai-completions" && isBare && hasPath ? `${base}/v1` : base };
}
