import { CONFIG_DEFAULTS, CONFIG_SHOWN_DEFAULTS, type GatewayConfig } from "../../generated/config.ts";
import { isTree, type Tree } from "./json5.ts";
import type { EnvMap } from "./paths.ts";
import { ConfigError, type ConfigProblem } from "./problem.ts";
import { deepFreeze, overlay, valueAt, withValue } from "./values.ts";

/** Part of a configuration, as command line arguments give it. */
export type PartialConfig<T = GatewayConfig> = { [K in keyof T]?: T[K] extends object ? PartialConfig<T[K]> : T[K] };

/**
 * The configuration in force: defaults, over them the file, over it `OPENCLAW_GATEWAY_PORT`, over it `given` (command
 * line). `OPENCLAW_GATEWAY_TOKEN` and `OPENCLAW_GATEWAY_PASSWORD` count where the file names no such secret (docs:
 * gateway/secrets/runtime-model). Frozen, since many read it.
 * @param missing secrets of the file that have no value, by dotted key. The gateway's own one must have; another of
 *   the gateway is left out, lest the text in its place opens something
 * @throws ConfigError for a port that is none, or when the gateway's own secret has no value
 */
export function effectiveConfig(
  resolved: Tree,
  env: EnvMap,
  given: PartialConfig = {},
  missing: ReadonlyMap<string, ConfigProblem> = new Map(),
): GatewayConfig {
  let tree = overlay(CONFIG_DEFAULTS, resolved) as Tree;
  const port = env.OPENCLAW_GATEWAY_PORT?.trim();
  if (port) tree = withValue(tree, ["gateway", "port"], portNumber(port));
  for (const [key, name] of Object.entries(AUTH_VARIABLES)) {
    const secret = env[name]?.trim();
    if (secret && valueAt(tree, ["gateway", "auth", key]) === undefined) {
      tree = withValue(tree, ["gateway", "auth", key], secret);
    }
  }
  tree = overlay(tree, given) as Tree;
  const mode = authMode(valueAt(tree, ["gateway", "auth"]));
  tree = withValue(tree, ["gateway", "auth", "mode"], mode);
  for (const key of Object.keys(AUTH_VARIABLES)) {
    const problem = missing.get(`gateway.auth.${key}`);
    if (problem === undefined || valueAt(given, ["gateway", "auth", key]) !== undefined) continue;
    if (mode === key) throw new ConfigError([problem]);
    tree = withValue(tree, ["gateway", "auth", key], undefined);
  }
  return deepFreeze(tree) as unknown as GatewayConfig;
}

const AUTH_VARIABLES = { token: "OPENCLAW_GATEWAY_TOKEN", password: "OPENCLAW_GATEWAY_PASSWORD" } as const;

/** Without `mode`: password when only a password is set, else token (docs: gateway/config-gateway). */
function authMode(auth: unknown): unknown {
  const { mode, token, password } = isTree(auth) ? auth : {};
  return mode ?? (token === undefined && password !== undefined ? "password" : "token");
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  const reason = `OPENCLAW_GATEWAY_PORT must be a whole number from 0 to 65535, not ${JSON.stringify(text.slice(0, 40))}`;
  throw new ConfigError([{ path: "", reason }]);
}

/**
 * The configuration as `config.get` shows it: the file with the defaults that upstream shows. The agent `main` is
 * there when no other is, and a provider's models name the provider's API.
 */
export function shownConfig(resolved: Tree): Tree {
  const tree = overlay(CONFIG_SHOWN_DEFAULTS, withMainAgent(resolved)) as Tree;
  const providers = valueAt(tree, ["models", "providers"]);
  if (!isTree(providers)) return tree;
  const named = Object.entries(providers).map(([id, provider]) => [id, withModelApi(provider)] as const);
  return withValue(tree, ["models", "providers"], Object.fromEntries(named));
}

/** Upstream shows an agent `main` in a configuration that names no agent. */
export function withMainAgent(tree: Tree): Tree {
  const agents = isTree(tree.agents) ? tree.agents : {};
  const hasAgents = agents.list !== undefined || (isTree(agents.entries) && Object.keys(agents.entries).length > 0);
  return hasAgents ? tree : withValue(tree, ["agents", "entries"], { main: {} });
}

function withModelApi(provider: unknown): unknown {
  if (!isTree(provider) || typeof provider.api !== "string" || !Array.isArray(provider.models)) return provider;
  const { api } = provider;
  return { ...provider, models: provider.models.map((row) => (isTree(row) ? { ...row, api: row.api ?? api } : row)) };
}
