import { CLOSE_CODES } from "../../../generated/errors.ts";
import type { ConnectParams } from "../../../generated/types.ts";
import type { PairingReason } from "../../devices/pairing.ts";
import type { PairedDevice, PairingRequest } from "../../devices/types.ts";
import { GatewayError, invalidRequest } from "../../platform/errors.ts";
import type { ConnectRefused } from "../authorizer.ts";
import type { PeerFacts } from "../peer.ts";
import { isControlUi } from "./clients.ts";

/**
 * How attempts are refused: code, details and words as measured at upstream (BEHAVIOUR section 3), since clients show
 * the words and decide by the details.
 */

export const refused = (error: GatewayError, reason = error.message, delayMs?: number): ConnectRefused => ({
  ok: false,
  error,
  close: { code: CLOSE_CODES.POLICY.code, reason },
  ...(delayMs !== undefined && delayMs > 0 && { delayMs }),
});

export const deviceRequired = (): ConnectRefused =>
  refused(
    new GatewayError("NOT_PAIRED", "device identity required", { details: { code: "DEVICE_IDENTITY_REQUIRED" } }),
  );

export const controlUiDeviceRequired = (): ConnectRefused =>
  refused(
    invalidRequest("control ui requires device identity (use HTTPS or localhost secure context)", {
      code: "CONTROL_UI_DEVICE_IDENTITY_REQUIRED",
    }),
  );

export const originRefused = (reason: "origin missing or invalid" | "origin not allowed"): ConnectRefused =>
  refused(
    invalidRequest(
      "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)",
      { code: "CONTROL_UI_ORIGIN_NOT_ALLOWED", reason },
    ),
  );

/** What kept a credential from being accepted. */
export interface AuthFailure {
  reason: string;
  /** Milliseconds until another attempt is looked at; only for `rate_limited`. */
  retryAfterMs?: number;
  /** Milliseconds to wait before answering. */
  delayMs?: number;
}

/** Who failed, for the words of the answer. */
export interface FailedClient {
  client: ConnectParams["client"];
  peer: PeerFacts;
  hasDevice: boolean;
}

/** The refusal of a credential. */
export function unauthorized({ reason, retryAfterMs, delayMs }: AuthFailure, who: FailedClient): ConnectRefused {
  const known = FAILURES[reason] ?? { code: proxyCode(reason), next: "review_auth_configuration" };
  const words = known.words?.(who);
  const canRetryWithDeviceToken = reason === "token_mismatch" && who.hasDevice;
  const error = new GatewayError("INVALID_REQUEST", words === undefined ? "unauthorized" : `unauthorized: ${words}`, {
    details: {
      code: known.code,
      authReason: reason,
      canRetryWithDeviceToken,
      recommendedNextStep: canRetryWithDeviceToken ? "retry_with_device_token" : known.next,
    },
    ...(retryAfterMs !== undefined && { retryable: true, retryAfterMs }),
  });
  return refused(error, undefined, delayMs);
}

/** Trusted-proxy failures name the check; a missing header gets a code of its own, since clients explain it differently. */
const proxyCode = (reason: string): string =>
  reason.startsWith("trusted_proxy_missing_header_") ? "AUTH_IDENTITY_HEADER_REQUIRED" : "AUTH_UNAUTHORIZED";

interface Failure {
  code: string;
  next: string;
  words?(who: FailedClient): string;
}

const FAILURES: Readonly<Record<string, Failure>> = {
  token_missing: {
    code: "AUTH_TOKEN_MISSING",
    next: "update_auth_configuration",
    words: (who) => `gateway token missing (${hint(who, "token", "missing")})`,
  },
  token_mismatch: {
    code: "AUTH_TOKEN_MISMATCH",
    next: "update_auth_credentials",
    words: (who) => `gateway token mismatch (${hint(who, "token", "mismatch")})`,
  },
  password_missing: {
    code: "AUTH_PASSWORD_MISSING",
    next: "update_auth_configuration",
    words: (who) => `gateway password missing (${hint(who, "password", "missing")})`,
  },
  password_mismatch: {
    code: "AUTH_PASSWORD_MISMATCH",
    next: "update_auth_credentials",
    words: (who) => `gateway password mismatch (${hint(who, "password", "mismatch")})`,
  },
  device_token_mismatch: {
    code: "AUTH_DEVICE_TOKEN_MISMATCH",
    next: "update_auth_credentials",
    words: () => "device token mismatch (rotate/reissue device token)",
  },
  scope_mismatch: {
    code: "AUTH_SCOPE_MISMATCH",
    next: "review_auth_configuration",
    words: () => "device token scope mismatch (re-pair or approve scope upgrade)",
  },
  bootstrap_token_invalid: {
    code: "AUTH_BOOTSTRAP_TOKEN_INVALID",
    next: "review_auth_configuration",
    words: () =>
      "setup code invalid, expired, revoked, or already used (create a new code; review `openclaw devices list`)",
  },
  rate_limited: {
    code: "AUTH_RATE_LIMITED",
    next: "wait_then_retry",
    words: () => "too many failed authentication attempts (retry later)",
  },
};

/** Where the secret of this client comes from. */
function hint({ client, peer }: FailedClient, kind: "token" | "password", problem: "missing" | "mismatch"): string {
  const isPage = isControlUi(client) || client.mode === "webchat" || client.id.startsWith("webchat");
  const isCommandLine = client.mode === "cli";
  if (isPage && !(isCommandLine && problem === "mismatch")) {
    if (kind === "password") return "enter the password in Control UI settings";
    return problem === "missing"
      ? "paste in Control UI settings or openclaw doctor --generate-gateway-token; restart"
      : "open the dashboard URL and paste the token in Control UI settings";
  }
  if (!isCommandLine) return `provide gateway auth ${kind}`;
  if (!peer.isLocalDirect) return `set gateway.remote.${kind} to match gateway.auth.${kind}`;
  return kind === "token"
    ? "use this gateway's gateway.auth.token or pair the device"
    : "use this gateway's gateway.auth.password";
}

const PAIRING: Readonly<Record<PairingReason, { words: string; remediationHint: string }>> = {
  "not-paired": {
    words: "device is not approved yet",
    remediationHint: "Approve this device from the pending pairing requests.",
  },
  "scope-upgrade": {
    words: "device is asking for more scopes than currently approved",
    remediationHint: "Review the requested scopes, then approve the pending upgrade.",
  },
  "role-upgrade": {
    words: "device is asking for a higher role than currently approved",
    remediationHint: "Review the requested role upgrade, then approve the pending request.",
  },
  "metadata-upgrade": {
    words: "device identity changed and must be re-approved",
    remediationHint: "Review the refreshed device details, then approve the pending request.",
  },
};

/** The refusal of a device that has to wait for an approval. `keepTrying` tells clients that show a waiting page. */
export function pairingRequired(
  wish: { deviceId: string; role: string; scopes: readonly string[] },
  { reason, request, device }: { reason: PairingReason; request: PairingRequest; device: PairedDevice | null },
  keepTrying: boolean,
): ConnectRefused {
  const { words, remediationHint } = PAIRING[reason];
  const message = `pairing required: ${words}`;
  const { requestId } = request;
  const error = new GatewayError("NOT_PAIRED", message, {
    details: {
      code: "PAIRING_REQUIRED",
      reason,
      requestId,
      remediationHint,
      ...(keepTrying && { recommendedNextStep: "wait_then_retry", retryable: true, pauseReconnect: false }),
      deviceId: wish.deviceId,
      requestedRole: wish.role,
      ...(wish.scopes.length > 0 && { requestedScopes: wish.scopes }),
      ...(device !== null && { approvedRoles: device.roles }),
      ...(device !== null && device.scopes.length > 0 && { approvedScopes: [...device.scopes].sort() }),
    },
  });
  return refused(error, `${message} (requestId: ${requestId})`);
}
