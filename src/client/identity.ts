import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { join } from "node:path";
import { createPrivateFile, readPrivateFile } from "../platform/private-file.ts";
import { deviceIdOf } from "../protocol/device-proof.ts";

/** The key that makes this installation known to gateways. The private half never leaves it. */
export interface DeviceIdentity {
  /** Lower-case hex SHA-256 of the public key. */
  readonly id: string;
  /** The raw 32 bytes in base64url. */
  readonly publicKey: string;
  /** An Ed25519 signature of the text in base64url. */
  sign(text: string): string;
}

/** The file as upstream's releases before 2026.8 wrote it, so that a device keeps its pairings when it changes program. */
interface IdentityFile {
  version: 1;
  deviceId: string;
  publicKeyPem: string;
  privateKeyPem: string;
  createdAtMs: number;
}

/** The device's key cannot be used, and must not be replaced by itself. */
export class IdentityError extends Error {}

const fileOf = (stateDir: string): string => join(stateDir, "identity", "device.json");

/** The identity of this state directory, or null when it has none yet. @throws IdentityError when its file cannot be used */
export function loadIdentity(stateDir: string): DeviceIdentity | null {
  const path = fileOf(stateDir);
  const text = readPrivateFile(path);
  if (text === null) return null;
  try {
    const { privateKeyPem } = JSON.parse(text) as IdentityFile;
    return identityOf(createPrivateKey(privateKeyPem));
  } catch (error) {
    // Making a new one here would silently turn a paired device into a stranger.
    throw new IdentityError(`${path} holds no usable device key. Restore it, or remove it to become a new device.`, {
      cause: error,
    });
  }
}

/** The identity of this state directory, made on first use. Two processes that make one at once get the same. */
export function loadOrCreateIdentity(stateDir: string, now: number): DeviceIdentity {
  const known = loadIdentity(stateDir);
  if (known) return known;
  const { privateKey } = generateKeyPairSync("ed25519");
  const file: IdentityFile = {
    version: 1,
    deviceId: identityOf(privateKey).id,
    publicKeyPem: createPublicKey(privateKey).export({ type: "spki", format: "pem" }) as string,
    privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    createdAtMs: now,
  };
  createPrivateFile(fileOf(stateDir), `${JSON.stringify(file, null, 2)}\n`);
  return loadIdentity(stateDir)!;
}

function identityOf(privateKey: KeyObject): DeviceIdentity {
  const { x, crv } = createPublicKey(privateKey).export({ format: "jwk" }) as { x: string; crv: string };
  if (crv !== "Ed25519") throw new Error(`the key is ${crv}, not Ed25519`);
  return {
    id: deviceIdOf(Buffer.from(x, "base64url")),
    publicKey: x,
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString("base64url"),
  };
}
