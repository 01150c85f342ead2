import { PROVIDERS } from "../../generated/catalog.ts";
import type {
  ModelsAuthLogoutResult,
  ModelsAuthOrderSetParams,
  ModelsAuthOrderSetResult,
  ModelsAuthPutParams,
  ModelsAuthSetApiKeyParams,
  ModelsAuthSetApiKeyResult,
  ModelsAuthStatusResult,
} from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import type { Accounts } from "./auth/accounts.ts";
import { usableFrom } from "./auth/health.ts";
import { ineligible, type Profile, readCredential } from "./auth/profile.ts";
import { providerId } from "./catalogue.ts";
import type { Models } from "./models.ts";

type ProviderAuth = ModelsAuthStatusResult["providers"][number];

/** What the calls about sign-in work with. */
export interface AuthDeps {
  models: Models;
  accounts: Accounts;
  agents: AgentCatalogue;
  clock: Clock;
}

/** Tokens that end within a day are told of beforehand, as upstream does. */
const EXPIRING_MS = 86_400_000;

/**
 * The agent that a call names, the default one when it names none.
 * @throws GatewayError for one that is not configured
 */
export function agentOf({ agents }: { agents: AgentCatalogue }, agentId: unknown): string {
  if (agentId === undefined) return agents.roster.defaultId;
  if (typeof agentId === "string" && agents.find(agentId)) return agentId;
  const named = typeof agentId === "string" ? agentId : typeof agentId;
  throw invalidRequest(`unknown agent id "${named}"`, { code: "UNKNOWN_AGENT_ID", agentId: named });
}

/** As {@link agentOf} for what changes an agent's accounts: with several agents one must be named. @throws GatewayError */
function ownerOf(deps: { agents: AgentCatalogue }, agentId: string | undefined): string {
  return agentId === undefined ? deps.agents.owner(undefined, "model auth").id : agentOf(deps, agentId);
}

/**
 * `models.authStatus`: for each provider that is configured, has a key or an account: where its key comes from, and how
 * its accounts fare; never a credential.
 * @throws GatewayError for an unknown agent
 */
export async function authStatus(deps: AuthDeps, { agentId }: { agentId?: unknown }): Promise<ModelsAuthStatusResult> {
  const { models, accounts, clock } = deps;
  const agent = agentOf(deps, agentId);
  const profiles = Map.groupBy(await accounts.profilesOf(agent), ({ provider }) => provider);
  const names = [...new Set([...models.providers().keys(), ...profiles.keys()])].sort();
  const providers: ProviderAuth[] = [];
  for (const id of names) {
    const provider = models.providers().get(id);
    const own = profiles.get(id) ?? [];
    const kind = provider ? models.credential(provider).kind : "missing";
    if (!provider?.configured && kind !== "key" && own.length === 0) continue;
    const isConfigured = provider?.apiKey !== undefined || provider?.request.auth !== undefined;
    const rows = await Promise.all(own.map((profile) => profileRow(deps, agent, profile)));
    providers.push({
      provider: id,
      authProvider: id,
      displayName: provider?.configured === false ? provider.name : id,
      status: own.length > 0 ? worst(rows) : kind === "missing" ? "missing" : "static",
      profiles: rows,
      ...(kind === "key" && own.length === 0 ? { apiKey: { source: isConfigured ? "config" : "env" } } : {}),
    });
  }
  const providerCapabilities = Object.entries(PROVIDERS).map(([provider, { local }]) => ({
    provider,
    apiKeySupported: !local,
    quickApiKeySetup: false,
  }));
  return { ts: clock.now(), providers, providerCapabilities };
}

async function profileRow({ accounts, clock }: AuthDeps, agent: string, profile: Profile) {
  const now = clock.now();
  const { credential } = profile;
  const expires = credential.type === "api_key" ? undefined : credential.expires;
  const problem = ineligible(credential, now);
  const health = await accounts.healthOf(profile.agentId, profile.id);
  const until = usableFrom({ ...health, cooldownModel: null }, "");
  const status =
    problem === "missing_credential"
      ? "missing"
      : problem !== null || (expires !== undefined && expires <= now)
        ? "expired"
        : expires === undefined
          ? "static"
          : expires - now < EXPIRING_MS
            ? "expiring"
            : "ok";
  return {
    profileId: profile.id,
    type: credential.type,
    status,
    ...(expires === undefined ? {} : { expiry: { at: expires, remainingMs: Math.max(0, expires - now) } }),
    source: profile.agentId === agent ? "store" : "inherited",
    logoutSupported: true,
    ...(until > now ? { cooldown: { until, reason: health.reason } } : {}),
  };
}

const WORST = ["ok", "static", "expiring", "expired", "missing"];
/** A provider is as well as its best account. */
const worst = (rows: { status: string }[]): string =>
  rows.map(({ status }) => status).toSorted((a, b) => WORST.indexOf(a) - WORST.indexOf(b))[0]!;

/**
 * `models.authLogout`: forgets accounts with a provider, all or those named, and ends the runs that use it. The keys are
 * not revoked at the provider. Params as they came, since upstream checks them by hand.
 * @throws GatewayError
 */
export async function authLogout(
  deps: AuthDeps & { abortProvider(provider: string): Promise<string[]> },
  params: { provider?: unknown; profileIds?: unknown; agentId?: unknown },
): Promise<ModelsAuthLogoutResult> {
  if (typeof params.provider !== "string" || params.provider.trim() === "")
    throw invalidRequest("provider is required");
  const { profileIds } = params;
  const isList =
    Array.isArray(profileIds) && profileIds.length > 0 && profileIds.every((id) => typeof id === "string" && id);
  if (profileIds !== undefined && !isList) throw invalidRequest("profileIds must be a non-empty string array");
  const agent = agentOf(deps, params.agentId);
  const provider = providerId(params.provider);
  const known = await deps.accounts.profilesOf(agent, provider);
  const wanted = profileIds === undefined ? known : known.filter(({ id }) => (profileIds as string[]).includes(id));
  if (profileIds !== undefined && wanted.length < new Set(profileIds as string[]).size)
    throw invalidRequest("profileIds contain unavailable auth profiles");
  if (wanted.length === 0) return { provider, removedProfiles: [], abortedRunIds: [] };
  await deps.accounts.remove(wanted);
  const abortedRunIds = await deps.abortProvider(provider);
  return { provider, removedProfiles: wanted.map(({ id }) => id), abortedRunIds };
}

/**
 * `models.authOrderSet`: the order in which an agent's accounts with a provider are tried; without ids the automatic one.
 * @throws GatewayError for an account that the provider does not have
 */
export async function authOrderSet(
  deps: AuthDeps,
  { provider, profileIds, agentId }: ModelsAuthOrderSetParams,
): Promise<ModelsAuthOrderSetResult> {
  const agent = ownerOf(deps, agentId);
  const id = providerId(provider);
  const known = await deps.accounts.profilesOf(agent, id);
  const strange = profileIds?.find((wanted) => !known.some((profile) => profile.id === wanted));
  if (strange !== undefined) throw invalidRequest(`profileId ${strange} is unavailable for provider ${id}`);
  await deps.accounts.setOrder(agent, id, profileIds ?? null);
  return { provider: id, profileIds: profileIds ?? null };
}

/** `models.authSetApiKey`: keeps a key under `provider:manual`, in place of the one before. */
export async function authSetApiKey(
  deps: AuthDeps,
  { provider, apiKey, agentId }: ModelsAuthSetApiKeyParams,
): Promise<ModelsAuthSetApiKeyResult> {
  ownerOf(deps, agentId);
  const id = providerId(provider);
  const credential = { type: "api_key", provider: id, key: apiKey.trim() } as const;
  return put(deps, { id: `${id}:manual`, agentId: "", provider: id, credential });
}

/**
 * `models.authPut`, a method of our own: keeps any kind of account, also tokens, OAuth and references to secrets.
 * With `agentId` it is that agent's alone.
 * @throws GatewayError
 */
export async function authPut(
  deps: AuthDeps,
  { profileId, credential: raw, agentId }: ModelsAuthPutParams,
): Promise<ModelsAuthSetApiKeyResult> {
  const agent = agentId === undefined ? "" : agentOf(deps, agentId);
  const provider = providerId(profileId.slice(0, profileId.indexOf(":")));
  const credential = readCredential(provider, raw);
  if ("problem" in credential) throw invalidRequest(`credential: ${credential.problem}`);
  const id = `${provider}:${profileId.slice(profileId.indexOf(":") + 1)}`;
  return put(deps, { id, agentId: agent, provider, credential });
}

async function put({ accounts }: AuthDeps, profile: Profile): Promise<ModelsAuthSetApiKeyResult> {
  if (!(await accounts.put(profile)))
    throw new GatewayError("UNAVAILABLE", "too many auth profiles; remove some first");
  return { provider: profile.provider, profileId: profile.id };
}
