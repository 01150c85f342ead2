import { PROVIDERS } from "../../generated/catalog.ts";
import { type ModelEntry, type ProviderEntry, providerId } from "./catalogue.ts";
import type { ModelSettings } from "./settings.ts";

/** The reference under which a model is named everywhere: `provider/id`. */
export const refOf = (model: { provider: string; id: string }): string => `${model.provider}/${model.id}`;

/**
 * The model that a person's words mean. In upstream's order (docs: concepts/models): an alias of
 * `agents.defaults.models`; `provider/model`, also with an alias or in other case; without a provider, the one
 * configured provider that lists exactly this id, else the default model's provider, else a shorthand of the
 * catalogue (`sonnet-4.5`). An auth profile behind `@` is cut off where the whole text names no model.
 */
export function findModel(
  ref: string,
  providers: ReadonlyMap<string, ProviderEntry>,
  settings: ModelSettings,
): ModelEntry | null {
  const wanted = ref.trim();
  if (wanted === "") return null;
  const found = lookUp(wanted, providers, settings, new Set());
  if (found) return found;
  const profile = /^([^@]+)@\S+$/.exec(wanted);
  return profile ? lookUp(profile[1]!, providers, settings, new Set()) : null;
}

function lookUp(
  wanted: string,
  providers: ReadonlyMap<string, ProviderEntry>,
  settings: ModelSettings,
  seen: Set<string>,
): ModelEntry | null {
  if (seen.has(wanted)) return null;
  seen.add(wanted);
  const slash = wanted.indexOf("/");
  const provider = slash > 0 ? providers.get(providerId(wanted.slice(0, slash))) : undefined;
  const exact = provider && (listed(provider, wanted.slice(slash + 1)) ?? shorthand(wanted.slice(slash + 1), provider));
  if (exact) return exact;

  const alias = aliasTarget(wanted, provider?.id, settings);
  if (alias) {
    const target = lookUp(alias, providers, settings, seen);
    if (target) return target;
  }
  if (provider) return unlisted(provider, wanted.slice(slash + 1));
  return byBareId(wanted, providers, settings);
}

/** The reference that an alias stands for; `provider/alias` counts only within that provider. */
function aliasTarget(wanted: string, provider: string | undefined, settings: ModelSettings): string | undefined {
  const name = (provider ? wanted.slice(wanted.indexOf("/") + 1) : wanted).toLowerCase();
  for (const [ref, { alias }] of settings.preferences) {
    if (alias?.toLowerCase() !== name) continue;
    if (!provider || providerId(ref.slice(0, Math.max(0, ref.indexOf("/")))) === provider) return ref;
  }
  return undefined;
}

function listed(provider: ProviderEntry, id: string): ModelEntry | undefined {
  const exact = provider.models.get(id);
  if (exact) return exact;
  const same = [...provider.models.values()].filter((model) => model.id.toLowerCase() === id.toLowerCase());
  return same.length === 1 ? same[0] : undefined;
}

/** A model that a provider is asked for by name alone: allowed where its list is not the whole truth. */
function unlisted(provider: ProviderEntry, id: string): ModelEntry | null {
  if (!provider.open || id === "") return null;
  return {
    provider: provider.id,
    id,
    name: id,
    api: provider.api,
    baseUrl: provider.baseUrl,
    reasoning: false,
    input: ["text"],
    compat: {},
    source: provider.configured ? "config" : "catalog",
  };
}

function byBareId(
  id: string,
  providers: ReadonlyMap<string, ProviderEntry>,
  settings: ModelSettings,
): ModelEntry | null {
  const configured = [...providers.values()].filter((provider) => provider.configured);
  const holders = configured.flatMap((provider) => provider.models.get(id) ?? []);
  if (holders.length === 1) return holders[0]!;
  const loose = configured.flatMap((provider) => listed(provider, id) ?? []);
  if (holders.length === 0 && loose.length === 1) return loose[0]!;
  const primary = settings.defaults.primary;
  const slash = primary?.indexOf("/") ?? -1;
  const fallback = primary && slash > 0 ? providers.get(providerId(primary.slice(0, slash))) : undefined;
  return (fallback && listed(fallback, id)) ?? shorthandOf(id, providers);
}

const SHORTHANDS = new Map(
  Object.entries(PROVIDERS).flatMap(([provider, { models }]) =>
    (models ?? []).flatMap(({ id, aliases }) => (aliases ?? []).map((alias) => [alias, { provider, id }] as const)),
  ),
);

/** The model of this provider that a shorthand of the catalogue stands for. */
function shorthand(name: string, provider: ProviderEntry): ModelEntry | undefined {
  const target = SHORTHANDS.get(name.toLowerCase());
  return target?.provider === provider.id ? provider.models.get(target.id) : undefined;
}

function shorthandOf(name: string, providers: ReadonlyMap<string, ProviderEntry>): ModelEntry | null {
  const target = SHORTHANDS.get(name.toLowerCase());
  return (target && providers.get(target.provider)?.models.get(target.id)) ?? null;
}
