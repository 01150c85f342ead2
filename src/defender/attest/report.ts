import { hostKeyId, isSignedBy } from "../records/host-key.ts";
import type { ExecutableFacts } from "./executable.ts";
import { type ReleaseManifest, strangerIn } from "./release-manifest.ts";

/**
 * What a gateway says of itself. It proves that whoever holds the host key said so after the nonce was made; that the
 * program that said it is the one it names is for a manifest, and for the machine's own means, to show.
 */
export interface Attestation {
  format: "chela-attestation/1";
  /** The asker's. */
  nonce: string;
  /** Epoch milliseconds. */
  at: number;
  startedAt: number;
  hostKeyId: string;
  version: string;
  platform: string;
  executable: ExecutableFacts;
  /** Names the configuration without giving anything of it away. */
  config: string;
  policy: { source: string; version: string };
  /** What became of the release manifest that the configuration names. */
  release?: { ok: boolean; version?: string; problem?: string };
}

/** The report's exact bytes with the signature over them. */
export interface SignedAttestation {
  body: string;
  /** Ed25519, base64. */
  signature: string;
  /** 32 bytes, base64. */
  publicKey: string;
}

export interface Expected {
  nonce: string;
  /** Epoch milliseconds. */
  now: number;
  maxAgeMs: number;
  /** The host's public key (base64) or its id, known from before. */
  hostKey?: string;
  manifest?: ReleaseManifest;
}

/** What is wrong with a report; empty when nothing is. A report that cannot be read has no facts. */
export function attestationProblems(
  { body, signature, publicKey }: SignedAttestation,
  expected: Expected,
): { facts: Attestation | null; problems: string[] } {
  const isSigned = isSignedBy(Buffer.from(publicKey, "base64"), Buffer.from(body), Buffer.from(signature, "base64"));
  if (!isSigned) return { facts: null, problems: ["The signature does not belong to this report."] };
  const facts = factsOf(body);
  if (facts === null) return { facts: null, problems: ["The report is not of the format chela-attestation/1."] };
  const { nonce, now, maxAgeMs, hostKey, manifest } = expected;
  const keyId = hostKeyId(publicKey);
  const problems: string[] = [];
  if (hostKey !== undefined && hostKey !== publicKey && hostKey.toLowerCase() !== keyId) {
    problems.push(`The report is signed with the host key ${keyId}, not with the expected one.`);
  }
  if (facts.hostKeyId !== keyId) problems.push("The report names another host key than the one that signed it.");
  if (facts.nonce !== nonce) problems.push("The report answers another nonce.");
  if (Math.abs(now - facts.at) > maxAgeMs) problems.push("The report is too old, or of the future.");
  const stranger = manifest && strangerIn(manifest, { ...facts.executable, version: facts.version });
  if (stranger) problems.push(stranger);
  if (facts.release?.ok === false) problems.push(facts.release.problem ?? "The gateway is none of its release.");
  return { facts, problems };
}

function factsOf(body: string): Attestation | null {
  try {
    const facts = JSON.parse(body) as Attestation | null;
    const isRight = facts?.format === "chela-attestation/1" && typeof facts.executable?.sha256 === "string";
    return isRight ? facts : null;
  } catch {
    return null;
  }
}
