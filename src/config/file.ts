import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { ConfigError } from "./problem.ts";

/** Tells one state of a file from another: inode, size, times of the last change; empty for no file. */
export function fileStamp(path: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    return `${ino}:${size}:${mtimeMs}:${ctimeMs}`;
  } catch {
    return "";
  }
}

/**
 * Reads a regular file of at most `maxBytes` bytes as UTF-8. Returns null when there is none.
 * @throws ConfigError when it is something else than a regular file, too large, or may not be read
 */
export function readTextFile(path: string, maxBytes: number): { text: string } | null {
  let fd: number;
  try {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw unreadable(path, `cannot be read (${code})`, "give the gateway's user read access to it");
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw unreadable(path, "is not a regular file");
    if (stat.size > maxBytes) throw unreadable(path, `is larger than ${maxBytes} bytes`);
    const bytes = Buffer.alloc(Math.min(stat.size, maxBytes));
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(fd, bytes, length, bytes.length - length, length);
    }
    return { text: bytes.toString("utf8", 0, length) };
  } finally {
    closeSync(fd);
  }
}

function unreadable(file: string, reason: string, hint?: string): ConfigError {
  return new ConfigError([{ file, path: "", reason, hint }]);
}

/** Writes a private file (mode 0600) so that its readers, and a power failure, see either the old text or the new one. */
export function replaceFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}.tmp`;
  // A draft that a crash has left may belong to somebody else or be readable to all.
  rmSync(draft, { force: true });
  const fd = openSync(draft, "wx", 0o600);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path);
  syncFolder(dirname(path));
}

function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } catch {
    // Some file systems know no fsync of directories.
  } finally {
    closeSync(fd);
  }
}
