import type {
  WebSearchStatusParams,
  WebSearchStatusResult,
  WebSearchTestParams,
  WebSearchTestResult,
} from "../../../../generated/types.ts";
import type { AgentCatalogue } from "../../../agents/catalogue.ts";
import type { DefenderPort } from "../../../defender/types.ts";
import type { Models } from "../../../models/models.ts";
import { invalidRequest } from "../../../platform/errors.ts";
import { ToolError } from "../../types.ts";
import { searchSettings } from "../settings.ts";
import { SEARCH_PROVIDERS, type Standing, standingOf } from "./choose.ts";
import { SearchFailed, type WebSearch } from "./search.ts";

interface StatusDeps {
  webSearch: WebSearch;
  agents: AgentCatalogue;
  models: Pick<Models, "find">;
}

const NONE_READY = "Choose a search provider, or select a model with native search.";
const SWITCHED_OFF = "Web search is switched off (tools.web.search.enabled).";
const BUILT_IN = { runtime: "openclaw", runtimeLabel: "Built-in agent" };
const NOT_RESOLVED = { runtime: "unknown", runtimeLabel: "Not resolved" };

/**
 * How an agent would search the web (`webSearch.status`; as measured at 2026.9.6): every provider that there is, what it
 * still needs, and which of them a search would go to.
 * @throws GatewayError for an unknown agent, or half of a model
 */
export function webSearchStatus(
  { webSearch, agents, models }: StatusDeps,
  { agentId, modelProvider, modelId }: WebSearchStatusParams,
): WebSearchStatusResult {
  if ((modelProvider === undefined) !== (modelId === undefined)) {
    throw invalidRequest("modelProvider and modelId must be supplied together.");
  }
  const agent = agentOf(agents, agentId);
  const { setup } = webSearch;
  const { isEnabled, provider: named } = searchSettings(setup.config);
  const standings = SEARCH_PROVIDERS.map((provider) => standingOf(provider, setup));
  const next = standings.find(({ provider, access }) => access && (named === undefined || provider.id === named));
  const chosen = isEnabled ? next?.provider : undefined;
  const model = agents.model(agent);
  const isKnown = modelId === undefined || models.find(`${modelProvider}/${modelId}`) !== null;
  const asked =
    modelId === undefined
      ? model && { provider: model.provider, id: model.id }
      : { provider: modelProvider!, id: modelId };
  return {
    enabled: isEnabled,
    provider: named ?? null,
    agentId: agent,
    model: asked && { ...asked, ...(isKnown ? BUILT_IN : NOT_RESOLVED) },
    providers: [...standings].sort((a, b) => (a.provider.id < b.provider.id ? -1 : 1)).map(shown),
    route: chosen
      ? { kind: "managed", provider: chosen.id, label: chosen.label, testable: true }
      : isEnabled
        ? { kind: "unavailable", label: "No search provider available", testable: false, reason: NONE_READY }
        : { kind: "disabled", label: "Web search is off", testable: false, reason: SWITCHED_OFF },
    ...(chosen ? { testProvider: { id: chosen.id, label: chosen.label } } : {}),
  };
}

/** Where in the configuration the credentials of a plugin's search provider stand. */
export function searchCredentials(pluginId: string): string[][] {
  const own = SEARCH_PROVIDERS.filter(({ id }) => id === pluginId);
  return own.map(({ id, credential }) => ["plugins", "entries", id, "config", "webSearch", credential.key]);
}

/** One provider. `configured` says that what it needs is set, not that it takes it. */
function shown({ provider, source, isOn, access, problem }: Standing): Record<string, unknown> {
  const { id, label, hint, docsUrl, signupUrl, credential } = provider;
  const path = ["plugins", "entries", id, "config", "webSearch"];
  return {
    id,
    pluginId: id,
    label,
    hint,
    configured: source !== "missing",
    installed: true,
    available: isOn,
    requiresCredential: true,
    credentialSource: source,
    configPath: path,
    credentialPath: [...path, credential.key].join("."),
    credential: {
      path: [...path, credential.key],
      label: credential.label,
      envVars: [...credential.envVars],
      placeholder: credential.placeholder,
      signupUrl,
    },
    docsUrl,
    signupUrl,
    ...(access === undefined && source !== "missing" && problem ? { problem } : {}),
  };
}

/**
 * Searches once and says what came, for the administrator who sets a provider up (`webSearch.test`; as measured at
 * 2026.9.6). Nothing is taken from the results that are remembered.
 * @throws GatewayError for an unknown agent, or when there is nothing to test
 */
export async function webSearchTest(
  deps: StatusDeps & { defender: Pick<DefenderPort, "judge"> },
  { query, agentId, providerId, modelProvider, modelId }: WebSearchTestParams,
  signal: AbortSignal,
): Promise<WebSearchTestResult> {
  const words = query.trim();
  if (words === "" || (modelProvider === undefined) !== (modelId === undefined)) {
    throw invalidRequest("Provide a search query and both model selection fields, or neither.");
  }
  const { webSearch, agents, defender } = deps;
  const agent = agentOf(agents, agentId);
  const { route } = webSearchStatus(deps, { agentId: agent });
  if (!route.testable) throw invalidRequest(String(route.reason ?? NONE_READY));
  const wanted = SEARCH_PROVIDERS.find(({ id }) => id === (providerId ?? route.provider));
  const standing = wanted && standingOf(wanted, webSearch.setup);
  if (!standing?.access) throw invalidRequest("Choose an available search provider before testing.");
  const began = performance.now();
  const provider = standing.provider.id;
  const took = () => Math.round(performance.now() - began);
  try {
    const { result } = await webSearch.ask(
      standing,
      { query: words, count: searchSettings(webSearch.setup.config).maxResults },
      {
        signal,
        isFresh: true,
        permit: async (url, method) => {
          const action = { kind: "url", url, method, isConfigured: true } as const;
          const { verdict } = await defender.judge(action, { origin: "owner", agentId: agent });
          if (verdict !== "allow") throw new ToolError("The defender does not let this address be called.");
        },
        // People read this, and no model.
        screen: async () => {},
      },
    );
    const found =
      result.kind === "answer"
        ? { content: result.content, citations: result.citations }
        : {
            results: result.results.map(({ title, url, snippet }) => ({ title, url, ...(snippet ? { snippet } : {}) })),
          };
    return { provider, latencyMs: took(), status: "ok", ...found, cached: false };
  } catch (error) {
    if (!(error instanceof SearchFailed) && !(error instanceof ToolError)) throw error;
    return { provider, latencyMs: took(), status: "error", error: error.message };
  }
}

/** @throws GatewayError for an unknown agent */
function agentOf(agents: AgentCatalogue, agentId: string | undefined): string {
  const agent = agentId === undefined ? agents.owner(undefined, "model auth") : agents.find(agentId);
  if (!agent) throw invalidRequest(`unknown agent id "${agentId}"`, { code: "UNKNOWN_AGENT_ID", agentId });
  return agent.id;
}
