import { homedir } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";

/** Environment variables by name, as `process.env` has them. */
export type EnvMap = Readonly<Record<string, string | undefined>>;

/** Where a gateway keeps what it knows. All absolute. */
export interface ConfigPaths {
  /** The home directory that `~` stands for. */
  home: string;
  /** State directory: database, keys, workspaces. */
  stateDir: string;
  /** The config file; it need not exist. */
  path: string;
  /** Directories besides the config file's own that `$include` may read from. */
  includeRoots: string[];
  /** Name of the profile, absent for the default one. */
  profile?: string;
}

/** A variable's value; blank ones and the words `undefined` and `null` count as unset, as upstream has it. */
function variable(env: EnvMap, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === "" || value === "undefined" || value === "null" ? undefined : value;
}

/** Replaces a leading `~` by the home directory. */
export const expandHome = (path: string, home: string): string =>
  path === "~" || path.startsWith("~/") || path.startsWith("~\\") ? join(home, path.slice(1)) : path;

/**
 * Finds config file and state directory from `OPENCLAW_HOME`, `OPENCLAW_STATE_DIR`, `OPENCLAW_CONFIG_PATH`,
 * `OPENCLAW_PROFILE` and `OPENCLAW_INCLUDE_ROOTS` (docs: help/environment). Arguments win over variables.
 */
export function configPaths(env: EnvMap, given: { path?: string; stateDir?: string } = {}): ConfigPaths {
  const osHome = variable(env, "HOME") ?? variable(env, "USERPROFILE") ?? homedir();
  const home = resolve(expandHome(variable(env, "OPENCLAW_HOME") ?? osHome, osHome));
  const absolute = (path: string): string => resolve(expandHome(path, home));

  const named = variable(env, "OPENCLAW_PROFILE");
  const profile = named === undefined || named.toLowerCase() === "default" ? undefined : named;
  const usual = join(home, profile === undefined ? ".openclaw" : `.openclaw-${safeName(profile)}`);
  const stateDir = absolute(given.stateDir ?? variable(env, "OPENCLAW_STATE_DIR") ?? usual);
  const path = absolute(given.path ?? variable(env, "OPENCLAW_CONFIG_PATH") ?? join(stateDir, "openclaw.json"));
  const includeRoots = (variable(env, "OPENCLAW_INCLUDE_ROOTS") ?? "")
    .split(delimiter)
    .map((root) => expandHome(root.trim(), home))
    .filter(isAbsolute);
  return { home, stateDir, path, includeRoots, ...(profile !== undefined && { profile }) };
}

/** A profile name becomes part of a file name, so nothing that steers a path stays in it. */
const safeName = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, "-");
