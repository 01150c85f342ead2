import { realpath } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { PathRefused } from "./fs-safe/refusal.ts";
import { SafeRoot } from "./fs-safe/root.ts";

/**
 * A file's bytes when it is a regular one inside the folder and not larger than `limit` bytes; else why not:
 * `outside_workspace`, `missing` or `too_large`. Links are followed as long as they stay inside.
 */
export async function readInside(folder: string, path: string, limit: number): Promise<Buffer | string> {
  try {
    const root = SafeRoot.at(folder, { links: "none", allowsSecondNames: true });
    const target = await realpath(join(root.path, path));
    if (!target.startsWith(root.path + sep)) return "outside_workspace";
    // The path was resolved above; a link put anywhere on the way since is not followed.
    return (await root.read(relative(root.path, target).split(sep), limit)).bytes;
  } catch (error) {
    return error instanceof PathRefused && error.problem === "too-large" ? "too_large" : "missing";
  }
}
