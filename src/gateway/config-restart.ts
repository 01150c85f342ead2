import type { GatewayConfig } from "../../generated/config.ts";
import { LIMITS } from "../../generated/limits.ts";
import type { Config } from "../config/config.ts";
import { ConfigError, describeProblem } from "../config/problem.ts";
import type { Logger } from "../platform/logger.ts";

export interface ConfigRestartOptions {
  config: Pick<Config, "onRestartNeeded" | "reload">;
  /** How much is at work or waits for its turn. */
  busy(): number;
  /** Whether a gateway could start so. @throws ConfigError when it could not */
  check(next: GatewayConfig): void;
  /** Asks for the restart. */
  restart(): void;
  log: Logger;
  /** Milliseconds: between looks at what is at work, and until the restart no longer waits for it. */
  pollMs?: number;
  patienceMs?: number;
}

/**
 * Carries out changes of the config file that need a restart (docs: gateway/configuration, "hot reload"): once nothing is at
 * work, or after a while in any case. A change that is taken back meanwhile needs none, and one with which the gateway could
 * not start is left waiting.
 */
export class ConfigRestart {
  private readonly unfollow: () => void;
  private timer: ReturnType<typeof setInterval> | undefined;
  private deadline = 0;

  constructor(private readonly options: ConfigRestartOptions) {
    this.unfollow = options.config.onRestartNeeded((next, keys) => this.needed(next, keys));
  }

  close(): void {
    this.unfollow();
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private needed(next: GatewayConfig, keys: readonly string[]): void {
    const { log, check, busy, pollMs = LIMITS.restartPollMs, patienceMs = LIMITS.restartPatienceMs } = this.options;
    try {
      check(next);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const problems = error.problems.map(describeProblem);
      log.error("the gateway could not start with the changed config file; it goes on as it is", { keys, problems });
      this.calm();
      return;
    }
    log.warn("the changed config file needs a restart", { keys, waitsFor: busy() });
    if (this.timer !== undefined) return;
    this.deadline = performance.now() + patienceMs;
    this.timer = setInterval(() => this.look(), pollMs);
  }

  private look(): void {
    const { config, busy, restart } = this.options;
    if (config.reload.waiting.length === 0 || config.reload.problem !== null) {
      this.calm();
      return;
    }
    if (busy() > 0 && performance.now() < this.deadline) return;
    this.calm();
    restart();
  }

  private calm(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
