import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { dict } from "../models/settings.ts";
import type { SkillFacts, SkillInstaller } from "./frontmatter.ts";

/** What this machine and its configuration have for skills. */
export interface SkillSurroundings {
  /** `process.platform`. */
  platform: string;
  config: Record<string, unknown>;
  /** Whether a program of this name can be started. */
  hasBin(name: string): boolean;
  /** Whether an environment variable is set. */
  hasEnv(name: string): boolean;
}

export interface Requirements {
  bins: string[];
  anyBins: string[];
  env: string[];
  config: string[];
  os: string[];
}

/** What of a skill's requirements is not there. A skill with `always` needs nothing but its platform. */
export function missingFor(skill: SkillFacts, around: SkillSurroundings): Requirements {
  const { bins, anyBins, env, config, os } = skill.requires;
  const own = dict(dict(dict(around.config.skills).entries)[skill.skillKey]);
  const isSet = (name: string): boolean =>
    around.hasEnv(name) ||
    dict(own.env)[name] !== undefined ||
    (name === skill.primaryEnv && own.apiKey !== undefined && own.apiKey !== "");
  const wrongPlatform = os.length > 0 && !os.includes(around.platform) ? os : [];
  if (skill.always) return { bins: [], anyBins: [], env: [], config: [], os: wrongPlatform };
  return {
    bins: bins.filter((name) => !around.hasBin(name)),
    anyBins: anyBins.length > 0 && !anyBins.some((name) => around.hasBin(name)) ? anyBins : [],
    env: env.filter((name) => !isSet(name)),
    config: config.filter((path) => !isConfigured(around.config, path)),
    os: wrongPlatform,
  };
}

/** Whether the configuration has something truthy under a path of names joined by points. */
export function isConfigured(config: Record<string, unknown>, path: string): boolean {
  let value: unknown = config;
  for (const name of path.split(".")) value = Object.hasOwn(dict(value), name) ? dict(value)[name] : undefined;
  return value !== undefined && value !== null && value !== false && value !== "" && value !== 0;
}

/** The one way of installing that suits this machine: Homebrew where it is there, else the first other one. */
export function installersFor(skill: SkillFacts, around: SkillSurroundings): SkillInstaller[] {
  const usable = skill.install.filter(({ os }) => os.length === 0 || os.includes(around.platform));
  const brew = usable.find(({ kind }) => kind === "brew");
  const others = usable.filter(({ kind }) => kind !== "brew");
  const chosen = brew && (others.length === 0 || around.hasBin("brew")) ? brew : others[0];
  return chosen ? [chosen] : [];
}

/** Looks programs up in a `PATH`, each once. */
export function binLookup(path: string | undefined): (name: string) => boolean {
  const folders = (path ?? "").split(delimiter).filter((folder) => folder !== "");
  const known = new Map<string, boolean>();
  return (name) => {
    let found = known.get(name);
    if (found === undefined) {
      found = /^[\w.+-]+$/.test(name) && folders.some((folder) => isProgram(join(folder, name)));
      known.set(name, found);
    }
    return found;
  };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
