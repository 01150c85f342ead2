import { PROVIDERS } from "../../generated/catalog.ts";
import type { ModelsAuthLogoutResult, ModelsAuthStatusResult } from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import { providerId } from "./catalogue.ts";
import type { Models } from "./models.ts";

type ProviderAuth = ModelsAuthStatusResult["providers"][number];

/**
 * `models.authStatus`: for each provider that is configured or has a key, where its key comes from. Keys are the only
 * sign-in there is, so no provider has profiles.
 * @throws GatewayError for an unknown agent
 */
export function authStatus(
  { models, agents, clock }: { models: Models; agents: AgentCatalogue; clock: Clock },
  { agentId }: { agentId?: unknown },
): ModelsAuthStatusResult {
  if (agentId !== undefined && !(typeof agentId === "string" && agents.find(agentId))) {
    const named = typeof agentId === "string" ? agentId : typeof agentId;
    throw invalidRequest(`unknown agent id "${named}"`, { code: "UNKNOWN_AGENT_ID", agentId: named });
  }
  const providers = [...models.providers().values()].flatMap((provider): ProviderAuth[] => {
    const { kind } = models.credential(provider);
    if (!provider.configured && kind !== "key") return [];
    const source = provider.apiKey !== undefined || provider.request.auth ? "config" : "env";
    return [
      {
        provider: provider.id,
        authProvider: provider.id,
        displayName: provider.name,
        status: kind === "missing" ? "missing" : "static",
        profiles: [],
        ...(kind === "key" ? { apiKey: { source } } : {}),
      },
    ];
  });
  const providerCapabilities = Object.entries(PROVIDERS).map(([provider, { local }]) => ({
    provider,
    apiKeySupported: !local,
    quickApiKeySetup: false,
  }));
  return { ts: clock.now(), providers, providerCapabilities };
}

/** `models.authLogout`: forgets the sign-ins with a provider that are kept here, of which there are none. */
export function authLogout(provider: string): ModelsAuthLogoutResult {
  return { provider: providerId(provider), removedProfiles: [], abortedRunIds: [] };
}
