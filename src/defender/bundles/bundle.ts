import type { DefenderPolicyDocument } from "../../../generated/types.ts";
import { stableJson } from "../../platform/json.ts";
import { checkedPolicy, PolicyProblem, versionOf } from "../policy/document.ts";
import { type RingKey, timeOf, validAt } from "./keyring.ts";
import { type SecretKey, SignatureProblem, signatureOf, verifySignature } from "./minisign.ts";

export type Stage = "canary" | "staged" | "full" | "rollback";
export const STAGES: readonly Stage[] = ["canary", "staged", "full", "rollback"];

/** What is signed. Its exact bytes are; nothing is written anew before it is checked. */
export interface BundleBody {
  format: "chela-policy-bundle/1";
  /** Grows with each bundle; no gateway goes back. */
  version: number;
  stage: Stage;
  /** ISO dates between which it holds. */
  notBefore: string;
  notAfter: string;
  /** Gateways that it is for, by the name in their configuration; `*` for all. */
  audience: string[];
  /** The key that signs it. */
  keyId: string;
  policy: DefenderPolicyDocument;
}

/** A bundle that was checked. */
export interface Bundle {
  version: number;
  /** Orders bundles of one version; 0 unless their format has no better. */
  signedAt: number;
  stage: string;
  keyId: string;
  /** Epoch milliseconds. */
  notBefore: number;
  notAfter: number;
  policy: DefenderPolicyDocument;
  /** Names the policy. */
  policyVersion: string;
  /** What of it could not be taken over. */
  ignored: string[];
}

const FORMAT = "chela-policy-bundle/1";
const WORDS: ReadonlySet<string> = new Set([
  "format",
  "version",
  "stage",
  "notBefore",
  "notAfter",
  "audience",
  "keyId",
  "policy",
]);

/** Writes and signs a bundle. @throws PolicyProblem for a policy that is none */
export async function signBundle(
  body: Omit<BundleBody, "format" | "keyId">,
  key: SecretKey,
): Promise<{ text: string; signature: string }> {
  await checkedPolicy(body.policy);
  const text = `${JSON.stringify({ format: FORMAT, ...body, keyId: key.id }, null, 2)}\n`;
  const comment = `chela policy version:${body.version} stage:${body.stage} until:${body.notAfter}`;
  return { text, signature: signatureOf(Buffer.from(text), key, comment) };
}

/**
 * Reads a bundle for a gateway: signed by a key that is in the keyring and may sign now, meant for this gateway, and
 * within its dates. Whether it goes back behind another is for the caller, who remembers.
 * @throws SignatureProblem with what is wrong
 */
export async function readBundle(
  text: string,
  signature: string,
  { keys, audience, now }: { keys: readonly RingKey[]; audience: string; now: number },
): Promise<Bundle> {
  const { keyId } = verifySignature(Buffer.from(text), signature, validKeys(keys, now));
  const body = bodyOf(text);
  if (body.keyId !== keyId) throw new SignatureProblem("The bundle names another key than the one that signed it.");
  if (!body.audience.some((name) => name === "*" || name === audience)) {
    throw new SignatureProblem(`The bundle is not meant for this gateway (${audience}).`);
  }
  const notBefore = timeOf(body.notBefore, "notBefore")!;
  const notAfter = timeOf(body.notAfter, "notAfter")!;
  if (now < notBefore) throw new SignatureProblem("The bundle does not hold yet.");
  if (now >= notAfter) throw new SignatureProblem("The bundle has expired.");
  const policy = await policyIn(body.policy);
  const policyVersion = versionOf(stableJson(policy));
  const { version, stage } = body;
  // It ends with its key: what an old key has signed must be signed anew before the end of a rotation.
  const end = Math.min(notAfter, keys.find(({ id }) => id === keyId)?.notAfter ?? notAfter);
  return { version, signedAt: 0, stage, keyId, notBefore, notAfter: end, policy, policyVersion, ignored: [] };
}

/** @throws SignatureProblem when there is none: a keyring of old keys is no reason to take any */
function validKeys(keys: readonly RingKey[], now: number): RingKey[] {
  const valid = validAt(keys, now);
  if (valid.length === 0) throw new SignatureProblem("No key of the keyring may sign now.");
  return valid;
}

export async function policyIn(value: unknown): Promise<DefenderPolicyDocument> {
  try {
    return await checkedPolicy(value);
  } catch (error) {
    throw error instanceof PolicyProblem ? new SignatureProblem(error.message) : error;
  }
}

function bodyOf(text: string): BundleBody {
  let body: Partial<BundleBody>;
  try {
    body = JSON.parse(text) as Partial<BundleBody>;
  } catch {
    throw new SignatureProblem("The bundle cannot be read as JSON.");
  }
  const { format, version, stage, notBefore, notAfter, audience, keyId, policy } = body ?? {};
  const isRight =
    format === FORMAT &&
    Number.isSafeInteger(version) &&
    version! > 0 &&
    STAGES.includes(stage as Stage) &&
    typeof notBefore === "string" &&
    typeof notAfter === "string" &&
    Array.isArray(audience) &&
    audience.every((name) => typeof name === "string") &&
    typeof keyId === "string" &&
    typeof policy === "object" &&
    Object.keys(body).every((word) => WORDS.has(word));
  if (!isRight) throw new SignatureProblem("The bundle is not of the format chela-policy-bundle/1.");
  return body as BundleBody;
}
