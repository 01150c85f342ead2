import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { ConfigPort } from "../../config/types.ts";
import type { Clock } from "../../platform/clock.ts";
import { parseKeyring } from "../bundles/keyring.ts";
import { SignatureProblem } from "../bundles/minisign.ts";
import type { PolicyInForce } from "../policy/policy-file.ts";
import type { HostKey } from "../records/host-key.ts";
import { Executable } from "./executable.ts";
import { readManifest, strangerIn } from "./release-manifest.ts";
import type { Attestation, SignedAttestation } from "./report.ts";

export interface AttestorOptions {
  config: Pick<ConfigPort, "current" | "stateDir" | "hash">;
  policy: { current(): Promise<PolicyInForce> };
  hostKey: HostKey;
  clock: Clock;
  /** Our own version. */
  version: string;
  executable?: Executable;
}

/** Says what is running here, signed with the host key, for a nonce of whoever asks. */
export class Attestor {
  private readonly startedAt: number;
  private readonly executable: Executable;

  constructor(private readonly options: AttestorOptions) {
    this.startedAt = options.clock.now();
    this.executable = options.executable ?? new Executable();
  }

  async report(nonce: string): Promise<SignedAttestation & { report: Attestation }> {
    const { config, policy, hostKey, clock, version } = this.options;
    const executable = await this.executable.facts();
    const { source } = await policy.current();
    const release = await this.release({ ...executable, version });
    const report: Attestation = {
      format: "chela-attestation/1",
      nonce,
      at: clock.now(),
      startedAt: this.startedAt,
      hostKeyId: hostKey.id,
      version,
      platform: `${process.platform}-${process.arch}`,
      executable,
      config: config.hash,
      policy: { source: source.source, version: source.version },
      ...(release && { release }),
    };
    const body = JSON.stringify(report);
    return { body, signature: hostKey.sign(Buffer.from(body)), publicKey: hostKey.publicKey, report };
  }

  /** Holds the executable against the signed manifest of `security.defender.release`, where there is one. */
  private async release(executable: {
    sha256: string;
    bytes: number;
    version: string;
  }): Promise<Attestation["release"]> {
    const { manifest, keyring } = this.options.config.current.security.defender.release ?? {};
    if (manifest === undefined || manifest === "") return undefined;
    try {
      const [text, signature, ring] = await Promise.all([
        this.text(manifest),
        this.text(`${manifest}.minisig`),
        this.text(keyring ?? "defender/release-keyring.yaml"),
      ]);
      const read = readManifest(text, signature, { keys: parseKeyring(ring), now: this.options.clock.now() });
      const problem = strangerIn(read, executable);
      return { ok: problem === null, version: read.version, ...(problem !== null && { problem }) };
    } catch (error) {
      const problem = error instanceof SignatureProblem ? error.message : "The release manifest cannot be read.";
      return { ok: false, problem };
    }
  }

  private text(path: string): Promise<string> {
    return readFile(isAbsolute(path) ? path : join(this.options.config.stateDir, path), "utf8");
  }
}
