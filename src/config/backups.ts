import { readdirSync, realpathSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { LIMITS } from "../../generated/limits.ts";
import { replaceFile } from "./file.ts";

/**
 * Replaces a config file and keeps its text of before under upstream's names: `.bak`, `.bak.1` and on, the newest first.
 * A link stays one; the file that it leads to is replaced.
 * @returns when the new text is on the disk
 */
export function replaceWithBackup(path: string, before: string | null, after: string): void {
  const file = realOrSame(path);
  if (before !== null) {
    for (let age = LIMITS.configBackups - 1; age > 0; age--) {
      renameIfThere(age === 1 ? `${file}.bak` : `${file}.bak.${age - 1}`, `${file}.bak.${age}`);
    }
    replaceFile(`${file}.bak`, before);
  }
  replaceFile(file, after);
}

/** Keeps a text that was refused, for a person to look at, and returns where. Only the newest few are kept. */
export function keepRejected(path: string, text: string, now: number): string {
  const prefix = `${basename(path)}.rejected.`;
  const rejected = `${path}.rejected.${new Date(now).toISOString().replace(/[:.]/g, "-")}`;
  replaceFile(rejected, text);
  const names = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix));
  for (const old of names.sort().slice(0, -LIMITS.configBackups)) rmSync(join(dirname(path), old), { force: true });
  return rejected;
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function realOrSame(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
