import { type PluginSettings, pluginSwitch } from "../config/plugin-policy.ts";

/** A secret as the configuration may hold it: the text itself, `${NAME}`, `$NAME`, or a reference object. */
export type SecretInput = string | { source: string; provider?: string; id: string };

/** One row of `models.providers.<id>.models`. */
export interface ModelRow {
  id: string;
  name: string;
  api?: string;
  reasoning?: boolean;
  input?: ("text" | "image")[];
  /** Tokens that the model can take. */
  contextWindow?: number;
  /** Tokens that the operator allows it to take. */
  contextTokens?: number;
  maxTokens?: number;
  cost?: { input: number; output: number; cacheRead: number; cacheWrite: number };
  compat: Compat;
  /** Settings that only some APIs know. */
  params: Record<string, unknown>;
}

/** What an endpoint can and cannot take, as `compat` declares it. */
export interface Compat {
  supportedReasoningEfforts?: string[];
  reasoningEffortMap?: Record<string, string>;
  supportsReasoningEffort?: boolean;
  supportsDeveloperRole?: boolean;
  supportsUsageInStreaming?: boolean;
  supportsTools?: boolean;
  maxTokensField?: "max_tokens" | "max_completion_tokens";
}

/** How requests to a provider travel: `models.providers.<id>.request`. */
export interface RequestSettings {
  headers: Record<string, SecretInput>;
  auth?:
    | { mode: "authorization-bearer"; token: SecretInput }
    | { mode: "header"; headerName: string; value: SecretInput; prefix?: string };
  proxy?: string;
  tls?: {
    ca?: string;
    cert?: string;
    key?: string;
    passphrase?: string;
    serverName?: string;
    insecureSkipVerify?: boolean;
  };
  /** True opens link-local and metadata addresses, which are refused otherwise. */
  allowPrivateNetwork?: boolean;
}

/** One entry of `models.providers`. */
export interface ProviderSettings {
  baseUrl?: string;
  api?: string;
  apiKey?: SecretInput;
  authHeader?: boolean;
  headers: Record<string, SecretInput>;
  /** Milliseconds without an answer after which a request is given up. */
  timeoutMs?: number;
  maxTokens?: number;
  contextWindow?: number;
  request: RequestSettings;
  params: Record<string, unknown>;
  models: ModelRow[];
}

/** What `agents.defaults.models["provider/model"]` says of one model. */
export interface ModelPreference {
  alias?: string;
  thinking?: string;
  temperature?: number;
  maxTokens?: number;
  /** Merged into the request body of OpenAI-compatible endpoints; it wins over what we put there. */
  extraBody?: Record<string, unknown>;
  params?: Record<string, unknown>;
}

/** A model choice: the primary reference and what to fall back to. */
export interface ModelChoiceSettings {
  primary?: string;
  fallbacks: string[];
}

/** The part of the configuration that models are chosen and called by. */
export interface ModelSettings {
  /** `replace` leaves out the built-in catalogue and local servers. */
  mode: "merge" | "replace";
  providers: Map<string, ProviderSettings>;
  /** Whether a provider of the catalogue is in use (`plugins`). */
  isInUse(provider: string): boolean;
  /** Whether servers on this machine may be looked for. */
  discovery: boolean;
  /** `agents.defaults.model`. */
  defaults: ModelChoiceSettings;
  /** `agents.defaults.models`, by reference as written. */
  preferences: Map<string, ModelPreference>;
  /** `agents.defaults.modelPolicy.allow`. */
  allow: string[];
  thinkingDefault?: string;
  /** `env.vars`: variables that count where the process environment has none. */
  env: Record<string, string>;
}

type Dict = Record<string, unknown>;

/** The value as a map, or an empty one: configuration is kept as people wrote it, so any key may hold anything. */
export function dict(value: unknown): Dict {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Dict) : {};
}

export const text = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
const positive = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;
const flag = (value: unknown): boolean | undefined => (typeof value === "boolean" ? value : undefined);
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => text(item) !== undefined) : [];

const parsed = new WeakMap<object, ModelSettings>();

/** Reads the model settings out of a configuration; wrong values count as absent. Parsed once per configuration object. */
export function modelSettings(config: object): ModelSettings {
  let settings = parsed.get(config);
  if (!settings) {
    settings = readSettings(config as Dict);
    parsed.set(config, settings);
  }
  return settings;
}

function readSettings(config: Dict): ModelSettings {
  const models = dict(config.models);
  const defaults = dict(dict(config.agents).defaults);
  const env = dict(config.env);
  const shared = preference({ params: defaults.params });
  return {
    mode: models.mode === "replace" ? "replace" : "merge",
    providers: new Map(
      Object.entries(dict(models.providers)).map(([id, raw]) => [id.trim().toLowerCase(), provider(dict(raw))]),
    ),
    isInUse: (id) => pluginSwitch(config as PluginSettings, id).isOn,
    discovery: dict(models.discovery).enabled !== false,
    defaults: modelChoice(defaults.model),
    preferences: new Map(
      Object.entries(dict(defaults.models)).map(([ref, raw]) => [ref, { ...shared, ...preference(dict(raw)) }]),
    ),
    allow: texts(dict(defaults.modelPolicy).allow),
    thinkingDefault: text(defaults.thinkingDefault),
    env: Object.fromEntries(
      Object.entries({ ...env, ...dict(env.vars) }).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      ),
    ),
  };
}

/** A model choice as a string or as `{primary, fallbacks}`. */
export function modelChoice(value: unknown): ModelChoiceSettings {
  if (typeof value === "string") return { primary: text(value), fallbacks: [] };
  const raw = dict(value);
  return { primary: text(raw.primary), fallbacks: texts(raw.fallbacks) };
}

function preference(raw: Dict): ModelPreference {
  const params = dict(raw.params);
  const out: ModelPreference = {
    params: Object.keys(params).length > 0 ? params : undefined,
    alias: text(raw.alias),
    thinking: params.thinking === false ? "off" : text(params.thinking),
    temperature: typeof params.temperature === "number" ? params.temperature : undefined,
    maxTokens: positive(params.maxTokens),
    extraBody:
      params.extra_body || params.extraBody ? { ...dict(params.extraBody), ...dict(params.extra_body) } : undefined,
  };
  return Object.fromEntries(Object.entries(out).filter(([, value]) => value !== undefined));
}

function provider(raw: Dict): ProviderSettings {
  const timeout = positive(raw.timeoutSeconds);
  return {
    baseUrl: text(raw.baseUrl) ?? text(raw.baseURL),
    api: text(raw.api),
    apiKey: secret(raw.apiKey),
    authHeader: flag(raw.authHeader),
    headers: secrets(raw.headers),
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    maxTokens: positive(raw.maxTokens),
    contextWindow: positive(raw.contextWindow),
    request: request(dict(raw.request)),
    params: dict(raw.params),
    models: (Array.isArray(raw.models) ? raw.models : []).map(dict).flatMap(modelRow),
  };
}

function modelRow(raw: Dict): ModelRow[] {
  const id = text(raw.id);
  if (!id) return [];
  const cost = dict(raw.cost);
  const price = (value: unknown) => (typeof value === "number" && value >= 0 ? value : 0);
  const compat = dict(raw.compat);
  return [
    {
      id,
      name: text(raw.name) ?? id,
      api: text(raw.api),
      reasoning: flag(raw.reasoning),
      input: Array.isArray(raw.input)
        ? (raw.input.filter((kind) => kind === "text" || kind === "image") as ("text" | "image")[])
        : undefined,
      contextWindow: positive(raw.contextWindow),
      contextTokens: positive(raw.contextTokens),
      maxTokens: positive(raw.maxTokens),
      params: dict(raw.params),
      cost: raw.cost
        ? {
            input: price(cost.input),
            output: price(cost.output),
            cacheRead: price(cost.cacheRead),
            cacheWrite: price(cost.cacheWrite),
          }
        : undefined,
      compat: {
        supportedReasoningEfforts: Array.isArray(compat.supportedReasoningEfforts)
          ? texts(compat.supportedReasoningEfforts)
          : undefined,
        reasoningEffortMap: compat.reasoningEffortMap
          ? (dict(compat.reasoningEffortMap) as Record<string, string>)
          : undefined,
        supportsReasoningEffort: flag(compat.supportsReasoningEffort),
        supportsDeveloperRole: flag(compat.supportsDeveloperRole),
        supportsUsageInStreaming: flag(compat.supportsUsageInStreaming),
        supportsTools: flag(compat.supportsTools),
        maxTokensField: compat.maxTokensField === "max_completion_tokens" ? "max_completion_tokens" : undefined,
      },
    },
  ];
}

function request(raw: Dict): RequestSettings {
  const auth = dict(raw.auth);
  const proxy = dict(raw.proxy);
  const token = secret(auth.token);
  const value = secret(auth.value);
  const headerName = text(auth.headerName);
  return {
    headers: secrets(raw.headers),
    auth:
      auth.mode === "authorization-bearer" && token
        ? { mode: "authorization-bearer", token }
        : auth.mode === "header" && headerName && value
          ? { mode: "header", headerName, value, prefix: typeof auth.prefix === "string" ? auth.prefix : undefined }
          : undefined,
    proxy: proxy.mode === "explicit-proxy" ? text(proxy.url) : undefined,
    tls: raw.tls ? (dict(raw.tls) as RequestSettings["tls"]) : undefined,
    allowPrivateNetwork: flag(raw.allowPrivateNetwork),
  };
}

function secret(value: unknown): SecretInput | undefined {
  if (typeof value === "string") return text(value);
  const raw = dict(value);
  return typeof raw.source === "string" && typeof raw.id === "string" ? (raw as SecretInput) : undefined;
}

function secrets(value: unknown): Record<string, SecretInput> {
  const out: Record<string, SecretInput> = {};
  for (const [name, raw] of Object.entries(dict(value))) {
    const input = secret(raw);
    if (input !== undefined) out[name] = input;
  }
  return out;
}
