import { PROVIDERS } from "../../generated/catalog.ts";
import { isMetadataOrigin, readSecret } from "../models/credentials.ts";
import type { Models } from "../models/models.ts";
import type { RequestSettings, SecretInput } from "../models/settings.ts";
import { ModelError } from "../models/types.ts";
import type { MemorySettings } from "./settings.ts";

/** The ways in which vectors are asked for. */
export type EmbeddingDialect = "openai" | "gemini" | "ollama";

/** Whom to ask for vectors. */
export interface EmbeddingTarget {
  /** As the configuration names it. */
  provider: string;
  dialect: EmbeddingDialect;
  baseUrl: string;
  model: string;
  key: string | null;
  headers: Record<string, string>;
  request: RequestSettings;
  secrets: readonly string[];
}

/** There is nobody to ask: no key, no address, or a provider that is not known here. */
export class NoEmbeddings extends Error {}

interface Known {
  dialect: EmbeddingDialect;
  model: string;
  /** Of the catalogue, when it is called otherwise there. */
  provider?: string;
  /** Where the catalogue does not know it. */
  baseUrl?: string;
  keyEnv?: string;
}

/** Upstream's embedding providers with their default models (docs: concepts/memory-search, reference/memory-config). */
const KNOWN: Readonly<Record<string, Known>> = {
  openai: { dialect: "openai", model: "text-embedding-3-small" },
  gemini: { dialect: "gemini", model: "gemini-embedding-001", provider: "google" },
  google: { dialect: "gemini", model: "gemini-embedding-001" },
  mistral: { dialect: "openai", model: "mistral-embed" },
  ollama: { dialect: "ollama", model: "nomic-embed-text" },
  lmstudio: { dialect: "openai", model: "text-embedding-nomic-embed-text-v1.5" },
  voyage: {
    dialect: "openai",
    model: "voyage-4-large",
    baseUrl: "https://api.voyageai.com/v1",
    keyEnv: "VOYAGE_API_KEY",
  },
  deepinfra: {
    dialect: "openai",
    model: "BAAI/bge-m3",
    baseUrl: "https://api.deepinfra.com/v1/openai",
    keyEnv: "DEEPINFRA_API_KEY",
  },
  "openai-compatible": { dialect: "openai", model: "text-embedding-3-small" },
};

/** Engines of upstream's that are none of this gateway. */
const ELSEWHERE: readonly string[] = ["bedrock", "github-copilot", "local"];

export interface EmbeddingDeps {
  models: Pick<Models, "endpoint" | "providers">;
  env: (name: string) => string | undefined;
}

/**
 * Whom the settings mean. Keys and headers of a provider go to the address that the provider has; another address
 * (`remote.baseUrl`) gets only what `remote` itself says.
 * @throws NoEmbeddings with what to set up
 */
export async function embeddingTarget(
  { models, env }: EmbeddingDeps,
  settings: MemorySettings,
  agentId: string,
): Promise<EmbeddingTarget> {
  const { provider, remote } = settings;
  if (provider === "none") throw new NoEmbeddings("No embedding provider available (FTS-only mode)");
  if (ELSEWHERE.includes(provider)) throw new NoEmbeddings(`This gateway has no embeddings of "${provider}".`);
  const known = Object.hasOwn(KNOWN, provider) ? KNOWN[provider] : undefined;
  const configured = models.providers().get(provider);
  const dialect = known?.dialect ?? dialectOf(configured?.api);
  if (!dialect) throw new NoEmbeddings(`"${provider}" is no provider of embeddings.`);
  const model = settings.model ?? known?.model;
  if (model === undefined) throw new NoEmbeddings(`Set memory.search.model for the provider "${provider}".`);
  const own = ownAddress(known, configured?.baseUrl, provider);
  const baseUrl = remote.baseUrl ?? own;
  if (baseUrl === undefined || !/^https?:\/\//.test(baseUrl) || !URL.canParse(baseUrl)) {
    throw new NoEmbeddings(`Set memory.search.remote.baseUrl for the provider "${provider}".`);
  }
  if (isMetadataOrigin(baseUrl))
    throw new NoEmbeddings("The address of the embeddings is refused: a metadata service.");
  const given = remoteSecrets(settings, env);
  const base = { provider, dialect, baseUrl: withoutSlash(baseUrl), model };
  const isOwn = own !== undefined && withoutSlash(own) === base.baseUrl;
  if (!isOwn) return { ...base, ...given, request: { headers: {} }, secrets: given.secrets };
  if (given.key !== null) return { ...base, ...given, request: configured?.request ?? { headers: {} } };
  if (known?.keyEnv && !configured) {
    const key = env(known.keyEnv);
    if (!key) throw new NoEmbeddings(`No API key found for provider "${provider}": set ${known.keyEnv}.`);
    return { ...base, key, headers: given.headers, request: { headers: {} }, secrets: [key, ...given.secrets] };
  }
  try {
    const { key, headers, request, secrets } = await models.endpoint(known?.provider ?? provider, { agentId });
    return {
      ...base,
      key,
      headers: { ...headers, ...given.headers },
      request,
      secrets: [...secrets, ...given.secrets],
    };
  } catch (error) {
    if (error instanceof ModelError)
      throw new NoEmbeddings(`No API key found for provider "${provider}": ${error.message}`);
    throw error;
  }
}

function ownAddress(known: Known | undefined, configured: string | undefined, provider: string): string | undefined {
  const address = configured || known?.baseUrl || PROVIDERS[known?.provider ?? provider]?.baseUrl;
  return address || undefined;
}

function dialectOf(api: string | undefined): EmbeddingDialect | undefined {
  if (api === "ollama") return "ollama";
  if (api === "google-generative-ai") return "gemini";
  return api?.startsWith("openai-") ? "openai" : undefined;
}

/** What `memory.search.remote` itself brings. */
function remoteSecrets(
  { remote }: MemorySettings,
  env: EmbeddingDeps["env"],
): { key: string | null; headers: Record<string, string>; secrets: string[] } {
  const secrets: string[] = [];
  const read = (input: SecretInput, where: string): string => {
    const secret = readSecret(input, env, `memory.search.remote.${where}`);
    if ("missing" in secret) throw new NoEmbeddings(secret.missing);
    secrets.push(secret.value);
    return secret.value;
  };
  const key = remote.apiKey === undefined ? null : read(remote.apiKey, "apiKey");
  const headers: Record<string, string> = {};
  for (const [name, input] of Object.entries(remote.headers)) headers[name] = read(input, `headers.${name}`);
  return { key, headers, secrets };
}

const withoutSlash = (address: string): string => address.replace(/\/+$/, "");
