import { readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { readTextFile, replaceFile } from "./file.ts";
import { isTree, parseJson5 } from "./json5.ts";
import { type ConfigPaths, configPaths, type EnvMap } from "./paths.ts";
import { ConfigError } from "./problem.ts";
import { REDACTED } from "./redact.ts";
import { readSource } from "./source.ts";

/** A config file that was put back. */
export interface Restored {
  /** In upstream's words: `size-drop-vs-last-good:4188->26, not-json5`. */
  reason: string;
  /** The copy that is in its place now. */
  from: string;
  /** Where the clobbered file lies. */
  keptAs: string;
}

/**
 * Puts the last good copy in the place of a config file that something has clobbered: an empty one, one full of zeros, or
 * the torn beginning of one. What was there is kept beside it as `.clobbered.<time>`, the newest few of them (docs:
 * gateway/troubleshooting, "config validation"). A mistake in a file that somebody has edited is none of these: it stops
 * the start, with its line. Nothing happens without a good copy, or where the file may not be written.
 */
export function restoreClobbered(
  options: { env: EnvMap; path?: string; stateDir?: string },
  now: number,
): Restored | null {
  const { env } = options;
  if (env.OPENCLAW_CONFIG_READONLY) return null;
  const paths = configPaths(env, options);
  const text = read(paths.path);
  if (text === null || isUsable(text, paths.path)) return null;
  const good = lastGood(paths, env);
  if (good === null) return null;
  const before = Buffer.byteLength(good.text);
  const after = Buffer.byteLength(text);
  const isTorn = text.trim() === "" || text.includes("\0") || after * 2 < before;
  if (!isTorn) return null;
  const reason = `size-drop-vs-last-good:${before}->${after}, ${text.trim() === "" ? "empty" : "not-json5"}`;
  const keptAs = keepClobbered(paths.path, text, now);
  replaceFile(paths.path, good.text);
  return { reason, from: good.file, keptAs };
}

/** A file that is there and says something, right or wrong. */
function isUsable(text: string, path: string): boolean {
  if (text.trim() === "") return false;
  try {
    return isTree(parseJson5(text, path));
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

/** The newest copy that a gateway could start with. */
function lastGood(paths: ConfigPaths, env: EnvMap): { file: string; text: string } | null {
  for (const file of [`${paths.path}.last-good`, `${paths.path}.bak`]) {
    const text = read(file);
    if (text === null || text.includes(REDACTED) || !isUsable(text, file)) continue;
    try {
      readSource(paths, env, [], new Map([[paths.path, text]]));
      return { file, text };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
    }
  }
  return null;
}

function read(path: string): string | null {
  try {
    return readTextFile(path, LIMITS.configFileBytes)?.text ?? null;
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}

function keepClobbered(path: string, text: string, now: number): string {
  const prefix = `${basename(path)}.clobbered.`;
  const kept = `${path}.clobbered.${new Date(now).toISOString().replace(/[:.]/g, "-")}`;
  replaceFile(kept, text);
  const names = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix));
  for (const old of names.sort().slice(0, -LIMITS.configClobbered)) rmSync(join(dirname(path), old), { force: true });
  return kept;
}
