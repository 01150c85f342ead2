import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";

/** The file that a program's name means. */
export interface Executable {
  /** Absolute, as the search found it. */
  path: string;
  /** The same in its real folder: `/bin/ls` is `/usr/bin/ls` where `/bin` is a link. The last part stays. */
  inRealFolder: string;
  /** Links followed to the end. */
  real: string;
  /** Changes when the file, its owner or its rights do (KNOWN_ATTACKS 75). */
  identity: string;
}

/**
 * The file that a shell would run, or null: there is none, or the search depends on the folder it begins in.
 * @param cwd null when that is not known
 */
export function executableOf(name: string, path: string, cwd: string | null): Executable | null {
  if (name.includes("/")) {
    if (isAbsolute(name)) return executableAt(name);
    return cwd === null ? null : executableAt(resolve(cwd, name));
  }
  for (const folder of path.split(":")) {
    if (!isAbsolute(folder)) return null;
    const found = executableAt(join(folder, name));
    if (found !== null) return found;
  }
  return null;
}

function executableAt(path: string): Executable | null {
  try {
    accessSync(path, constants.X_OK);
    const real = realpathSync(path);
    const identity = identityOf(real);
    if (identity === null) return null;
    return { path, inRealFolder: join(realpathSync(dirname(path)), basename(path)), real, identity };
  } catch {
    return null;
  }
}

/** What a file is, as a text that changes with it; null when it is none. */
export function identityOf(path: string): string | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!stat?.isFile()) return null;
  return [path, stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ");
}

/** True when the file lies right in one of the folders, by either of its names. */
export const liesIn = ({ path, inRealFolder }: Executable, folders: readonly string[]): boolean =>
  folders.includes(dirname(path)) || folders.includes(dirname(inRealFolder));

/** True when the file, wherever links lead, is below the folder. */
export const isBelow = ({ real, path }: Executable, folder: string): boolean =>
  [real, path].some((file) => file.startsWith(folder.endsWith("/") ? folder : `${folder}/`));
