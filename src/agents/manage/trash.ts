import { existsSync } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import { errorCode, makePrivateDirectory } from "../../platform/private-file.ts";

/** What became of a folder that was to go. */
export type Trashed = { method: "trash" | "missing" } | { reason: string };

/**
 * Moves a folder to the trash of its owner, where it can be had back from.
 * @param kept folders that must stay, with all that they hold and lie in
 */
export async function trashFolder(folder: string, home: string, kept: readonly string[]): Promise<Trashed> {
  const path = resolve(folder);
  if (!existsSync(path)) return { method: "missing" };
  const needed = [home, ...kept].find((other) => holds(path, resolve(other)));
  if (needed !== undefined) return { reason: `holds ${basename(needed) || needed}, which is still needed` };
  if (!(await stat(path)).isDirectory()) return { reason: "is not a folder" };
  const trash = join(home, ".Trash");
  makePrivateDirectory(trash);
  try {
    await rename(path, freeName(join(trash, basename(path))));
    return { method: "trash" };
  } catch (error) {
    return { reason: `could not be moved to the trash (${errorCode(error) ?? "unknown"})` };
  }
}

const holds = (folder: string, other: string): boolean =>
  other === folder || other.startsWith(folder.endsWith(sep) ? folder : folder + sep);

function freeName(wanted: string): string {
  let name = wanted;
  for (let number = 2; existsSync(name); number++) name = `${wanted} ${number}`;
  return name;
}
