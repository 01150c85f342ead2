import type { ModelsListAnswer, ModelsListRequest } from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import { agentId, ownerRequired } from "../agents/roster.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { canonicalKey, keyFacts } from "../sessions/keys.ts";
import { isKnownProvider, type ModelEntry, type ProviderEntry, providerId } from "./catalogue.ts";
import { isPrivateOrigin } from "./credentials.ts";
import type { Models } from "./models.ts";
import { refOf } from "./references.ts";

const AUTOMATIC = { kind: "automatic", label: "Automatic account selection" } as const;

type Row = ModelsListAnswer["models"][number];

/** What of the answer depends on who asks. */
export interface ModelListReader {
  /** Is told of every model whether a person may choose it (capability `model-selection-policy`). */
  selectionPolicy?: boolean;
  /** Is told which account counts without naming a session: pages, whose people have accounts upstream. */
  accounts?: boolean;
}

/**
 * `models.list`, and the `models` of `chat.metadata`. What the views hold was measured on upstream 2026.9.6:
 * `all` has every model of configured and of usable providers; `default` is cut to `modelPolicy.allow`, else to
 * `agents.defaults.models` where either is set; `configured` is `default` and the agent's own choice;
 * `provider-config` is the configuration's own rows, by name.
 * @throws GatewayError for an unknown agent or provider, and when several agents are configured and none is named
 */
export async function listModels(
  models: Models,
  agents: AgentCatalogue,
  params: ModelsListRequest,
  reader: ModelListReader = {},
): Promise<ModelsListAnswer> {
  const agent = ownerOf(agents, params);
  if (params.provider !== undefined && !isKnownProvider(params.provider, models.settings)) {
    throw new GatewayError(
      "UNAVAILABLE",
      "Error: Unknown model catalog provider. Use a provider id from the installed plugins or configured providers.",
    );
  }
  const view = params.view ?? "default";
  const asked = params.refresh === true || view === "all" || !models.settings.defaults.primary;
  if (asked && !params.preparedOnly) await models.discover(params.refresh);

  const tags = tagsOf(models, agents, agent);
  const wanted = params.provider === undefined ? undefined : providerId(params.provider);
  const entries = entriesOf(models, view, tags).filter((entry) => wanted === undefined || entry.provider === wanted);
  const agentThinking = agents.find(agent)?.thinkingDefault;
  const rows = entries.map((entry) => row(models, entry, tags.get(refOf(entry)) ?? [], params, agentThinking));
  const choosable = reader.selectionPolicy ? selectable(models) : null;
  const named = params.sessionKey !== undefined;
  return {
    models: choosable ? rows.map((each) => ({ ...each, manualSelectionAllowed: choosable(each) })) : rows,
    ...(view === "configured" && !named && { defaultModels: { automaticUtilityModel: null } }),
    // No provider has more than one account here.
    ...((named || reader.accounts) && view !== "provider-config" && { accountSelection: AUTOMATIC }),
  };
}

/** The agent that is asked for: the one named, the session's, or the default one. @throws GatewayError */
function ownerOf(agents: AgentCatalogue, { agentId: named, sessionKey }: ModelsListRequest): string {
  const { roster } = agents;
  if (sessionKey?.trim()) {
    const owner = keyFacts(canonicalKey(sessionKey, roster, named), roster).agentId;
    if (agents.find(owner)) return owner;
    // Upstream's words for the session of an agent that it has prepared no models for.
    const reason = "Model catalog is not ready. Retry after Gateway startup or refresh finishes.";
    throw new GatewayError("UNAVAILABLE", `Error: ${reason}`);
  }
  if (named === undefined && roster.selectionRequired) {
    throw ownerRequired("this Gateway request", "Set agentId to one of the configured agents.");
  }
  return agents.asked(named).id;
}

/** True for models that `agents.defaults.modelPolicy.allow` lets people choose: all of them without such a list. */
function selectable(models: Models): (row: Pick<Row, "id" | "provider">) => boolean {
  const { allow } = models.settings;
  if (allow.length === 0) return () => true;
  const admitted = admits(models, allow);
  return ({ provider, id }) => {
    const entry = models.providers().get(provider)?.models.get(id) ?? models.find(`${provider}/${id}`);
    return entry !== null && admitted(entry);
  };
}

/** What a model is to an agent, by reference: its default, one of its fallbacks, named in `agents.defaults.models`. */
function tagsOf(models: Models, agents: AgentCatalogue, agent: string): Map<string, string[]> {
  const tags = new Map<string, string[]>();
  const add = (model: ModelEntry | null, tag: string) => {
    if (model) tags.set(refOf(model), [...(tags.get(refOf(model)) ?? []), tag]);
  };
  add(agents.model(agent), "default");
  agents.choice(agent).fallbacks.forEach((ref, index) => {
    add(models.find(ref), `fallback#${index + 1}`);
  });
  for (const ref of models.settings.preferences.keys()) if (!ref.endsWith("/*")) add(models.find(ref), "configured");
  return tags;
}

function entriesOf(
  models: Models,
  view: NonNullable<ModelsListRequest["view"]>,
  tags: Map<string, string[]>,
): ModelEntry[] {
  const providers = [...models.providers().values()];
  if (view === "provider-config") {
    return providers
      .filter(({ configured }) => configured)
      .flatMap((provider) =>
        [...provider.models.values()]
          .filter(({ source }) => source === "config")
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
      );
  }
  const named = [...tags.keys()].flatMap((ref) => models.find(ref) ?? []);
  const all = providers.flatMap((provider) => {
    const listed = provider.configured || models.usable(provider) ? [...provider.models.values()] : [];
    return [
      ...listed,
      ...named.filter((model) => model.provider === provider.id && !listed.some(({ id }) => id === model.id)),
    ];
  });
  if (view === "all") return all;
  const { allow, preferences } = models.settings;
  const patterns = allow.length > 0 ? allow : [...preferences.keys()];
  if (patterns.length === 0) return all;
  const admitted = admits(models, patterns);
  const own = (tag: string) => tag === "default" || tag.startsWith("fallback#");
  return all.filter((entry) => admitted(entry) || (view === "configured" && (tags.get(refOf(entry)) ?? []).some(own)));
}

/** True for models that a list of references, aliases and `provider/*` wildcards names. */
function admits(models: Models, patterns: readonly string[]): (entry: ModelEntry) => boolean {
  const prefixes = patterns
    .filter((pattern) => pattern.endsWith("*"))
    .map((pattern) => pattern.slice(0, -1).toLowerCase());
  const exact = new Set(
    patterns
      .filter((pattern) => !pattern.endsWith("*"))
      .flatMap((ref) => {
        const found = models.find(ref);
        return found ? [refOf(found)] : [];
      }),
  );
  return (entry) => exact.has(refOf(entry)) || prefixes.some((prefix) => refOf(entry).toLowerCase().startsWith(prefix));
}

function row(
  models: Models,
  entry: ModelEntry,
  tags: string[],
  params: ModelsListRequest,
  agentThinking: string | undefined,
): Row {
  const provider = models.providers().get(entry.provider);
  const { thinkingLevels, thinkingDefault } = models.thinking(entry, agentThinking);
  const alias = models.settings.preferences.get(refOf(entry))?.alias;
  const detailed = params.includeDetails === true;
  return {
    id: entry.id,
    name: entry.name,
    provider: entry.provider,
    ...(alias ? { alias } : {}),
    ...(entry.contextWindow === undefined ? {} : { contextWindow: entry.contextWindow }),
    ...(detailed ? { local: isPrivateOrigin(entry.baseUrl) } : {}),
    ...(detailed || params.view === "provider-config" ? { input: entry.input } : {}),
    reasoning: entry.reasoning,
    ...(tags.length > 0 ? { tags } : {}),
    thinkingLevels,
    thinkingDefault,
    ...(params.includeProviderCapabilities && provider?.keyEnv ? { apiKeySupported: true } : {}),
    ...availability(models, provider, params.view === "provider-config"),
  };
}

function availability(
  models: Models,
  provider: ProviderEntry | undefined,
  quiet: boolean,
): Pick<Row, "available" | "unavailableReason"> {
  if (provider && models.usable(provider)) return { available: true };
  return quiet ? {} : { available: false, unavailableReason: "missing-auth" };
}
