import { constants, linkSync, renameSync, rmdirSync, type Stats, unlinkSync } from "node:fs";
import { open } from "node:fs/promises";
import { secretToken } from "../ids.ts";
import { PathRefused, refusalOf } from "./refusal.ts";
import type { Place, RootOptions, SafeRoot } from "./root.ts";

/** What a file is to become. */
export interface FileChange {
  parts: readonly string[];
  /** Undefined removes the file; of a link the link itself. */
  bytes: Uint8Array | undefined;
  /**
   * The file as it was when the change was thought out: `absent` when nothing may be there, undefined when that does not
   * matter.
   */
  before?: Stats | "absent";
  /** Permissions of a file that is new; those of the process's mask unless given. */
  mode?: number;
  /** Instead of the root's. */
  links?: RootOptions["links"];
}

/** A change whose new content lies ready beside its place. */
interface Prepared {
  change: FileChange;
  place: Place;
  /** Names in the folder. */
  draft?: string;
  aside?: string;
}

/**
 * Changes files beneath a root, all of them or none: the new contents are written beside their places first, then put
 * there by renaming in one go, and when one cannot be, those before it are taken back. Readers see the old file or the
 * new one, never half of it. Folders that are not there are made.
 * @returns which of the files are new, in the order of the changes
 * @throws PathRefused; what else the system says, such as that the disk is full
 */
export async function changeFiles(root: SafeRoot, changes: readonly FileChange[]): Promise<{ isNew: boolean }[]> {
  const made: string[] = [];
  const prepared: Prepared[] = [];
  let isDone = false;
  try {
    for (const change of changes) prepared.push(await prepare(root, change, made));
    const results = commit(root, prepared);
    isDone = true;
    return results;
  } finally {
    for (const each of prepared) tidy(each);
    if (!isDone) for (const folder of made.reverse()) quietly(() => rmdirSync(folder));
  }
}

async function prepare(root: SafeRoot, change: FileChange, made: string[]): Promise<Prepared> {
  const { parts, bytes, links } = change;
  const place = root.place(parts, { make: bytes !== undefined, made, ...(links ? { links } : {}) });
  const prepared: Prepared = { change, place };
  try {
    const now = verified(root, prepared);
    if (bytes === undefined) return prepared;
    const draft = `.${secretToken(9)}.chela-draft`;
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
    const handle = await open(place.folder.at(draft), O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, change.mode ?? 0o666);
    prepared.draft = draft;
    try {
      if (now) await handle.chmod(now.mode & 0o7777);
      await handle.writeFile(bytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    return prepared;
  } catch (error) {
    tidy(prepared);
    throw refusalOf(error, place.path);
  }
}

/** Without a pause, so that no other task of this process sees a state in between. */
function commit(root: SafeRoot, prepared: readonly Prepared[]): { isNew: boolean }[] {
  const undo: (() => void)[] = [];
  try {
    return prepared.map((each) => {
      const now = verified(root, each);
      if (!each.place.folder.isInPlace()) throw new PathRefused("changed", each.place.folder.path);
      if (now) undo.push(setAside(each));
      if (each.draft !== undefined) {
        if (now) renameSync(at(each, each.draft), at(each, each.place.name));
        else undo.push(putNew(each, each.draft));
        each.draft = undefined;
      }
      return { isNew: now === undefined };
    });
  } catch (error) {
    for (const step of undo.reverse()) quietly(step);
    throw refusalOf(error, prepared[undo.length]?.place.path ?? root.path);
  }
}

/** What is in the place now. @throws PathRefused unless the change may be made there */
function verified(root: SafeRoot, { change, place }: Prepared): Stats | undefined {
  const now = place.folder.look(place.name);
  const { before, bytes } = change;
  if (before === "absent" && now) throw new PathRefused("exists", place.path);
  if (now === undefined) {
    if (bytes !== undefined && typeof before !== "object") return undefined;
    throw new PathRefused(before === undefined ? "missing" : "changed", place.path);
  }
  if (bytes === undefined && now.isDirectory()) throw new PathRefused("a-folder", place.path);
  // Names can be taken away whatever else the file is called; the other names stay.
  if (bytes !== undefined) root.check(now, place.path);
  if (typeof before === "object" && !isSame(before, now)) throw new PathRefused("changed", place.path);
  return now;
}

const isSame = (a: Stats, b: Stats): boolean =>
  a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeMs === b.mtimeMs;

/** Gives the old file a name beside its own, and takes its own away when there is no new one. @returns how to undo it */
function setAside(each: Prepared): () => void {
  const aside = `.${secretToken(9)}.chela-draft`;
  const own = at(each, each.place.name);
  const isRemoved = each.draft === undefined;
  // A link keeps the old name where it is until the new file takes it. Some file systems know no links.
  if (isRemoved || !tries(() => linkSync(own, at(each, aside)))) renameSync(own, at(each, aside));
  each.aside = aside;
  // Where both names are still the same file, renaming does nothing; the second name is tidied away in any case.
  return () => renameSync(at(each, aside), own);
}

/** Puts a draft where nothing may be. Unlike a rename, a link never replaces a file. @returns how to undo it */
function putNew(each: Prepared, draft: string): () => void {
  const [from, to] = [at(each, draft), at(each, each.place.name)];
  try {
    linkSync(from, to);
    unlinkSync(from);
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") throw error;
    renameSync(from, to);
  }
  return () => unlinkSync(to);
}

function tidy(each: Prepared): void {
  for (const name of [each.draft, each.aside]) if (name !== undefined) quietly(() => unlinkSync(at(each, name)));
  each.place[Symbol.dispose]();
}

const at = ({ place }: Prepared, name: string): string => place.folder.at(name);

function tries(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}

/** For cleaning up after a failure that is told already. */
const quietly = (step: () => void): void => void tries(step);
