import { methodSpec } from "../../generated/methods.ts";
import type { ConnectParams } from "../../generated/types.ts";
import type { Connection } from "../client/connection.ts";
import { DeviceTokens } from "../client/device-tokens.ts";
import { GatewayRequestError, GatewayTransportError } from "../client/errors.ts";
import { type DeviceIdentity, IdentityError, loadOrCreateIdentity } from "../client/identity.ts";
import type { CallOptions } from "../client/pending.ts";
import { signIn } from "../client/sign-in.ts";
import { uuid } from "../platform/ids.ts";
import { COMPATIBLE_VERSION } from "../protocol/version.ts";
import { CliFailure, GatewayCallFailure } from "./failure.ts";
import { isOnThisMachine, type Target } from "./target.ts";

/** As whom a command connects; upstream's CLI uses these three (CLI.md section 1). */
export type CallerKind = "cli" | "backend" | "probe";

const KINDS: Readonly<Record<CallerKind, Pick<ConnectParams["client"], "id" | "mode">>> = {
  cli: { id: "cli", mode: "cli" },
  backend: { id: "gateway-client", mode: "backend" },
  probe: { id: "cli", mode: "probe" },
};

/** What `gateway call` asks for when it does not know what a method needs. */
const ALL_SCOPES = [
  "operator.admin",
  "operator.read",
  "operator.write",
  "operator.approvals",
  "operator.questions",
  "operator.pairing",
  "operator.talk.secrets",
];

export interface CallSettings extends Pick<CallOptions, "expectFinal" | "onAccepted"> {
  /** Milliseconds for connecting and for the answer, each. */
  timeoutMs: number;
  /** Milliseconds for the answer alone, when it may take longer. */
  answerTimeoutMs?: number;
  as?: CallerKind;
}

/** Connects, calls one method and disconnects. @throws GatewayCallFailure, CliFailure */
export function callGateway(target: Target, method: string, params: unknown, settings: CallSettings): Promise<unknown> {
  const { timeoutMs, answerTimeoutMs = timeoutMs, expectFinal, onAccepted } = settings;
  const scopes = scopesFor(method);
  return withGateway(target, { ...settings, scopes }, (connection) =>
    connection.request(method, params, { timeoutMs: answerTimeoutMs, expectFinal, onAccepted }),
  );
}

/** Connects, does the work and disconnects. @throws GatewayCallFailure, CliFailure */
export async function withGateway<T>(
  target: Target,
  { timeoutMs, scopes, as = "cli" }: { timeoutMs: number; scopes: string[]; as?: CallerKind },
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  try {
    const connection = await connect(target, { timeoutMs, scopes, as });
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  } catch (error) {
    if (error instanceof GatewayRequestError || error instanceof GatewayTransportError) {
      throw new GatewayCallFailure(error, target);
    }
    throw error;
  }
}

/**
 * On this machine the shared secret says enough. Elsewhere, and without a secret, this installation shows its device
 * key too, so that it can be paired.
 */
function connect(target: Target, { timeoutMs, scopes, as }: { timeoutMs: number; scopes: string[]; as: CallerKind }) {
  const { url, secret, stateDir } = target;
  const needsDevice = as !== "probe" && (secret === undefined || !isOnThisMachine(target));
  const identity = needsDevice ? deviceIdentity(stateDir) : undefined;
  const tokens = identity && new DeviceTokens(stateDir, identity.id);
  if (secret === undefined && tokens?.find(url, "operator") === undefined) throw noCredentials(target);
  const client = {
    ...KINDS[as],
    version: COMPATIBLE_VERSION,
    platform: process.platform,
    deviceFamily: DEVICE_FAMILY[process.platform] ?? process.platform,
    instanceId: uuid(),
  };
  const protocol = as === "probe" ? { min: 3, max: 4 } : undefined;
  return signIn({ url, who: { client, role: "operator", scopes, protocol }, secret, identity, tokens }, { timeoutMs });
}

function deviceIdentity(stateDir: string): DeviceIdentity {
  try {
    return loadOrCreateIdentity(stateDir, Date.now());
  } catch (error) {
    throw error instanceof IdentityError ? new CliFailure(error.message) : error;
  }
}

const DEVICE_FAMILY: Readonly<Record<string, string>> = { linux: "Linux", darwin: "Mac", win32: "Windows" };

/** Who hands out scopes must hold them, and which that will be is not known beforehand. */
const HANDS_OUT_SCOPES = new Set(["device.pair.approve", "device.token.rotate", "node.pair.approve"]);

/** The least that a method needs, as upstream's CLI asks for it. */
export function scopesFor(method: string): string[] {
  if (HANDS_OUT_SCOPES.has(method)) return ["operator.pairing", "operator.admin"];
  const scope = methodSpec(method)?.scope;
  if (scope === undefined || scope === "dynamic") return ALL_SCOPES;
  return scope === null ? ["operator.read"] : [scope];
}

function noCredentials({ configPath }: Target): CliFailure {
  return new CliFailure("Nothing is known that would open the gateway.", {
    hints: [
      "Start the gateway once on this machine, set gateway.auth.token, or pass --token or --password.",
      `Config: ${configPath}`,
    ],
    type: "gateway_credentials_required",
  });
}
