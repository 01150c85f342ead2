import { type RingKey, validAt } from "../bundles/keyring.ts";
import { SignatureProblem, verifySignature } from "../bundles/minisign.ts";

/** What a release consists of, as its makers have signed it. */
export interface ReleaseManifest {
  format: "chela-release/1";
  version: string;
  artifacts: { name: string; sha256: string; bytes: number }[];
}

/** Reads a manifest and checks its signature. @throws SignatureProblem */
export function readManifest(
  text: string,
  signature: string,
  { keys, now }: { keys: readonly RingKey[]; now: number },
): ReleaseManifest & { keyId: string } {
  const { keyId } = verifySignature(Buffer.from(text), signature, validAt(keys, now));
  let manifest: Partial<ReleaseManifest>;
  try {
    manifest = JSON.parse(text) as Partial<ReleaseManifest>;
  } catch {
    throw new SignatureProblem("The release manifest cannot be read as JSON.");
  }
  const { format, version, artifacts } = manifest ?? {};
  const isRight =
    format === "chela-release/1" &&
    typeof version === "string" &&
    Array.isArray(artifacts) &&
    artifacts.every(
      ({ name, sha256, bytes }) =>
        typeof name === "string" && /^[0-9a-f]{64}$/.test(sha256) && Number.isSafeInteger(bytes),
    );
  if (!isRight) throw new SignatureProblem("The release manifest is not of the format chela-release/1.");
  return { format, version, artifacts, keyId } as ReleaseManifest & { keyId: string };
}

/** Why an executable is none of a release, or null when it is one. */
export function strangerIn(
  { artifacts, version }: ReleaseManifest,
  executable: { sha256: string; bytes: number; version: string },
): string | null {
  const found = artifacts.find(({ sha256, bytes }) => sha256 === executable.sha256 && bytes === executable.bytes);
  if (found === undefined) return "The executable is none of those in the release manifest.";
  return executable.version === version
    ? null
    : `The executable says that it is ${executable.version}, the manifest ${version}.`;
}
