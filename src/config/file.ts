import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { ConfigError } from "./problem.ts";

/** What was read of a config file and how to tell later whether it is still that one. */
export interface FileText {
  text: string;
  /** Changes with every change of the file: inode, size and time of the last change. */
  stamp: string;
}

/**
 * Reads a regular file of at most `maxBytes` bytes as UTF-8. Returns null when there is none.
 * @throws ConfigError when it is something else than a regular file, too large, or may not be read
 */
export function readTextFile(path: string, maxBytes: number): FileText | null {
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
    return { text: bytes.toString("utf8", 0, length), stamp: `${stat.ino}:${stat.size}:${stat.mtimeMs}` };
  } finally {
    closeSync(fd);
  }
}

function unreadable(file: string, reason: string, hint?: string): ConfigError {
  return new ConfigError([{ file, path: "", reason, hint }]);
}
