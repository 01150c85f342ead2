import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from "node:fs";
import { join } from "node:path";
import { PathRefused, refusalOf } from "./refusal.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

/**
 * A folder that is held open, so that what is done in it is done in this very folder, whatever its path has come to mean
 * meanwhile. Linux reaches the names in an open folder through `/proc/self/fd`, which is what `openat` does elsewhere;
 * other systems have nothing like it for JavaScript: there the path is used, after a look whether it is still the folder.
 */
export class Folder implements Disposable {
  private constructor(
    /** Where the folder was when it was opened. */
    readonly path: string,
    private readonly descriptor: number,
  ) {}

  /** Opens a folder by its path; links on the way are followed, as this is for roots that the configuration names. */
  static root(path: string): Folder {
    try {
      const real = realpathSync(path);
      return new Folder(real, openSync(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    } catch (error) {
      throw refusalOf(error, path);
    }
  }

  /**
   * Opens a folder in this one.
   * @returns the target of the link when the name is one
   * @throws PathRefused when there is no such folder
   */
  enter(name: string): Folder | { link: string } {
    const path = join(this.path, name);
    try {
      return new Folder(path, openSync(this.at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    } catch (error) {
      const target = this.linkTarget(name);
      if (target !== undefined) return { link: target };
      throw refusalOf(error, path);
    }
  }

  /** Makes a folder in this one unless there is something of that name. @returns whether it was made */
  make(name: string): boolean {
    try {
      mkdirSync(this.at(name));
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === "EEXIST") return false;
      throw refusalOf(error, join(this.path, name));
    }
  }

  /** What is under a name itself, links not followed; undefined when nothing is. */
  look(name: string): Stats | undefined {
    try {
      return lstatSync(this.at(name), { throwIfNoEntry: false });
    } catch (error) {
      throw refusalOf(error, join(this.path, name));
    }
  }

  /** The path to use for an operation on a name in this folder. @throws PathRefused `changed` when it has gone elsewhere */
  at(name: string): string {
    if (isLinux) return `/proc/self/fd/${this.descriptor}/${name}`;
    if (!this.isInPlace()) throw new PathRefused("changed", this.path);
    return join(this.path, name);
  }

  /** The path for reading the folder itself. */
  get self(): string {
    return isLinux ? `/proc/self/fd/${this.descriptor}` : this.path;
  }

  /** Whether the path still leads to this folder. */
  isInPlace(): boolean {
    if (isLinux) return readlinkSync(`/proc/self/fd/${this.descriptor}`) === this.path;
    const [open, now] = [fstatSync(this.descriptor), lstatSync(this.path, { throwIfNoEntry: false })];
    return now?.ino === open.ino && now.dev === open.dev && realpathSync(this.path) === this.path;
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }

  private linkTarget(name: string): string | undefined {
    try {
      return readlinkSync(this.at(name));
    } catch {
      return undefined;
    }
  }
}

const isLinux = process.platform === "linux";
