import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { type DeviceProof, deviceIdOf, proofText } from "../protocol/device-proof.ts";
import type { ConnectSpec } from "./cases.ts";

/** An ed25519 identity. `id` is the hash of the key, `publicKey` its 32 bytes in base64url. */
export interface DeviceIdentity {
  id: string;
  publicKey: string;
  sign(text: string): string;
}

/** DER of a PKCS #8 ed25519 private key up to its 32-byte seed. */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

const known = new Map<string, DeviceIdentity>();

/**
 * The fixed identity of a name: its seed is the SHA-256 of `parity-device:<name>`, so that every run and every
 * recording has the same devices. For tests only, as anybody can derive the key.
 */
export function deviceIdentity(name: string): DeviceIdentity {
  const found = known.get(name) ?? derive(name);
  known.set(name, found);
  return found;
}

function derive(name: string): DeviceIdentity {
  const privateKey = privateKeyOf(name);
  const raw = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  return {
    id: deviceIdOf(raw),
    publicKey: raw.toString("base64url"),
    sign: (text) => sign(null, Buffer.from(text, "utf8"), privateKey).toString("base64url"),
  };
}

/** The private key of a fixed identity, for clients that take keys. */
export function privateKeyOf(name: string): KeyObject {
  const seed = createHash("sha256").update(`parity-device:${name}`).digest();
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: "der", type: "pkcs8" });
}

/** The `device` of a `connect`, spoiled as the case wants it. */
export function deviceBlock(
  name: string,
  proof: Omit<DeviceProof, "deviceId" | "signedAt" | "nonce">,
  challenge: { nonce: string; ts: number },
  { signatureVersion = "v3", deviceOverride = {} }: Pick<ConnectSpec, "signatureVersion" | "deviceOverride">,
): Record<string, unknown> {
  const { signedAtOffset = 0, omit = [], nonce = challenge.nonce, ...replaced } = deviceOverride;
  const identity = deviceIdentity(name);
  const signedAt = challenge.ts + signedAtOffset;
  const signed: DeviceProof = { ...proof, deviceId: identity.id, signedAt, nonce: nonce as string };
  const text =
    signatureVersion === "v3" ? proofText("v3", signed) : proofText("v2", signed).replace(/^v2/, signatureVersion);
  const block: Record<string, unknown> = {
    id: identity.id,
    publicKey: identity.publicKey,
    signature: identity.sign(text),
    signedAt,
    nonce,
    ...replaced,
  };
  for (const field of omit) delete block[field];
  return block;
}
