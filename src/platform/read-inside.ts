import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";

/**
 * A file's bytes when it is a regular one inside the folder and not larger than `limit` bytes; else why not:
 * `outside_workspace`, `missing` or `too_large`.
 */
export async function readInside(folder: string, path: string, limit: number): Promise<Buffer | string> {
  let file: Awaited<ReturnType<typeof open>> | undefined;
  try {
    const root = await realpath(folder);
    const target = await realpath(join(root, path));
    if (!target.startsWith(root + sep)) return "outside_workspace";
    // The path was resolved above; a link put there since is not followed, and a pipe is not waited for.
    file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile()) return "missing";
    if (facts.size > limit) return "too_large";
    return await file.readFile();
  } catch {
    return "missing";
  } finally {
    await file?.close();
  }
}
