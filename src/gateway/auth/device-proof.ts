import { createPublicKey, type KeyObject, verify } from "node:crypto";
import type { ConnectParams } from "../../../generated/types.ts";
import { invalidRequest } from "../../platform/errors.ts";
import { type DeviceProof, deviceIdOf, PROOF_VERSIONS, proofText } from "../../protocol/device-proof.ts";
import type { ConnectRefused } from "../authorizer.ts";
import { refused } from "./refusals.ts";

/** The challenge the connection was opened with, and the time now. Epoch milliseconds. */
export interface ProofContext {
  nonce: string;
  now: number;
  /** How far the device's clock may be off, either way. */
  skewMs: number;
}

/** A device that proved to hold its key. */
export interface ProvenDevice {
  deviceId: string;
  /** The raw 32 bytes in base64url without padding, whatever base64 the device sent. */
  publicKey: string;
}

/**
 * Checks that the device holds the key its id is the hash of, and that it signed this very connection attempt: who
 * connects as what, with which scopes and secret, in answer to this challenge. Order and words as upstream
 * (BEHAVIOUR section 3): identity, time, nonce, signature.
 */
export function proveDevice(
  params: ConnectParams,
  { nonce, now, skewMs }: ProofContext,
): ProvenDevice | ConnectRefused {
  const device = params.device!;
  const raw = Buffer.from(device.publicKey, "base64url");
  if (raw.length !== 32 || deviceIdOf(raw) !== device.id) return failed("ID_MISMATCH");
  if (Math.abs(now - device.signedAt) > skewMs) return failed("SIGNATURE_EXPIRED");
  if (device.nonce.trim() === "") return failed("NONCE_REQUIRED");
  if (device.nonce !== nonce) return failed("NONCE_MISMATCH");
  const { client, role = "operator", scopes = [], auth = {} } = params;
  const proof: DeviceProof = {
    deviceId: device.id,
    clientId: client.id,
    clientMode: client.mode,
    role,
    scopes,
    signedAt: device.signedAt,
    token: auth.token ?? auth.deviceToken ?? auth.bootstrapToken ?? "",
    nonce,
    platform: client.platform,
    deviceFamily: client.deviceFamily,
  };
  if (!isSignedBy(raw, device.signature, proof)) return failed("SIGNATURE_INVALID");
  return { deviceId: device.id, publicKey: raw.toString("base64url") };
}

/** The fixed start of an Ed25519 key in SPKI form; the 32 raw bytes follow it. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

function isSignedBy(rawKey: Buffer, signature: string, proof: DeviceProof): boolean {
  const bytes = Buffer.from(signature, "base64url");
  if (bytes.length !== 64) return false;
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, rawKey]), format: "der", type: "spki" });
  } catch {
    return false;
  }
  return PROOF_VERSIONS.some((version) => verify(null, Buffer.from(proofText(version, proof)), key, bytes));
}

const FAILURES = {
  ID_MISMATCH: ["DEVICE_AUTH_DEVICE_ID_MISMATCH", "device-id-mismatch", "device identity mismatch"],
  SIGNATURE_EXPIRED: ["DEVICE_AUTH_SIGNATURE_EXPIRED", "device-signature-stale", "device signature expired"],
  NONCE_REQUIRED: ["DEVICE_AUTH_NONCE_REQUIRED", "device-nonce-missing", "device nonce required"],
  NONCE_MISMATCH: ["DEVICE_AUTH_NONCE_MISMATCH", "device-nonce-mismatch", "device nonce mismatch"],
  SIGNATURE_INVALID: ["DEVICE_AUTH_SIGNATURE_INVALID", "device-signature", "device signature invalid"],
} as const;

function failed(failure: keyof typeof FAILURES): ConnectRefused {
  const [code, reason, message] = FAILURES[failure];
  return refused(invalidRequest(message, { code, reason }));
}
