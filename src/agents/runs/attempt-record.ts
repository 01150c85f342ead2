import type { FailedAttempt } from "./answer.ts";
import { failoverReason } from "./failure-text.ts";

/** A failed attempt at a model as the session keeps it; without the provider's words, which may quote the request. */
export interface ModelAttempt {
  provider: string;
  model: string;
  profileId?: string;
  /** Upstream's word for why. */
  reason: string;
  /** HTTP status, when the provider answered with one. */
  status?: number;
  /** Epoch milliseconds. */
  at: number;
}

export function attemptRecord({ model, profileId, error }: FailedAttempt, at: number): ModelAttempt {
  const { reason, status } = error.facts;
  return {
    provider: model.provider,
    model: model.id,
    ...(profileId ? { profileId } : {}),
    reason: failoverReason(reason),
    ...(status === undefined ? {} : { status }),
    at,
  };
}
