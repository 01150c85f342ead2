import { resolve } from "node:path";
import type { GatewayConfig } from "../../generated/config.ts";
import type { Config } from "../config/config.ts";
import { configuredSecrets, environmentSecrets } from "../config/configured-secrets.ts";
import { expandHome } from "../config/paths.ts";
import type { Clock } from "../platform/clock.ts";
import { Log, type LogOptions, type LogSettings } from "../platform/log.ts";
import { logFilePath } from "../platform/log-path.ts";
import { isLogLevel, type LogLevel } from "../platform/log-record.ts";
import { LogRedactor } from "../platform/log-redactor.ts";
import { LogTail } from "./tail.ts";

export interface CreateLogOptions {
  config: Config;
  /** Level of the command line; wins over `OPENCLAW_LOG_LEVEL` and the config, for file and console. */
  level?: LogLevel;
  /** Shows everything down to `debug` on the console; the file keeps its level. */
  verbose?: boolean;
  /** Descriptors for people, both streams by default; null for none. */
  console?: LogOptions["console"];
  clock?: Clock;
}

/**
 * The log of a gateway, as `logging` in the config says, also after a reload. It hides every secret of the config and
 * of the environment wherever it occurs (docs: logging, gateway/logging).
 */
export function createLog({ config, level, verbose, console, clock }: CreateLogOptions): Log {
  const forced = level ?? config.env.OPENCLAW_LOG_LEVEL?.trim().toLowerCase();
  const settings = (current: GatewayConfig): LogSettings => ({
    ...loggingSettings(current, config),
    ...(isLogLevel(forced) && { level: forced, consoleLevel: forced }),
    ...(verbose && { consoleLevel: "debug" }),
  });
  const log = new Log({
    ...settings(config.current),
    profile: config.profile,
    console: console === undefined ? { out: 1, err: 2 } : console,
    clock,
  });
  log.redactor.setSecrets(secretsOf(config));
  config.onChange((next) => {
    log.redactor.setSecrets(secretsOf(config));
    log.configure(settings(next));
  });
  if (forced !== undefined && forced !== "" && !isLogLevel(forced)) {
    log.warn("OPENCLAW_LOG_LEVEL is no level and is ignored", { value: forced });
  }
  return log;
}

/** The reader behind `logs.tail`, for the file that {@link createLog} writes. */
export function createLogTail(config: Config, clock: Clock): LogTail {
  const redactor = new LogRedactor();
  const read = (): void => {
    redactor.setSecrets(secretsOf(config));
    redactor.setPatterns(config.current.logging.redactPatterns ?? []);
  };
  read();
  config.onChange(read);
  return new LogTail({
    place() {
      const { file } = loggingSettings(config.current, config);
      const path = logFilePath({ file, profile: config.profile }, new Date(clock.now()));
      return { path, chosen: file !== undefined };
    },
    redact: (line) => redactor.text(line),
  });
}

/** Where the config names no file, `CHELA_LOG_FILE` may: for a gateway that is to leave the machine's usual log alone. */
function loggingSettings({ logging }: GatewayConfig, { env, home }: Pick<Config, "env" | "home">): LogSettings {
  const file = logging.file?.trim() || env.CHELA_LOG_FILE?.trim();
  return {
    level: logging.level,
    consoleLevel: logging.consoleLevel,
    consoleStyle: logging.consoleStyle,
    ...(file && { file: resolve(expandHome(file, home)) }),
    maxFileBytes: logging.maxFileBytes,
    redactPatterns: logging.redactPatterns,
  };
}

const secretsOf = ({ current, env }: Config): string[] => [...configuredSecrets(current), ...environmentSecrets(env)];
