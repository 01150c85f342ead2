import type { Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { PathRefused } from "./fs-safe/refusal.ts";
import { SafeRoot } from "./fs-safe/root.ts";

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
  try {
    return await SafeRoot.at(root, { links: "none" }).open(parts);
  } catch (error) {
    const isAbsent = error instanceof PathRefused && (error.problem === "missing" || error.problem === "not-a-folder");
    return isAbsent ? "missing" : "unsafe";
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
    const entries = await SafeRoot.at(root, { links: "none" }).list(parts);
    return entries.filter((entry): entry is FolderEntry => entry.kind === "file" || entry.kind === "directory");
  } catch {
    return undefined;
  }
}
