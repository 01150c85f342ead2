import { LIMITS } from "../../../generated/limits.ts";
import type { ConnectParams } from "../../../generated/types.ts";
import type { ConfigPort } from "../../config/types.ts";
import { deviceFacts } from "../../devices/device-facts.ts";
import type { PairingWish } from "../../devices/pairing.ts";
import { SETUP_SCOPES } from "../../devices/setups.ts";
import type { DeviceRole } from "../../devices/types.ts";
import { GatewayError, invalidRequest } from "../../platform/errors.ts";
import type { Authorizer, ConnectAccepted, ConnectRefused } from "../authorizer.ts";
import type { Caller } from "../context.ts";
import type { PeerFacts } from "../peer.ts";
import type { Services } from "../services.ts";
import { isControlUi, isLocalBackend, isWorker } from "./clients.ts";
import { type Authenticated, authenticate, type CredentialDeps, namesSecret } from "./credentials.ts";
import { type ProvenDevice, proveDevice } from "./device-proof.ts";
import { bearerOf, httpCaller } from "./http-caller.ts";
import { originProblem } from "./origin.ts";
import { pairingPolicy } from "./pairing-policy.ts";
import { AuthRateLimiter, type RateLimitSettings } from "./rate-limit.ts";
import {
  controlUiDeviceRequired,
  deviceRequired,
  type FailedClient,
  pairingRequired,
  refused,
  unauthorized,
} from "./refusals.ts";
import { authSettings } from "./secrets.ts";
import { connectionScopes, keepsScopesWithoutDevice } from "./session-scopes.ts";

export type AuthorizerOptions = Pick<
  Services,
  "config" | "clock" | "devices" | "deviceAdmission" | "deviceTokenKey" | "deviceSetups"
>;

/** The product's {@link Authorizer}: shared secrets, trusted proxies, device identities and their tokens. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const limiter = new AuthRateLimiter({
    clock: options.clock,
    settings: () => rateLimitSettings(options.config),
    maxKeys: LIMITS.authFailureKeys,
    localDelayMs: LIMITS.authLocalDelayMs,
    localDelayMaxMs: LIMITS.authLocalDelayMaxMs,
  });
  const connects = new ConnectAuthorizer(options, {
    admission: options.deviceAdmission,
    setups: options.deviceSetups,
    limiter,
  });
  return {
    connect: (params, peer, challenge, connection) =>
      connects.decide({ params, peer, challenge, connection }).catch((error) => {
        // A domain that refuses, for instance because too many devices are paired already.
        if (error instanceof GatewayError) return refused(error);
        throw error;
      }),
    http: async (headers, peer) => httpCaller(headers, peer, options.config.current, limiter),
    page: async (headers, peer) => {
      const token = bearerOf(headers);
      if (token !== undefined && (await options.devices.isOperatorToken(token))) return null;
      const caller = httpCaller(headers, peer, options.config.current, limiter);
      return "ok" in caller ? caller : null;
    },
  };
}

function rateLimitSettings({ current }: ConfigPort): RateLimitSettings {
  const {
    maxAttempts = 10,
    windowMs = 60_000,
    lockoutMs = 300_000,
    exemptLoopback = true,
  } = current.gateway.auth.rateLimit ?? {};
  return { maxAttempts, windowMs, lockoutMs, exemptLoopback };
}

interface Attempt {
  params: ConnectParams;
  peer: PeerFacts;
  challenge: { nonce: string; ts: number };
  connection: { connId: string; protocol: number };
}

/** Decides a `connect`: origin, device proof, credential, then pairing (BEHAVIOUR section 3). */
class ConnectAuthorizer {
  constructor(
    private readonly options: AuthorizerOptions,
    private readonly deps: CredentialDeps,
  ) {}

  async decide(attempt: Attempt): Promise<ConnectAccepted | ConnectRefused> {
    const { params, peer, challenge } = attempt;
    const config = this.options.config.current;
    if (isWorker(params.client)) return refused(invalidRequest("invalid-handshake"));
    const foreign = originProblem(params, peer, config);
    if (foreign !== null) return foreign;
    if ((params.scopes?.length ?? 0) > LIMITS.deviceScopesMax) return refused(invalidRequest("too many scopes"));
    const proven = params.device === undefined ? undefined : this.prove(params, challenge.nonce);
    if (proven !== undefined && "ok" in proven) return proven;
    return proven === undefined ? this.withoutDevice(attempt) : this.withDevice(attempt, proven);
  }

  private prove(params: ConnectParams, nonce: string): ProvenDevice | ConnectRefused {
    return proveDevice(params, { nonce, now: this.options.clock.now(), skewMs: LIMITS.signatureSkewMs });
  }

  /**
   * Clients without identity: only with the secret or the proxy's word, and with no scopes of their own choosing unless
   * they are this machine's own command line or backend (CVE-2026-22172).
   */
  private async withoutDevice(attempt: Attempt): Promise<ConnectAccepted | ConnectRefused> {
    const { params, peer } = attempt;
    const { client, auth = {} } = params;
    const config = this.options.config.current;
    const { mode } = authSettings(config);
    if (isControlUi(client) && mode !== "trusted-proxy") return controlUiDeviceRequired();
    const role = roleOf(params);
    const outcome = await authenticate(this.deps, { auth, peer, role, scopes: [] }, config);
    if (!outcome.ok) {
      if (isControlUi(client)) return controlUiDeviceRequired();
      return namesSecret(auth) && mode !== "none"
        ? unauthorized(outcome.failure, this.failedClient(attempt))
        : deviceRequired();
    }
    if (role === "node") return deviceRequired();
    if (outcome.value.method === "none" && !isLocalBackend(client)) return deviceRequired();
    const asked = keepsScopesWithoutDevice(client, peer) ? (params.scopes ?? []) : [];
    const scopes = connectionScopes(asked, outcome.value, peer, config);
    const recovery = outcome.value.method === "none" ? {} : { recoveryScope: this.recoveryScope(outcome.value) };
    return accept(attempt, { auth: outcome.value, scopes, hello: recovery });
  }

  private async withDevice(attempt: Attempt, device: ProvenDevice): Promise<ConnectAccepted | ConnectRefused> {
    const { params, peer } = attempt;
    const { auth = {}, client } = params;
    const config = this.options.config.current;
    const role = roleOf(params);
    const asked = params.scopes ?? [];
    // Watched from before the token is read, so that one revoked meanwhile does not slip in.
    const lostAccess = this.options.devices.accessEnds.watch(device.deviceId, role);
    const outcome = await authenticate(
      this.deps,
      { auth, peer, role, scopes: asked, deviceId: device.deviceId },
      config,
    );
    if (!outcome.ok) return unauthorized(outcome.failure, this.failedClient(attempt));
    const wish = this.wishOf(attempt, device, role);
    const policy = pairingPolicy({ params, peer, config, wish, auth: outcome.value });
    if (policy === "exempt") return this.exempt(attempt, device, outcome.value);
    const admission = await this.deps.admission.admit({ ...wish, scopes: policy.scopes }, policy);
    if (admission.kind === "required") {
      const keepTrying = client.id === "openclaw-control-ui" || outcome.value.setup !== undefined;
      return pairingRequired({ ...wish, scopes: asked }, admission, keepTrying);
    }
    const { token } = admission;
    const isIdentified = outcome.value.method === "trusted-proxy";
    const accepted: Accepted = {
      auth: outcome.value,
      deviceId: device.deviceId,
      scopes: connectionScopes(role === "node" ? [] : policy.scopes, outcome.value, peer, config),
      lostAccess,
      hello: {
        ...(role === "operator" && {
          recoveryScope: this.recoveryScope(outcome.value, `${device.deviceId}\0${token.issuedAtMs}`),
          ...(!isIdentified && { recoveryMigrationAllowed: true }),
        }),
        ...(policy.givesToken && { deviceToken: token.token, issuedAtMs: token.issuedAtMs }),
      },
    };
    const finished = await this.withSetup(wish, outcome.value, accepted, this.failedClient(attempt));
    return "ok" in finished ? finished : accept(attempt, finished);
  }

  /** Uses a setup code up, and hands out the operator's token that it brings beside the node's. */
  private async withSetup(
    { deviceId, role, facts }: PairingWish,
    { setup }: Authenticated,
    accepted: Accepted,
    who: FailedClient,
  ): Promise<Accepted | ConnectRefused> {
    if (setup === undefined) return accepted;
    const { deviceSetups } = this.options;
    if (!(await deviceSetups.consume(setup.token, facts.displayName))) {
      return unauthorized({ reason: "bootstrap_token_invalid" }, who);
    }
    const other = role === "node" ? await this.deps.admission.issued(deviceId, "operator") : null;
    // A device that has more already is not given that for a code that stands for less.
    const isWithin = other?.scopes.every((scope) => SETUP_SCOPES[setup.access].includes(scope)) === true;
    const deviceTokens = isWithin && [
      { deviceToken: other!.token, role: "operator", scopes: other!.scopes, issuedAtMs: other!.issuedAtMs },
    ];
    return {
      ...accepted,
      hello: { ...accepted.hello, ...(deviceTokens && { deviceTokens }) },
      settled: (delivered) => deviceSetups.settle(setup.token, delivered),
    };
  }

  /** This machine's own backend works without a pairing even when it proves a key; it gets no token then. */
  private exempt(attempt: Attempt, device: ProvenDevice, auth: Authenticated): ConnectAccepted {
    return accept(attempt, {
      auth,
      deviceId: device.deviceId,
      scopes: attempt.params.scopes ?? [],
      hello: { recoveryScope: this.recoveryScope(auth, device.deviceId) },
    });
  }

  private wishOf({ params, peer }: Attempt, device: ProvenDevice, role: DeviceRole): PairingWish {
    return {
      ...device,
      role,
      scopes: params.scopes ?? [],
      facts: deviceFacts(params.client, role),
      ...(!peer.isLocalDirect && { remoteIp: peer.remoteAddress }),
    };
  }

  private failedClient({ params, peer }: Attempt): FailedClient {
    return { client: params.client, peer, hasDevice: params.device !== undefined };
  }

  private recoveryScope({ method, user = "" }: Authenticated, credential = ""): string {
    const { secret = "" } = authSettings(this.options.config.current);
    return this.options.deviceTokenKey.recoveryScope(
      credential === "" ? [method, user, secret].join("\0") : credential,
    );
  }
}

const roleOf = ({ role }: ConnectParams): DeviceRole => (role === "node" ? "node" : "operator");

interface Accepted {
  auth: Authenticated;
  scopes: readonly string[];
  deviceId?: string;
  /** What hello-ok tells beyond method, role and scopes. */
  hello: Record<string, unknown>;
  lostAccess?: () => boolean;
  settled?: (delivered: boolean) => Promise<void>;
}

function accept({ params, peer, connection }: Attempt, accepted: Accepted): ConnectAccepted {
  const { auth, scopes, deviceId, hello, lostAccess, settled } = accepted;
  const role = roleOf(params);
  const caller: Caller = {
    connId: connection.connId,
    role,
    scopes: new Set(scopes),
    ...(deviceId !== undefined && { deviceId }),
    ...(auth.user !== undefined && { user: auth.user }),
    client: params.client,
    caps: new Set(params.caps ?? []),
    isLocal: peer.isLocalDirect,
    authMethod: auth.method,
    protocol: connection.protocol,
  };
  return {
    ok: true,
    caller,
    auth: { method: auth.method, role, scopes: [...scopes], ...hello },
    method: auth.method,
    lostAccess,
    settled,
  };
}
