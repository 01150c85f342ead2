import type { GatewayConfig } from "../../../../generated/config.ts";
import { isMetadataOrigin, isPrivateOrigin, readSecret } from "../../../models/credentials.ts";
import { dict, text } from "../../../models/settings.ts";
import type { OutboundPolicy } from "../../../platform/http-safe.ts";
import { pluginSearch, searchSettings } from "../settings.ts";
import { brave } from "./brave.ts";
import { exa, firecrawl, tavily } from "./others.ts";
import { perplexity } from "./perplexity.ts";
import type { SearchAccess, SearchProvider } from "./provider.ts";
import { searxng } from "./searxng.ts";

/** In the order in which one is chosen by itself (docs: tools/web). */
export const SEARCH_PROVIDERS: readonly SearchProvider[] = [brave, perplexity, firecrawl, exa, tavily, searxng];

export interface Setup {
  config: Pick<GatewayConfig, "plugins" | "tools">;
  env: Readonly<Record<string, string | undefined>>;
}

/** How a provider stands: with what it can be called, or why it cannot. */
export interface Standing {
  provider: SearchProvider;
  /** Where what it needs comes from. */
  source: "config" | "env" | "secretRef" | "missing";
  /** False when it is switched off under `plugins`. */
  isOn: boolean;
  access?: Omit<SearchAccess, "now">;
  /** What its calls may reach. */
  policy?: OutboundPolicy;
  /** What has to be done before it can be called. */
  problem?: string;
}

/** How a provider stands as things are configured: its own key first, then the environment's. */
export function standingOf(provider: SearchProvider, { config, env }: Setup): Standing {
  const { id, label, credential } = provider;
  const path = `plugins.entries.${id}.config.webSearch.${credential.key}`;
  const settings = pluginSearch(config, id);
  if (settings === undefined) {
    const raw = dict(dict(dict(dict(config.plugins).entries)[id]).config).webSearch;
    const { source } = given(provider, dict(raw), env, path);
    return { provider, source, isOn: false, problem: `${label} is switched off under plugins.` };
  }
  const { source, value, missing } = given(provider, settings, env, path);
  if (value === undefined) {
    return { provider, source, isOn: true, problem: missing ?? `Set ${path} or ${credential.envVars[0]}.` };
  }
  const own = text(settings.baseUrl) ?? (provider.baseUrlEnv ? text(env[provider.baseUrlEnv]) : undefined);
  const address = addressOf(credential.key === "baseUrl" ? value : (own ?? provider.baseUrl ?? ""));
  const key = credential.key === "apiKey" ? value : undefined;
  const problem = wrongAddress(provider, address);
  if (address === undefined || problem)
    return { provider, source, isOn: true, problem: problem ?? `${path} is wrong.` };
  return {
    provider,
    source,
    isOn: true,
    access: { key, baseUrl: address, settings },
    policy: reach(provider, address),
  };
}

/** The providers that a search goes to, in order: the one that is named, else all that are ready. */
export function chosen(setup: Setup): Standing[] {
  const { isEnabled, provider: named } = searchSettings(setup.config);
  if (!isEnabled) return [];
  const wanted = SEARCH_PROVIDERS.filter(({ id }) => named === undefined || id === named);
  return wanted.map((provider) => standingOf(provider, setup)).filter(({ access }) => access !== undefined);
}

function given(
  { credential }: SearchProvider,
  settings: Readonly<Record<string, unknown>>,
  env: Setup["env"],
  path: string,
): { source: Standing["source"]; value?: string; missing?: string } {
  const raw = settings[credential.key];
  if (typeof raw === "object" && raw !== null) {
    // A reference that had a value would have been replaced by it.
    const ref = dict(raw);
    const secret = readSecret({ source: String(ref.source), id: String(ref.id) }, (name) => text(env[name]), path);
    return "value" in secret ? { source: "secretRef", value: secret.value } : { source: "secretRef", ...secret };
  }
  const set = text(raw);
  if (set !== undefined) {
    const secret = readSecret(set, (name) => text(env[name]), path);
    return "value" in secret ? { source: "config", value: secret.value } : { source: "config", ...secret };
  }
  const value = credential.envVars.map((name) => text(env[name])).find((found) => found !== undefined);
  return value === undefined ? { source: "missing" } : { source: "env", value };
}

/** With a scheme and without slashes at its end. Undefined for what is no address of a server. */
function addressOf(value: string): string | undefined {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `https://${value}`;
  const url = URL.parse(address);
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  return isPlain && url.search === "" && url.hash === "" ? address.replace(/\/+$/, "") : undefined;
}

/** Keys and questions go over the internet encrypted, and never to what hands out a machine's credentials. */
function wrongAddress({ id, label, baseUrl, isOwnHostOnly }: SearchProvider, address: string | undefined) {
  const where = `plugins.entries.${id}.config.webSearch.baseUrl`;
  if (address === undefined) return `${where} is no http or https address.`;
  if (address === baseUrl) return undefined;
  if (isMetadataOrigin(address)) return `${where} must not be called.`;
  if (isPrivateOrigin(address)) return undefined;
  if (address.startsWith("http:")) return `${where} must begin with https:// unless it is on a private network.`;
  return isOwnHostOnly ? `${label} is called at ${baseUrl} or on a private network; ${where} is neither.` : undefined;
}

/** Proxies that answer names with addresses of special use are common, and the host is one that the operator chose. */
function reach({ baseUrl, credential }: SearchProvider, address: string): OutboundPolicy {
  const host = URL.parse(address)!.hostname.replace(/^\[|\]$/g, "");
  const spared = { allowRfc2544BenchmarkRange: true, allowIpv6UniqueLocalRange: true };
  const isOwn = address !== baseUrl && (isPrivateOrigin(address) || credential.key === "baseUrl");
  return isOwn ? { ...spared, allowedHostnames: [host] } : spared;
}
