import { readFile, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { isAbsolute, join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { errorCode } from "../../platform/private-file.ts";
import type { Settings } from "../../store/settings.ts";
import type { PolicyInForce, PolicyOverride } from "../policy/policy-file.ts";
import { type Bundle, readBundle } from "./bundle.ts";
import { isHmacBundle, readHmacBundle } from "./hmac-bundle.ts";
import { parseKeyring } from "./keyring.ts";
import { SignatureProblem } from "./minisign.ts";

/** The bundle that was taken last, to be read again after a restart, and below which none is taken. */
interface Taken {
  version: number;
  signedAt: number;
  policyVersion: string;
  text: string;
  signature: string;
}

interface Files {
  text: string;
  signature: string;
}

export interface BundleSourceOptions {
  config: Pick<ConfigPort, "current" | "stateDir">;
  settings: Settings;
  clock: Clock;
  log: Logger;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
}

const TAKEN = "defender.bundle";

/**
 * The signed bundle that `security.defender.bundle.file` names, with its signature beside it (`.minisig`). While one is
 * configured nothing else counts: what is not signed, not meant for this gateway, out of its dates or behind a bundle that
 * was taken before is refused, and the last good one stays in force as long as it holds, then the strict profile.
 */
export class BundleSource implements PolicyOverride {
  private inForce: PolicyInForce | null = null;
  /** When what is in force ends, epoch milliseconds. */
  private until = Number.POSITIVE_INFINITY;
  private stamp = "";
  private lookedAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<void> | undefined;
  private readonly now: () => number;

  constructor(private readonly options: BundleSourceOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  /** Never rejects; null where no bundle is configured. */
  async current(): Promise<PolicyInForce | null> {
    if (this.file === undefined) return null;
    const isDue = this.now() - this.lookedAt >= LIMITS.defenderPolicyLookMs;
    if (isDue || this.options.clock.now() >= this.until) await this.look();
    return this.inForce;
  }

  private get settings() {
    return this.options.config.current.security.defender.bundle ?? {};
  }

  private get file(): string | undefined {
    const { file } = this.settings;
    return file === undefined || file === "" ? undefined : this.absolute(file);
  }

  private absolute(path: string): string {
    return isAbsolute(path) ? path : join(this.options.config.stateDir, path);
  }

  private async look(): Promise<void> {
    this.reading ??= this.refresh().finally(() => {
      this.reading = undefined;
    });
    await this.reading;
  }

  private async refresh(): Promise<void> {
    this.lookedAt = this.now();
    const { keyring, audience, allowHmac } = this.settings;
    const paths = [this.file!, `${this.file}.minisig`, this.absolute(keyring ?? "defender/keyring.yaml")] as const;
    const stamps = await Promise.all(paths.map(stampOf));
    const stamp = JSON.stringify([stamps, audience, allowHmac]);
    if (stamp === this.stamp && this.options.clock.now() < this.until) return;
    this.stamp = stamp;
    await this.take(paths).catch((error: unknown) => this.refuse(error, paths));
  }

  /** @throws SignatureProblem for what may not come into force */
  private async take([file, signatureFile, keyring]: readonly [string, string, string]): Promise<void> {
    const { settings, log } = this.options;
    const text = await readText(file, "bundle");
    const signature = isHmacBundle(text) ? "" : await readText(signatureFile, "signature");
    const bundle = await this.read({ text, signature }, keyring);
    const taken = await settings.get<Taken>(TAKEN);
    if (taken && isBehind(bundle, taken)) {
      throw new SignatureProblem(
        `The bundle has version ${bundle.version}, and version ${taken.version} was in force.`,
      );
    }
    const { version, signedAt, policyVersion } = bundle;
    if (taken?.text !== text || taken.signature !== signature) {
      await settings.set(TAKEN, { version, signedAt, policyVersion, text, signature } satisfies Taken);
      log.info("a signed policy came into force", { version, key: bundle.keyId, stage: bundle.stage });
    }
    this.force(bundle);
  }

  private async read({ text, signature }: Files, keyring: string): Promise<Bundle> {
    const { audience = hostname(), allowHmac, hmacKeys } = this.settings;
    if (isHmacBundle(text)) {
      if (allowHmac !== true) throw new SignatureProblem("Bundles with a shared key are not allowed here.");
      return readHmacBundle(text, (hmacKeys ?? {}) as Record<string, string>);
    }
    const keys = parseKeyring(await readText(keyring, "keyring"));
    return readBundle(text, signature, { keys, audience, now: this.options.clock.now() });
  }

  /** What was taken before stays, if it still may; else the strict profile. */
  private async refuse(error: unknown, [, , keyring]: readonly string[]): Promise<void> {
    const { settings, log } = this.options;
    const problem = error instanceof SignatureProblem ? error.message : "The bundle cannot be read.";
    log.error("a signed policy is refused", { problem });
    try {
      const taken = await settings.get<Taken>(TAKEN);
      if (taken === undefined) throw error;
      this.force(await this.read(taken, keyring!), problem);
    } catch {
      this.until = Number.POSITIVE_INFINITY;
      const source = { source: "fallback", version: "fallback", problem } as const;
      this.inForce = { document: { version: 1, profile: "strict" }, version: "fallback", source };
    }
  }

  private force({ policy, policyVersion, version, keyId, stage, notAfter, ignored }: Bundle, problem?: string): void {
    this.until = notAfter;
    const name = `bundle-${version}-${policyVersion}`;
    const source = {
      source: "bundle" as const,
      version: name,
      bundle: { version, keyId, stage, ...(Number.isFinite(notAfter) && { notAfter }), ignored },
      ...(problem !== undefined && { problem }),
    };
    this.inForce = { document: policy, version: name, source };
  }
}

/** Whether a bundle goes back behind the one that was taken; the same version is the same only with the same policy. */
function isBehind(bundle: Bundle, taken: Taken): boolean {
  if (bundle.version !== taken.version) return bundle.version < taken.version;
  if (bundle.policyVersion === taken.policyVersion) return false;
  return bundle.signedAt <= taken.signedAt;
}

async function readText(path: string, what: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > LIMITS.defenderPolicyBytes) throw new SignatureProblem(`The ${what} is too long.`);
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof SignatureProblem) throw error;
    const why = errorCode(error) === "ENOENT" ? "is not there" : "cannot be read";
    throw new SignatureProblem(`The ${what} ${why}.`);
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, ctimeMs, size, ino, dev } = await stat(path);
    return [dev, ino, size, mtimeMs, ctimeMs].join(" ");
  } catch (error) {
    return String(errorCode(error));
  }
}
