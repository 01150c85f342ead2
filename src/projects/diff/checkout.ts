import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { gitWith } from "../git.ts";

/** A checkout that is only looked at. */
export interface Checkout {
  /** Absolute. */
  root: string;
  git(...words: string[]): Promise<string | null>;
}

/**
 * The checkout that a folder lies in, or null. Comparing files is what git runs programs for, and its settings may say
 * that its files lie elsewhere; so the files are those of the folder with `.git`, whatever the settings say, and filters
 * are switched off by name. One with names that cannot be switched off is none.
 */
export async function openCheckout(folder: string): Promise<Checkout | null> {
  const root = folderWithGit(folder);
  if (root === null) return null;
  const place = { GIT_WORK_TREE: root, GIT_CEILING_DIRECTORIES: dirname(root) };
  const plain = (...words: string[]) => gitWith(place, root, ...words);
  if ((await plain("rev-parse", "--git-dir")) === null) return null;
  const filters = await plain("config", "--null", "--name-only", "--get-regexp", "^filter\\.");
  const env = { ...place, ...withoutFilters(filters ?? "") };
  return { root, git: (...words) => gitWith(env, root, "-c", "core.quotePath=false", ...words) };
}

function folderWithGit(folder: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (at === dirname(at)) return null;
  }
}

/** Settings in the environment, which hold before those of files; unlike `-c` they take every name. */
function withoutFilters(listed: string): Record<string, string> {
  const names = listed.split("\0").flatMap((key) => /^(filter\..+)\.[^.]+$/s.exec(key)?.[1] ?? []);
  const settings = [...new Set(names)].flatMap((name) => [
    [`${name}.clean`, ""],
    [`${name}.smudge`, ""],
    [`${name}.process`, ""],
    [`${name}.required`, "false"],
  ]);
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  for (const [at, [key, value]] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${at}`] = key!;
    env[`GIT_CONFIG_VALUE_${at}`] = value!;
  }
  return env;
}
