import { LIMITS } from "../../../generated/limits.ts";
import type { ModelErrorReason } from "../types.ts";

/** How an account fares. Moments are epoch milliseconds, 0 for never. */
export interface Health {
  lastUsed: number;
  /** Failures since the last success, within the window. */
  errors: number;
  failedAt: number;
  cooldownUntil: number;
  /** The one model that a rate limit concerns; null for all. */
  cooldownModel: string | null;
  disabledUntil: number;
  reason: ModelErrorReason | null;
}

export const HEALTHY: Health = {
  lastUsed: 0,
  errors: 0,
  failedAt: 0,
  cooldownUntil: 0,
  cooldownModel: null,
  disabledUntil: 0,
  reason: null,
};

/** Milliseconds of the first, second and every further cooldown (docs: concepts/model-failover, "Cooldowns"). */
const LADDER = [30_000, 60_000, 300_000];

/** Reasons that say something of the account; the others would meet any account alike. */
export const concernsAccount = (reason: ModelErrorReason): boolean => COOLED.has(reason) || DISABLED.has(reason);

const COOLED: ReadonlySet<ModelErrorReason> = new Set(["auth", "rate_limit", "overloaded", "timeout"]);
const DISABLED: ReadonlySet<ModelErrorReason> = new Set(["billing", "auth_permanent"]);

/** The health after a failure. Money and revoked access close the account for ten minutes, the rest by the ladder. */
export function failed(
  health: Health,
  failure: { reason: ModelErrorReason; model: string; at: number; retryAfterMs?: number },
): Health {
  const { reason, model, at, retryAfterMs = 0 } = failure;
  const isOld = at - health.failedAt > LIMITS.authFailureWindowMs;
  const errors = (isOld ? 0 : health.errors) + 1;
  const next = { ...health, errors, failedAt: at, reason };
  if (DISABLED.has(reason)) return { ...next, disabledUntil: at + LIMITS.authDisabledMs };
  const wait = Math.max(LADDER[Math.min(errors, LADDER.length) - 1]!, Math.min(retryAfterMs, LIMITS.authCooldownMaxMs));
  return { ...next, cooldownUntil: at + wait, cooldownModel: reason === "rate_limit" ? model : null };
}

/** The moment from which an account can be used for a model; not later than now when it can. */
export function usableFrom({ cooldownUntil, cooldownModel, disabledUntil }: Health, model: string): number {
  const cooling = cooldownModel === null || cooldownModel === model ? cooldownUntil : 0;
  return Math.max(cooling, disabledUntil);
}

/** True when an account is closed for what a moment of waiting does not mend. */
export const isDisabled = ({ disabledUntil }: Health, now: number): boolean => disabledUntil > now;
