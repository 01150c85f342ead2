import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** A regular file that was reached without following any link, open for reading. The caller closes it. */
export interface LinklessFile {
  handle: FileHandle;
  facts: Stats;
}

/**
 * Opens a regular file below `root`. `root` itself may be a link, nothing below it may: neither a folder on the way nor
 * the file, and the file may have no second name, as that could be one outside.
 * @param parts names of the way, without separators or `..`
 * @returns `missing` when nothing is there, `unsafe` when what is there may not be opened
 */
export async function openLinkless(
  root: string,
  parts: readonly string[],
): Promise<LinklessFile | "missing" | "unsafe"> {
  let handle: FileHandle | undefined;
  try {
    const target = await linkless(root, parts);
    if (target === undefined) return "unsafe";
    // A pipe is not waited for. A link put in the place of the file since is not followed.
    handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const facts = await handle.stat();
    // A folder on the way may have been exchanged between the look and the opening: then this is another file.
    const again = (await linkless(root, parts)) === target ? await stat(target) : undefined;
    if (!facts.isFile() || facts.nlink > 1 || again?.ino !== facts.ino || again.dev !== facts.dev) {
      await handle.close();
      return "unsafe";
    }
    return { handle, facts };
  } catch (error) {
    await handle?.close();
    return isAbsent(error) && !(await isThere(join(root, ...parts))) ? "missing" : "unsafe";
  }
}

/** A name in a folder. */
export interface FolderEntry {
  name: string;
  kind: "file" | "directory";
}

/**
 * The files and folders in a folder below `root` that is reached without following a link, in no order. Links, pipes and
 * devices are left out.
 * @returns undefined when there is no such folder
 */
export async function listLinkless(root: string, parts: readonly string[]): Promise<FolderEntry[] | undefined> {
  try {
    const folder = await linkless(root, parts);
    if (folder === undefined) return undefined;
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() || entry.isDirectory())
      .map((entry) => ({ name: entry.name, kind: entry.isDirectory() ? "directory" : "file" }));
  } catch {
    return undefined;
  }
}

/** The real path when no link is on the way below the root, else undefined. @throws when nothing is there */
async function linkless(root: string, parts: readonly string[]): Promise<string | undefined> {
  const wanted = join(await realpath(root), ...parts);
  return (await realpath(wanted)) === wanted ? wanted : undefined;
}

/** Whether there is something under the name itself, be it a link to nowhere. */
const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

const isAbsent = (error: unknown): boolean => {
  const { code } = error as { code?: string };
  return code === "ENOENT" || code === "ENOTDIR";
};
