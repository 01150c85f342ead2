import { homedir } from "node:os";
import { basename, isAbsolute, join } from "node:path";

/** What a path is watched for. */
export type Guarded = "config" | "key" | "program" | "profile" | "ssh" | "other";

export interface GuardedPath {
  path: string;
  guarded: Guarded;
  /** How a person is told of it where paths are not. */
  what: string;
  /** What it adds to the score of every action while something is wrong with it. */
  weight: number;
}

const PROFILES = [".profile", ".bashrc", ".bash_profile", ".bash_login", ".zshrc", ".zshenv", ".zprofile"];

export interface PathsOf {
  configPath: string;
  stateDir: string;
  /** The running program. */
  program: string;
  home?: string;
  /** Further ones from the configuration, absolute or from the home folder. */
  more: readonly string[];
  limit: number;
}

/** What is guarded, each path once and the gateway's own first. */
export function guardedPaths({ configPath, stateDir, program, home = homedir(), more, limit }: PathsOf): GuardedPath[] {
  const all: GuardedPath[] = [
    { path: configPath, guarded: "config", what: "The gateway's configuration", weight: 20 },
    { path: join(stateDir, "defender", "host.key"), guarded: "key", what: "The host key", weight: 45 },
    {
      path: join(stateDir, "identity", "device-tokens.key"),
      guarded: "key",
      what: "The key of device tokens",
      weight: 45,
    },
    { path: program, guarded: "program", what: "The gateway's program", weight: 45 },
    ...PROFILES.map(
      (name): GuardedPath => ({
        path: join(home, name),
        guarded: "profile",
        what: `The shell profile ${name}`,
        weight: 35,
      }),
    ),
    {
      path: join(home, ".ssh", "authorized_keys"),
      guarded: "ssh",
      what: "The list of keys that may log in",
      weight: 45,
    },
    ...more.map((given): GuardedPath => {
      const path = isAbsolute(given) ? given : join(home, given.replace(/^~\//, ""));
      return { path, guarded: "other", what: `The protected file ${basename(path)}`, weight: 35 };
    }),
  ];
  const seen = new Set<string>();
  return all.filter(({ path }) => !seen.has(path) && seen.add(path)).slice(0, limit);
}
