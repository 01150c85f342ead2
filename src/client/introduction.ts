import type { ConnectParams, HelloOk } from "../../generated/types.ts";
import { type DeviceProof, proofText } from "../protocol/device-proof.ts";
import type { DeviceIdentity } from "./identity.ts";

export type Hello = HelloOk;

/** Secrets that open a gateway; at most one is sent. */
export type Credentials = Pick<NonNullable<ConnectParams["auth"]>, "token" | "password" | "deviceToken">;

/** What a client says of itself in `connect`. */
export interface Introduction {
  client: ConnectParams["client"];
  role: "operator" | "node";
  scopes: string[];
  auth: Credentials;
  /** Signs the challenge. Without one the gateway must trust the secret alone. */
  identity?: DeviceIdentity;
  /** The wire versions spoken; 4 alone unless told, as upstream's clients. */
  protocol?: { min: number; max: number };
  /** Whatever else `connect` takes: capabilities, commands, permissions. */
  more?: Pick<ConnectParams, "caps" | "commands" | "permissions" | "pathEnv" | "userAgent" | "locale">;
}

const VERSION_4 = { min: 4, max: 4 };

/** Builds the params of `connect` for a challenge. The device signs the gateway's time, so a wrong clock does not matter. */
export function connectParams(who: Introduction, challenge: { nonce: string; ts: number }): ConnectParams {
  const { client, role, scopes, auth, identity, protocol = VERSION_4, more } = who;
  return {
    minProtocol: protocol.min,
    maxProtocol: protocol.max,
    client,
    role,
    scopes,
    caps: [],
    ...more,
    auth,
    ...(identity && { device: signedDevice(who, identity, challenge) }),
  };
}

function signedDevice(
  { client, role, scopes, auth, protocol = VERSION_4 }: Introduction,
  identity: DeviceIdentity,
  { nonce, ts }: { nonce: string; ts: number },
): NonNullable<ConnectParams["device"]> {
  const proof: DeviceProof = {
    deviceId: identity.id,
    clientId: client.id,
    clientMode: client.mode,
    role,
    scopes,
    signedAt: ts,
    token: auth.token ?? auth.deviceToken ?? "",
    nonce,
    platform: client.platform,
    deviceFamily: client.deviceFamily,
  };
  return {
    id: identity.id,
    publicKey: identity.publicKey,
    // Releases that speak wire version 3 alone refuse the newer text; all releases take the older one.
    signature: identity.sign(proofText(protocol.min < 4 ? "v2" : "v3", proof)),
    signedAt: ts,
    nonce,
  };
}
