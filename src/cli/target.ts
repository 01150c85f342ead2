import { isLoopbackUrl, urlProblem } from "../client/address.ts";
import type { Credentials } from "../client/introduction.ts";
import { Config } from "../config/config.ts";
import { configPaths } from "../config/paths.ts";
import { ConfigError } from "../config/problem.ts";
import { storedToken } from "../gateway/stored-token.ts";
import { type Env, EXIT } from "./command.ts";
import { CliFailure } from "./failure.ts";
import type { Options } from "./options.ts";

/** The gateway that a command talks to, and how it was chosen. */
export interface Target {
  url: string;
  /** In words, as upstream's CLI has them: `local loopback`, `cli --url`. */
  source: string;
  /** What opens it; undefined when nothing is known. */
  secret?: Credentials;
  configPath: string;
  stateDir: string;
  /** True when it is the gateway of this machine's own config. */
  isLocal: boolean;
}

export interface TargetOptions {
  /** Whether `OPENCLAW_GATEWAY_URL` counts. `status` looks only at the configuration. */
  fromEnvironment?: boolean;
}

/**
 * Chooses the gateway: `--url` or `--port`, else `OPENCLAW_GATEWAY_URL`, else the configured remote one, else the one
 * on this machine (docs: cli/gateway/query). Secrets of the configuration only go to gateways of the configuration.
 * @throws CliFailure when the choice is unclear or would not be safe
 */
export async function chooseTarget(
  options: Options,
  env: Env,
  { fromEnvironment = true }: TargetOptions = {},
): Promise<Target> {
  const url = options.text("url");
  const port = options.integer("port", { min: 1, max: 65535 });
  if (url !== undefined && port !== undefined) throw new CliFailure("Use either --url or --port, not both.");
  const given = secretOf(options.text("token"), options.text("password"));
  const paths = configPaths(env);
  const place = { configPath: paths.path, stateDir: paths.stateDir };
  if (url !== undefined) return explicit(url, "cli --url", given, { ...place, env });
  if (port !== undefined) {
    const secret = given ?? configuredSecret(await loadConfig(env));
    return { ...place, url: `ws://127.0.0.1:${port}`, source: "cli --port", secret, isLocal: true };
  }
  const envUrl = fromEnvironment ? env.OPENCLAW_GATEWAY_URL?.trim() : undefined;
  if (envUrl) {
    const secret = given ?? secretOf(env.OPENCLAW_GATEWAY_TOKEN, env.OPENCLAW_GATEWAY_PASSWORD);
    return explicit(envUrl, "env OPENCLAW_GATEWAY_URL", secret, { ...place, env });
  }
  return configured(await loadConfig(env), given, { ...place, env });
}

type Place = Pick<Target, "configPath" | "stateDir"> & { env: Env };

function explicit(text: string, source: string, secret: Credentials | undefined, { env, ...place }: Place): Target {
  if (secret === undefined) {
    const isEnv = source.startsWith("env");
    throw new CliFailure(
      "A gateway URL of your own needs its own credentials; those of the config are not sent there.",
      {
        hints: [
          isEnv ? "Set OPENCLAW_GATEWAY_TOKEN or OPENCLAW_GATEWAY_PASSWORD too." : "Pass --token or --password too.",
        ],
      },
    );
  }
  const url = checkedUrl(text, env);
  return { ...place, url, source, secret, isLocal: false };
}

function configured(config: Config, given: Credentials | undefined, { env, ...place }: Place): Target {
  const { gateway } = config.current;
  if (gateway.mode === "remote") {
    const { url, token, password } = gateway.remote ?? {};
    if (!url) {
      throw new CliFailure("gateway.mode is remote, but gateway.remote.url is not set.", { exitCode: EXIT.config });
    }
    const secret = given ?? secretOf(token, password);
    return { ...place, url: checkedUrl(url, env), source: "config gateway.remote.url", secret, isLocal: false };
  }
  const scheme = gateway.tls?.enabled ? "wss" : "ws";
  const url = `${scheme}://127.0.0.1:${gateway.port}`;
  return { ...place, url, source: "local loopback", secret: given ?? configuredSecret(config), isLocal: true };
}

function configuredSecret(config: Config): Credentials | undefined {
  const { mode, token, password } = config.current.gateway.auth;
  if (mode === "password") return secretOf(undefined, password);
  return secretOf(token ?? storedToken(config.stateDir), password);
}

/** At most one secret: the token goes before the password. */
export const secretOf = (token: string | undefined, password: string | undefined): Credentials | undefined =>
  token?.trim() ? { token: token.trim() } : password ? { password } : undefined;

/** A gateway's address as it is connected to. @throws CliFailure when secrets must not be sent there */
export function checkedUrl(text: string, env: Env): string {
  const url = text.trim().replace(/^http(?=s?:\/\/)/, "ws");
  const problem = urlProblem(url, env.OPENCLAW_ALLOW_INSECURE_PRIVATE_WS === "1");
  if (problem !== null) throw new CliFailure(problem);
  return url.replace(/\/$/, "");
}

/** The configuration of this machine. @throws CliFailure with exit code 78 when it cannot be used */
export async function loadConfig(env: Env): Promise<Config> {
  try {
    return await Config.load({ env });
  } catch (error) {
    if (error instanceof ConfigError) throw new CliFailure(error.message, { exitCode: EXIT.config });
    throw error;
  }
}

/** True when the gateway runs on this machine, where a shared secret alone is enough. */
export const isOnThisMachine = (target: Target): boolean => isLoopbackUrl(target.url);
