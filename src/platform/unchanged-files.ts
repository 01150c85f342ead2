import { type BigIntStats, lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import { readInside } from "./read-inside.ts";

interface Known {
  stamp: string;
  bytes: Buffer;
}

/** Nanoseconds that a file must be old: a change in the very moment of reading could leave its times as they were. */
const SETTLED_NS = 2_000_000_000n;

/**
 * Reads files of folders as {@link readInside} does, and remembers what has not changed since, by what the system says of
 * folder and file: reading again costs two calls of `stat`. Links are read anew each time.
 */
export class UnchangedFiles {
  private readonly known = new Map<string, Known>();
  private bytes = 0;

  /** @param mostBytes that are remembered; what was used least lately goes first */
  constructor(private readonly mostBytes: number) {}

  /** @param name of a file directly in the folder. The bytes are shared: nobody may change them. */
  async read(folder: string, name: string, limit: number): Promise<Buffer | string> {
    const path = join(folder, name);
    const stamp = stampOf(folder, path);
    if (stamp === "missing") return stamp;
    const known = this.known.get(path);
    if (known !== undefined && known.stamp === stamp && known.bytes.length <= limit) {
      this.known.delete(path);
      this.known.set(path, known);
      return known.bytes;
    }
    this.forget(path);
    const read = await readInside(folder, name, limit);
    if (typeof read !== "string" && stamp !== null && stampOf(folder, path) === stamp) this.remember(path, stamp, read);
    return read;
  }

  private remember(path: string, stamp: string, bytes: Buffer): void {
    if (bytes.length > this.mostBytes) return;
    this.known.set(path, { stamp, bytes });
    this.bytes += bytes.length;
    for (const oldest of this.known.keys()) {
      if (this.bytes <= this.mostBytes) return;
      this.forget(oldest);
    }
  }

  private forget(path: string): void {
    this.bytes -= this.known.get(path)?.bytes.length ?? 0;
    this.known.delete(path);
  }
}

/** What tells this state of the file from every other; null when it is none to go by. */
function stampOf(folder: string, path: string): string | "missing" | null {
  try {
    const place = statSync(folder, { bigint: true });
    const file = lstatSync(path, { bigint: true });
    if (!file.isFile() || !isSettled(file)) return null;
    return [place.dev, place.ino, file.dev, file.ino, file.mode, file.size, file.mtimeNs, file.ctimeNs].join(" ");
  } catch (error) {
    return (error as { code?: string }).code === "ENOENT" ? "missing" : null;
  }
}

const isSettled = ({ mtimeNs, ctimeNs }: BigIntStats): boolean => {
  const now = BigInt(Date.now()) * 1_000_000n;
  return now - mtimeNs > SETTLED_NS && now - ctimeNs > SETTLED_NS;
};
