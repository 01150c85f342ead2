import { LIMITS } from "../../../generated/limits.ts";
import type { SecretRef } from "../../config/secret-places.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { providerId } from "../catalogue.ts";
import { dict } from "../settings.ts";
import { type ModelAccount, type ModelCaller, ModelError, type ResolvedModel } from "../types.ts";
import { type AuthRepository, healthKey } from "./auth-repository.ts";
import { concernsAccount, failed, HEALTHY, type Health, isDisabled, usableFrom } from "./health.ts";
import { RefreshError, refreshTokens } from "./oauth.ts";
import { ordered } from "./order.ts";
import { type Credential, canRefresh, ineligible, type Profile } from "./profile.ts";

interface AccountsOptions {
  repository: AuthRepository;
  config: ConfigPort;
  clock: Clock;
  log: Logger;
}

interface Known {
  profiles: Profile[];
  health: Map<string, Health>;
  orders: { agentId: string; provider: string; profileIds: string[] }[];
}

/**
 * The accounts with model providers that are kept here: which of them a call uses, how they fare, and their tokens.
 * What is stored is read once and kept, as this process alone writes it.
 */
export class Accounts {
  private known: Promise<Known> | undefined;
  /** Refreshes under way, so that one refresh token is spent once. */
  private readonly refreshing = new Map<string, Promise<Credential>>();

  constructor(private readonly options: AccountsOptions) {}

  /** What is stored, as it is now. */
  async state(): Promise<Known> {
    this.known ??= this.load();
    try {
      return await this.known;
    } catch (error) {
      this.known = undefined;
      throw error;
    }
  }

  private async load(): Promise<Known> {
    const { repository } = this.options;
    const [profiles, health, orders] = await Promise.all([
      repository.profiles(),
      repository.health(),
      repository.orders(),
    ]);
    return { profiles, health, orders };
  }

  /** An agent's profiles, all of them or a provider's: its own, and those that are shared and not replaced by one. */
  async profilesOf(agentId: string, provider?: string): Promise<Profile[]> {
    const { profiles } = await this.state();
    const visible = profiles.filter((each) => each.agentId === agentId || each.agentId === "");
    const own = new Set(visible.filter((each) => each.agentId !== "").map(({ id }) => id));
    return visible.filter(
      (each) => (provider === undefined || each.provider === provider) && (each.agentId !== "" || !own.has(each.id)),
    );
  }

  async healthOf(agentId: string, profileId: string): Promise<Health> {
    return (await this.state()).health.get(healthKey(agentId, profileId)) ?? HEALTHY;
  }

  /** The order that somebody set for an agent's profiles: stored, else of the configuration, else undefined. */
  async orderOf(agentId: string, provider: string): Promise<readonly string[] | undefined> {
    const { orders } = await this.state();
    const stored = orders.find((order) => order.agentId === agentId && order.provider === provider);
    if (stored) return stored.profileIds;
    const auth = dict(dict(this.options.config.current).auth);
    for (const [name, ids] of Object.entries(dict(auth.order))) {
      if (providerId(name) === provider && Array.isArray(ids)) return ids.filter((id) => typeof id === "string");
    }
    const listed = Object.entries(dict(auth.profiles))
      .filter(([, profile]) => providerId(String(dict(profile).provider ?? "")) === provider)
      .map(([id]) => id);
    return listed.length > 0 ? listed : undefined;
  }

  /** The accounts for a call, in the order in which they are tried; none where the provider has no profile here. */
  async forCall(model: ResolvedModel, caller: ModelCaller): Promise<ModelAccount[]> {
    const { provider } = model;
    const profiles = await this.profilesOf(caller.agentId, provider);
    if (profiles.length === 0) return [];
    const now = this.options.clock.now();
    const { health } = await this.state();
    const pin = caller.sessionKey ? await this.options.repository.pin(caller.sessionKey, provider) : undefined;
    const isOurs = pin && (pin.source === "user" || pin.sessionId === caller.sessionId);
    const explicit = await this.orderOf(caller.agentId, provider);
    const chosen = isOurs && pin.source === "user" ? pin.profileId : undefined;
    const order = ordered(profiles, {
      model: model.id,
      now,
      explicit: explicit && chosen && !explicit.includes(chosen) ? [chosen, ...explicit] : explicit,
      pinned: isOurs ? pin.profileId : undefined,
      health: ({ agentId, id }) => health.get(healthKey(agentId, id)) ?? HEALTHY,
    });
    return order.map((profile) => this.account(profile, model, caller, pin?.profileId, chosen !== undefined));
  }

  private account(
    profile: Profile,
    model: ResolvedModel,
    caller: ModelCaller,
    pinned: string | undefined,
    isChosen: boolean,
  ): ModelAccount {
    const { repository, clock } = this.options;
    const now = clock.now();
    const health = () => this.healthOf(profile.agentId, profile.id);
    return {
      profileId: profile.id,
      availability: async () => {
        const found = await health();
        const from = usableFrom(found, model.id);
        if (from <= now) return null;
        return { until: from, reason: found.reason ?? "rate_limit", isDisabled: isDisabled(found, now) };
      },
      credential: () => this.credential(profile, model),
      succeeded: async () => {
        const found = await health();
        const shared = (await this.profilesOf(caller.agentId, profile.provider)).length > 1;
        if (found.errors > 0 || shared)
          await this.settle(profile, (before) => ({ ...HEALTHY, lastUsed: Math.max(now, before.lastUsed + 1) }));
        const { sessionKey, sessionId } = caller;
        if (!shared || isChosen || pinned === profile.id || !sessionKey || !sessionId) return;
        await repository.setPin(
          sessionKey,
          profile.provider,
          { sessionId, profileId: profile.id, source: "auto" },
          now,
        );
      },
      failed: async (error) => {
        const { reason, retryAfterMs } = error.facts;
        if (!concernsAccount(reason)) return;
        const failure = { reason, model: model.id, at: clock.now(), retryAfterMs };
        await this.settle(profile, (before) => failed(before, failure));
      },
    };
  }

  private async settle({ agentId, id }: Profile, change: (before: Health) => Health): Promise<void> {
    const next = await this.options.repository.changeHealth(agentId, id, (before) => change(before ?? HEALTHY));
    const { health, profiles } = await this.state();
    if (profiles.some((profile) => profile.agentId === agentId && profile.id === id))
      health.set(healthKey(agentId, id), next);
  }

  /** What signs a call in. @throws ModelError when it cannot be had */
  private async credential(profile: Profile, model: ResolvedModel): Promise<{ key: string; bearer: boolean }> {
    const { clock } = this.options;
    const refuse = (words: string, reason: "auth" | "unavailable" = "auth") =>
      new ModelError(`${profile.provider}: the account ${profile.id} cannot be used: ${words}`, {
        provider: profile.provider,
        model: model.id,
        reason,
      });
    const { credential } = (await this.current(profile)) ?? profile;
    const problem = ineligible(credential, clock.now());
    if (problem !== null) throw refuse(problem);
    if (credential.type === "oauth") {
      const isOver = credential.expires <= clock.now() + LIMITS.authRefreshEarlyMs;
      if (!isOver || !canRefresh(credential)) return { key: credential.access, bearer: true };
      try {
        const fresh = await this.refresh(profile);
        return { key: (fresh as typeof credential).access, bearer: true };
      } catch (error) {
        if (!(error instanceof RefreshError)) throw error;
        if (credential.expires > clock.now()) return { key: credential.access, bearer: true };
        throw refuse(error.message, error.isRefused ? "auth" : "unavailable");
      }
    }
    const [value, ref] =
      credential.type === "api_key" ? [credential.key, credential.keyRef] : [credential.token, credential.tokenRef];
    const key = value ?? (await this.read(ref!));
    if (typeof key !== "string") throw refuse(key.reason);
    return { key, bearer: credential.type === "token" };
  }

  private async read(ref: SecretRef): Promise<string | { reason: string }> {
    const found = await this.options.config.readSecret?.(ref);
    if (found === undefined) return { reason: "unresolved_ref" };
    return "value" in found ? found.value : { reason: `unresolved_ref (${found.reason})` };
  }

  private async current({ agentId, id }: Profile): Promise<Profile | undefined> {
    const { profiles } = await this.state();
    return profiles.find((profile) => profile.agentId === agentId && profile.id === id);
  }

  /**
   * New tokens of an account, stored before anybody uses them; callers at the same time share them.
   * @throws RefreshError
   */
  refresh(profile: Profile): Promise<Credential> {
    const key = healthKey(profile.agentId, profile.id);
    const running = this.refreshing.get(key);
    if (running) return running;
    const work = this.refreshNow(profile).finally(() => this.refreshing.delete(key));
    this.refreshing.set(key, work);
    return work;
  }

  private async refreshNow(profile: Profile): Promise<Credential> {
    const { repository, clock, log } = this.options;
    const before = (await this.current(profile))?.credential;
    if (before?.type !== "oauth") throw new RefreshError("the account is gone", true);
    const credential = await refreshTokens(before, () => clock.now());
    const isStored = await repository.replace({ ...profile, credential }, before, clock.now());
    this.known = undefined;
    if (!isStored) throw new RefreshError("the account was changed meanwhile", false);
    log.info("an account's tokens were refreshed", { profile: profile.id });
    return credential;
  }

  /** Stores an account. @returns false when there are too many */
  async put(profile: Profile): Promise<boolean> {
    try {
      return await this.options.repository.put(profile, this.options.clock.now());
    } finally {
      this.known = undefined;
    }
  }

  async remove(profiles: readonly Profile[]): Promise<void> {
    try {
      await this.options.repository.remove(profiles);
    } finally {
      this.known = undefined;
    }
  }

  async setOrder(agentId: string, provider: string, profileIds: readonly string[] | null): Promise<void> {
    try {
      await this.options.repository.setOrder(agentId, provider, profileIds);
    } finally {
      this.known = undefined;
    }
  }

  /** A session prefers this account from now on; null lets it choose again. */
  async choose(sessionKey: string, provider: string, profileId: string | null): Promise<void> {
    const pin = profileId === null ? null : { sessionId: "", profileId, source: "user" as const };
    await this.options.repository.setPin(sessionKey, provider, pin, this.options.clock.now());
  }
}
