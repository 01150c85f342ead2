import { createHash } from "node:crypto";

/** What a device signs to prove that it holds its key: who connects as what, with which secret, to which challenge. */
export interface DeviceProof {
  deviceId: string;
  clientId: string;
  clientMode: string;
  role: string;
  /** In the order in which they are sent. */
  scopes: readonly string[];
  /** Epoch milliseconds. */
  signedAt: number;
  /** `auth.token`, else `auth.deviceToken`, else `auth.bootstrapToken`, else empty. A password is not part of it. */
  token: string;
  nonce: string;
  platform?: string;
  deviceFamily?: string;
}

/** Versions of the signed text that are accepted, newest first (BEHAVIOUR section 3; version 1 is refused upstream). */
export const PROOF_VERSIONS = ["v3", "v2"] as const;
export type ProofVersion = (typeof PROOF_VERSIONS)[number];

/** The text under the signature. Version 2 lacks platform and device family. Source: `@openclaw/gateway-client` on the wire. */
export function proofText(version: ProofVersion, proof: DeviceProof): string {
  const { deviceId, clientId, clientMode, role, scopes, signedAt, token, nonce } = proof;
  const parts = [version, deviceId, clientId, clientMode, role, scopes.join(","), String(signedAt), token, nonce];
  if (version === "v3") parts.push(plain(proof.platform), plain(proof.deviceFamily));
  return parts.join("|");
}

/** ASCII letters only are lowered, so that both sides agree whatever their locale. */
const plain = (text = ""): string => text.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** A device's id: the lower-case hex SHA-256 of its raw 32-byte public key. */
export const deviceIdOf = (publicKey: Uint8Array): string => createHash("sha256").update(publicKey).digest("hex");
