import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { LIMITS } from "../../../generated/limits.ts";
import type { DefenderPolicySource } from "../../../generated/types.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { Logger } from "../../platform/logger.ts";
import { errorCode, writePrivateFile } from "../../platform/private-file.ts";
import type { PolicyVersion } from "../policy.ts";
import { PolicyProblem, parsePolicy } from "./document.ts";

/** The policy in force, where it comes from, and the text of its file. */
export interface PolicyInForce extends PolicyVersion {
  source: DefenderPolicySource;
  text?: string;
}

/** Where a policy comes from that stands before the file: a signed bundle. `null` when there is none. */
export interface PolicyOverride {
  current(): Promise<PolicyInForce | null>;
}

const NONE: PolicyInForce = {
  document: { version: 1 },
  version: "config",
  source: { source: "config", version: "config" },
};
/** While a file should be in force and never could be read: what it forbids is not known, so more is asked. */
const FALLBACK: PolicyVersion = { document: { version: 1, profile: "strict" }, version: "fallback" };

export interface PolicyFileOptions {
  config: Pick<ConfigPort, "current" | "stateDir">;
  log: Logger;
  override?: PolicyOverride;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
}

/**
 * The policy file of the gateway, `defender/policy.yaml` of the state directory unless `security.defender.policyFile`
 * says otherwise. It is read with the first decision and again soon after it has changed. A file that cannot be used
 * leaves the policy before it in force, or the strict profile when there was none.
 */
export class PolicyFile {
  private inForce: PolicyInForce = NONE;
  private lastGiven: PolicyInForce = NONE;
  private stamp = "";
  private lookedAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<void> | undefined;
  private readonly now: () => number;

  constructor(private readonly options: PolicyFileOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  /** Absolute. */
  get path(): string {
    const { current, stateDir } = this.options.config;
    const { policyFile } = current.security.defender;
    if (policyFile === undefined || policyFile === "") return join(stateDir, "defender", "policy.yaml");
    return isAbsolute(policyFile) ? policyFile : join(stateDir, policyFile);
  }

  /** What was in force when somebody last looked. */
  get last(): PolicyInForce {
    return this.lastGiven;
  }

  /** Never rejects. */
  async current(): Promise<PolicyInForce> {
    const overriding = await this.options.override?.current();
    if (!overriding && this.now() - this.lookedAt >= LIMITS.defenderPolicyLookMs) await this.look();
    this.lastGiven = overriding ?? this.inForce;
    return this.lastGiven;
  }

  /** Looks at the file now. */
  async look(): Promise<void> {
    this.reading ??= this.refresh().finally(() => {
      this.reading = undefined;
    });
    await this.reading;
  }

  /** Puts a text in the place of the file, and in force. @throws PolicyProblem when it is none */
  async set(text: string): Promise<PolicyInForce> {
    await parsePolicy(text);
    writePrivateFile(this.path, text);
    this.stamp = "";
    await this.look();
    return this.inForce;
  }

  private async refresh(): Promise<void> {
    this.lookedAt = this.now();
    const { path } = this;
    const stamp = stampOf(path);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    if (stamp === ABSENT) {
      this.inForce = NONE;
      return;
    }
    try {
      const text = await readFile(path, "utf8");
      const read = await parsePolicy(text);
      this.inForce = { ...read, text, source: { source: "file", version: read.version } };
      this.options.log.info("the policy of the defender was read", { version: read.version });
    } catch (error) {
      const problem = error instanceof PolicyProblem ? error.message : "The policy's file cannot be read.";
      this.options.log.error("the policy of the defender cannot be used", { problem });
      const before = this.inForce.source.source === "file" ? this.inForce : fallback();
      this.inForce = { ...before, source: { ...before.source, problem } };
    }
  }
}

const fallback = (): PolicyInForce => ({
  ...FALLBACK,
  source: { source: "fallback", version: FALLBACK.version },
});

const ABSENT = "absent";

/** Changes whenever the file does. */
function stampOf(path: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino, dev } = statSync(path);
    return [path, dev, ino, size, mtimeMs, ctimeMs].join(" ");
  } catch (error) {
    return errorCode(error) === "ENOENT" ? ABSENT : `${path} ${errorCode(error)}`;
  }
}
