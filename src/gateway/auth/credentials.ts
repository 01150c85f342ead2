import type { GatewayConfig } from "../../../generated/config.ts";
import type { ConnectParams } from "../../../generated/types.ts";
import type { DeviceAdmission } from "../../devices/admission.ts";
import type { DeviceSetups, RedeemableSetup } from "../../devices/setups.ts";
import { allows } from "../../devices/tokens.ts";
import type { DeviceRole } from "../../devices/types.ts";
import type { PeerFacts } from "../peer.ts";
import type { AuthRateLimiter, CredentialClass } from "./rate-limit.ts";
import type { AuthFailure } from "./refusals.ts";
import { type AuthSettings, authSettings, presentedSecret, sameSecret } from "./secrets.ts";
import { proxyIdentity } from "./trusted-proxy.ts";

/** How somebody was recognised. */
export interface Authenticated {
  method: "none" | "token" | "password" | "trusted-proxy" | "device-token" | "bootstrap-token";
  /** The user that a trusted proxy vouched for. */
  user?: string;
  /** The device token that was presented. */
  deviceToken?: string;
  /** The setup code that was presented, and its token. */
  setup?: RedeemableSetup & { token: string };
}

export type AuthOutcome = { ok: true; value: Authenticated } | { ok: false; failure: AuthFailure };

/** An outcome before failures are counted: what looks like a wrong secret can still turn out to be a device's token. */
type Look = AuthOutcome & { wrong?: CredentialClass };

export interface CredentialDeps {
  admission: DeviceAdmission;
  setups: DeviceSetups;
  limiter: AuthRateLimiter;
}

export interface Attempt {
  auth: NonNullable<ConnectParams["auth"]>;
  peer: PeerFacts;
  role: DeviceRole;
  scopes: readonly string[];
  /** Of a device that has proven its key; without one, device tokens count for nothing. */
  deviceId?: string;
}

/** True when the client named the shared secret, right or wrong. */
export const namesSecret = (auth: Attempt["auth"]): boolean =>
  presentedSecret(auth.token) !== undefined || presentedSecret(auth.password) !== undefined;

/**
 * Looks at what a client presents: the way of the mode first, then, for a proven device, its device token. Only wrong
 * credentials count as failures, missing ones do not.
 */
export async function authenticate(
  deps: CredentialDeps,
  attempt: Attempt,
  config: GatewayConfig,
): Promise<AuthOutcome> {
  const settings = authSettings(config);
  if (settings.mode === "none" && isOpenFor(attempt)) return { ok: true, value: { method: "none" } };
  const shared = settings.mode === "trusted-proxy" ? byProxy(deps, attempt, config) : bySecret(deps, attempt, settings);
  if (shared.ok || attempt.deviceId === undefined) return settle(deps, attempt.peer, [shared]);
  const { deviceId, peer } = attempt;
  const device = (await byDeviceToken(deps, attempt, deviceId)) ?? (await bySetupCode(deps, attempt, deviceId));
  return settle(deps, peer, device === null ? [shared] : [shared, device]);
}

/** Without authentication only this machine comes in at once; others must be a device that was approved. */
const isOpenFor = ({ peer, deviceId }: Attempt): boolean => peer.isLocalDirect || deviceId !== undefined;

/** The last look decides. Failures are counted only now, each wrong credential by its kind. */
function settle({ limiter }: Pick<CredentialDeps, "limiter">, peer: PeerFacts, looks: readonly Look[]): AuthOutcome {
  const outcome = looks.at(-1)!;
  if (outcome.ok) {
    limiter.succeeded(CLASSES[outcome.value.method] ?? "shared-secret", peer);
    return outcome;
  }
  const delays = looks.flatMap(({ wrong }) => (wrong === undefined ? [] : [limiter.failed(wrong, peer)]));
  return { ok: false, failure: { ...outcome.failure, delayMs: Math.max(0, ...delays) } };
}

const CLASSES: Partial<Record<Authenticated["method"], CredentialClass>> = {
  "device-token": "device-token",
  "bootstrap-token": "bootstrap-token",
};

/** Checks the shared secret alone, as callers over HTTP present it, and counts a failure. */
export function authenticateSecret(
  deps: Pick<CredentialDeps, "limiter">,
  { auth, peer }: Pick<Attempt, "auth" | "peer">,
  config: GatewayConfig,
): AuthOutcome {
  return settle(deps, peer, [bySecret(deps, { auth, peer }, authSettings(config))]);
}

/** Compares with the shared secret, which may stand in either field; the field of the mode goes first. */
function bySecret(
  { limiter }: Pick<CredentialDeps, "limiter">,
  { auth, peer }: Pick<Attempt, "auth" | "peer">,
  { mode, secret }: AuthSettings,
): Look {
  const kind = mode === "token" ? "token" : "password";
  const [first, second] = kind === "token" ? [auth.token, auth.password] : [auth.password, auth.token];
  const presented = presentedSecret(first) ?? presentedSecret(second);
  if (presented === undefined) return failure(`${kind}_missing`);
  const lockedMs = limiter.lockedForMs("shared-secret", peer);
  if (lockedMs !== null) return failure("rate_limited", { retryAfterMs: lockedMs });
  if (secret === undefined || !sameSecret(presented, secret.trim())) {
    return { ...failure(`${kind}_mismatch`), wrong: "shared-secret" };
  }
  return { ok: true, value: { method: kind } };
}

/** The proxy's word; callers of this machine that do not come through it may use the password instead. */
function byProxy(deps: CredentialDeps, { auth, peer }: Attempt, config: GatewayConfig): Look {
  const settings = authSettings(config);
  const isFallback =
    peer.isLocalDirect && settings.secret !== undefined && presentedSecret(auth.password) !== undefined;
  if (isFallback) return bySecret(deps, { auth: { password: auth.password }, peer }, settings);
  const identity = proxyIdentity(peer, peer.proxyHeaders, config);
  if ("failure" in identity) return failure(identity.failure);
  return { ok: true, value: { method: "trusted-proxy", user: identity.user } };
}

/** Null when no device token was presented: an `auth.token` that is none says nothing about one. */
async function byDeviceToken(deps: CredentialDeps, attempt: Attempt, deviceId: string): Promise<Look | null> {
  const { auth, peer, role, scopes } = attempt;
  const explicit = presentedSecret(auth.deviceToken);
  const presented = explicit ?? presentedSecret(auth.token);
  if (presented === undefined) return null;
  const lockedMs = deps.limiter.lockedForMs("device-token", peer);
  if (lockedMs !== null) return explicit === undefined ? null : failure("rate_limited", { retryAfterMs: lockedMs });
  const token = await deps.admission.verifyToken(deviceId, role, presented);
  if (token === null) {
    return explicit === undefined ? null : { ...failure("device_token_mismatch"), wrong: "device-token" };
  }
  if (!allows(token, scopes)) return failure("scope_mismatch");
  return { ok: true, value: { method: "device-token", deviceToken: presented } };
}

/** Null when no setup code was presented, or something else beside it, which then decides. */
async function bySetupCode(deps: CredentialDeps, attempt: Attempt, deviceId: string): Promise<Look | null> {
  const { auth, peer, role, scopes } = attempt;
  const token = presentedSecret(auth.bootstrapToken);
  if (token === undefined || namesSecret(auth)) return null;
  const lockedMs = deps.limiter.lockedForMs("bootstrap-token", peer);
  if (lockedMs !== null) return failure("rate_limited", { retryAfterMs: lockedMs });
  const setup = await deps.setups.present(token, { deviceId, role, scopes });
  if (setup === null) return { ...failure("bootstrap_token_invalid"), wrong: "bootstrap-token" };
  return { ok: true, value: { method: "bootstrap-token", setup: { ...setup, token } } };
}

const failure = (reason: string, more: Omit<AuthFailure, "reason"> = {}): { ok: false; failure: AuthFailure } => ({
  ok: false,
  failure: { reason, ...more },
});
