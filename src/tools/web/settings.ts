import type { GatewayConfig } from "../../../generated/config.ts";
import { type PluginSettings, pluginSwitch } from "../../config/plugin-policy.ts";
import { dict, text } from "../../models/settings.ts";
import type { OutboundPolicy } from "../../platform/http-safe.ts";

type Dict = Readonly<Record<string, unknown>>;

/** `tools.web.fetch` as it is in force (docs: tools/web-fetch). */
export interface FetchSettings {
  isEnabled: boolean;
  /** Characters of a result unless the call names fewer or more. */
  maxChars: number;
  maxCharsCap: number;
  /** Bytes that are downloaded of one page. */
  maxBytes: number;
  timeoutMs: number;
  /** 0 keeps nothing. */
  cacheMs: number;
  maxRedirects: number;
  userAgent: string;
  headers: Record<string, string>;
  wantsMain: boolean;
  policy: OutboundPolicy;
}

/** What browsers of most people say of themselves; many sites answer nothing else. */
const USER_AGENT = "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

export function fetchSettings({ tools }: Pick<GatewayConfig, "tools">): FetchSettings {
  const raw = dict(dict(dict(tools).web).fetch);
  const cap = number(raw.maxCharsCap, 20_000);
  return {
    isEnabled: raw.enabled !== false,
    maxChars: Math.min(cap, number(raw.maxChars, 20_000)),
    maxCharsCap: cap,
    maxBytes: clamp(number(raw.maxResponseBytes, 750_000), 32_000, 10_000_000),
    timeoutMs: number(raw.timeoutSeconds, 30) * 1000,
    cacheMs: number(raw.cacheTtlMinutes, 15, 0) * 60_000,
    maxRedirects: number(raw.maxRedirects, 3, 0),
    userAgent: text(raw.userAgent) ?? USER_AGENT,
    headers: sendable(dict(raw.headers)),
    wantsMain: raw.readability !== false,
    policy: policyOf(dict(raw.ssrfPolicy)),
  };
}

/** `tools.web.search` as it is in force (docs: tools/web). */
export interface SearchSettings {
  isEnabled: boolean;
  /** The provider to use; the first that is ready unless named. */
  provider: string | undefined;
  maxResults: number;
  timeoutMs: number;
  cacheMs: number;
}

export function searchSettings({ tools }: Pick<GatewayConfig, "tools">): SearchSettings {
  const raw = dict(dict(dict(tools).web).search);
  return {
    isEnabled: raw.enabled !== false,
    provider: text(raw.provider),
    maxResults: clamp(number(raw.maxResults, 5), 1, 10),
    timeoutMs: number(raw.timeoutSeconds, 30) * 1000,
    cacheMs: number(raw.cacheTtlMinutes, 15, 0) * 60_000,
  };
}

/** What a provider is configured with: `plugins.entries.<id>.config.webSearch`. Undefined when it is switched off. */
export function pluginSearch({ plugins }: Pick<GatewayConfig, "plugins">, id: string): Dict | undefined {
  const entry = dict(dict(dict(plugins).entries)[id]);
  return pluginSwitch({ plugins } as PluginSettings, id).isOn ? dict(dict(entry.config).webSearch) : undefined;
}

function policyOf(raw: Dict): OutboundPolicy {
  return {
    dangerouslyAllowPrivateNetwork: raw.dangerouslyAllowPrivateNetwork === true,
    allowRfc2544BenchmarkRange: raw.allowRfc2544BenchmarkRange === true,
    allowIpv6UniqueLocalRange: raw.allowIpv6UniqueLocalRange === true,
    allowedHostnames: names(raw.allowedHostnames),
    blockedHostnames: names(raw.blockedHostnames),
  };
}

const names = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((name) => typeof name === "string").map((name) => name.replace(/\.$/, "")) : [];

/** Headers that belong to the request itself; naming them in the configuration changes nothing. */
const OWN =
  /^(?:accept|accept-language|accept-encoding|user-agent|host|content-length|transfer-encoding|connection|upgrade|te|trailer|keep-alive|proxy-.*|expect)$/i;

/** Headers that a request can carry. Of names that differ only in case the last one counts. */
function sendable(raw: Dict): Record<string, string> {
  const headers = new Map<string, [string, string]>();
  for (const [name, value] of Object.entries(raw)) {
    if (typeof value !== "string" || OWN.test(name) || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) continue;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a header must not hold.
    if (/[\r\n\0]|[^\u0000-\u00ff]/.test(value)) headers.delete(name.toLowerCase());
    else headers.set(name.toLowerCase(), [name, value]);
  }
  return Object.fromEntries(headers.values());
}

const number = (value: unknown, otherwise: number, least = 1): number =>
  typeof value === "number" && Number.isFinite(value) && value >= least ? value : otherwise;

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
