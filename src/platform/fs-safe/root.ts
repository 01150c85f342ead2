import { constants, type Stats } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { Folder } from "./folder.ts";
import { PathRefused, refusalOf } from "./refusal.ts";

export interface RootOptions {
  /**
   * What links to folders on the way are: `inside` follows those that stay beneath the root, `none` follows none. The
   * last name of a path is never followed.
   */
  links: "inside" | "none";
  /** Whether files with a second name may be used; the other name may be outside. */
  allowsSecondNames?: boolean;
}

/** A place beneath a root: the open folder and the name in it. Dispose of it when done. */
export interface Place extends Disposable {
  folder: Folder;
  name: string;
  /** Absolute, without links. */
  path: string;
}

/** A regular file that is open. Close the handle. */
export interface OpenFile {
  handle: FileHandle;
  facts: Stats;
  path: string;
}

/**
 * A folder beneath which files are read and written without ever leaving it, whatever `..`, links, second names or
 * somebody who exchanges folders meanwhile may say: every folder on the way is opened by itself without following
 * links, and what is done is done in the folder that was opened. (KNOWN_ATTACKS 62, 63, 64.)
 */
export class SafeRoot {
  private constructor(
    /** As it was given, absolute. */
    readonly given: string,
    /** Without links. */
    readonly path: string,
    readonly options: RootOptions,
  ) {}

  /** @throws PathRefused when there is no such folder */
  static at(path: string, options: RootOptions): SafeRoot {
    const given = resolve(path);
    using folder = Folder.root(given);
    return new SafeRoot(given, folder.path, options);
  }

  /**
   * The names that lead from the root to a path; none for the root itself. Relative paths begin at `from`, which is the
   * root unless told.
   * @throws PathRefused `outside`, judged by the text alone
   */
  parts(path: string, from = this.given): string[] {
    const wanted = resolve(from, path);
    const inside = insideOf(this.given, wanted) ?? insideOf(this.path, wanted);
    if (inside === undefined || path.includes("\0")) throw new PathRefused("outside", path);
    return inside;
  }

  /**
   * Goes to the folder that holds the last name.
   * @param make creates folders that are not there; those it made are added to `made`, the outermost first
   * @throws PathRefused
   */
  place(parts: readonly string[], { make = false, made = [] as string[], links = this.options.links } = {}): Place {
    const name = parts.at(-1);
    if (name === undefined) throw new PathRefused("a-folder", this.path);
    const folder = this.walk(parts.slice(0, -1), links, make ? made : undefined);
    return { folder, name, path: join(folder.path, name), [Symbol.dispose]: () => folder[Symbol.dispose]() };
  }

  /** Where a path really is, links on the way followed; folders that are not there yet are taken by their names. */
  resolved(parts: readonly string[]): string {
    for (let known = parts.length; known > 0; known--) {
      try {
        using place = this.place(parts.slice(0, known));
        return join(place.path, ...parts.slice(known));
      } catch (error) {
        if (!(error instanceof PathRefused) || error.problem !== "missing") throw error;
      }
    }
    return this.path;
  }

  /**
   * Opens a regular file for reading. The last name may not be a link.
   * @throws PathRefused
   */
  async open(parts: readonly string[]): Promise<OpenFile> {
    using place = this.place(parts);
    let handle: FileHandle | undefined;
    try {
      // A pipe is not waited for.
      handle = await open(
        place.folder.at(place.name),
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      );
      const facts = await handle.stat();
      this.check(facts, place.path);
      return { handle, facts, path: place.path };
    } catch (error) {
      await handle?.close();
      throw refusalOf(error, place.path);
    }
  }

  /**
   * A file's bytes with the facts of the moment.
   * @throws PathRefused, `too-large` for more than `maxBytes`
   */
  async read(parts: readonly string[], maxBytes: number): Promise<{ bytes: Buffer; facts: Stats; path: string }> {
    const { handle, facts, path } = await this.open(parts);
    try {
      if (facts.size > maxBytes) throw new PathRefused("too-large", path);
      // A file that grows while it is read does not grow beyond the bound either.
      const bytes = Buffer.alloc(facts.size);
      let size = 0;
      while (size < bytes.length) {
        const { bytesRead } = await handle.read(bytes, size, bytes.length - size, size);
        if (bytesRead === 0) break;
        size += bytesRead;
      }
      return { bytes: bytes.subarray(0, size), facts, path };
    } finally {
      await handle.close();
    }
  }

  /** The names in a folder with what they are. @throws PathRefused */
  async list(parts: readonly string[]): Promise<{ name: string; kind: "file" | "directory" | "link" | "other" }[]> {
    using folder = this.walk(parts, this.options.links);
    const entries = await readdir(folder.self, { withFileTypes: true });
    return entries.map((entry) => ({
      name: entry.name,
      kind: entry.isFile() ? "file" : entry.isDirectory() ? "directory" : entry.isSymbolicLink() ? "link" : "other",
    }));
  }

  /** @throws PathRefused unless this is a regular file that may be used */
  check(facts: Stats, path: string): void {
    if (facts.isSymbolicLink()) throw new PathRefused("link", path);
    if (facts.isDirectory()) throw new PathRefused("a-folder", path);
    if (!facts.isFile()) throw new PathRefused("not-a-file", path);
    if (facts.nlink > 1 && !this.options.allowsSecondNames) throw new PathRefused("second-name", path);
  }

  private walk(parts: readonly string[], links: RootOptions["links"], made?: string[]): Folder {
    const todo = [...parts];
    const start = () => Folder.root(this.path);
    let here = start();
    let followed = 0;
    try {
      for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
        if (made && here.look(name) === undefined && here.make(name)) made.push(join(here.path, name));
        const next = here.enter(name);
        const path = here.path;
        if (next instanceof Folder) {
          here[Symbol.dispose]();
          here = next;
          continue;
        }
        if (links === "none" || ++followed > MAX_LINKS) throw new PathRefused("link", join(path, name));
        // The way so far has no links, so that the text alone says where this one leads.
        const target = insideOf(this.path, resolve(path, next.link));
        if (target === undefined) throw new PathRefused("outside", join(path, name));
        todo.unshift(...target);
        const again = start();
        here[Symbol.dispose]();
        here = again;
      }
      return here;
    } catch (error) {
      here[Symbol.dispose]();
      throw error;
    }
  }
}

/** As many as Linux follows in one path. */
const MAX_LINKS = 40;

/** The names that lead from a folder to a path beneath it, undefined when it is not beneath. Both absolute. */
function insideOf(folder: string, path: string): string[] | undefined {
  const way = relative(folder, path);
  if (way === "") return [];
  if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)) return undefined;
  return way.split(sep);
}
