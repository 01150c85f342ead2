import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath } from "node:fs/promises";
import { errorCode } from "../../platform/private-file.ts";

/** What a protected path is, as far as somebody could change it. */
export interface PathFacts {
  kind: "file" | "link" | "absent" | "other" | "unreadable";
  /** Hex, of the content. Of a link: of what it leads to. */
  sha256?: string;
  /** Permission bits, with those of set-user-id and the like. */
  mode?: number;
  uid?: number;
  gid?: number;
  /** Names that the file has; another one may be a way to change it. */
  links?: number;
  /** Where the path really is: folders above it may be links too. */
  real?: string;
  /** Changes whenever the file may have. */
  stamp?: string;
}

const CHUNK = 1024 * 1024;
const STILL = "the file changed while it was read";

/**
 * Reads what a path is. A link is followed for its content and stays known as a link. Large files are read in pieces.
 * @param known facts of before: the content of a large file whose stamp is still the same is not read again
 * @param largeBytes from which size on
 */
export async function factsOf(path: string, known: PathFacts | undefined, largeBytes: number): Promise<PathFacts> {
  try {
    const own = await lstat(path);
    const real = await realpath(path);
    const handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const facts = await fileFacts(handle, known, largeBytes);
      return own.isSymbolicLink()
        ? { ...facts, kind: facts.kind === "file" ? "link" : facts.kind, real }
        : { ...facts, real };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return (await danglingLink(path)) ?? { kind: "absent" };
    return { kind: "unreadable" };
  }
}

async function danglingLink(path: string): Promise<PathFacts | undefined> {
  const target = await readlink(path).catch(() => undefined);
  return target === undefined ? undefined : { kind: "link", real: target };
}

async function fileFacts(handle: FileHandle, known: PathFacts | undefined, largeBytes: number): Promise<PathFacts> {
  const before = await handle.stat({ bigint: true });
  const { mode, uid, gid, nlink } = before;
  const about = { mode: Number(mode & 0o7777n), uid: Number(uid), gid: Number(gid), links: Number(nlink) };
  if (!before.isFile()) return { kind: "other", ...about };
  const stamp = stampOf(before);
  if (Number(before.size) >= largeBytes && known?.stamp === stamp && known.sha256 !== undefined) {
    return { kind: "file", ...about, sha256: known.sha256, stamp };
  }
  const hash = createHash("sha256");
  const piece = Buffer.allocUnsafe(Math.min(CHUNK, Number(before.size) + 1));
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) break;
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
    // A file that grows faster than it is read is no reason to read for ever.
    if (at > Number(before.size) + CHUNK) throw new Error(STILL);
  }
  return { kind: "file", ...about, sha256: hash.digest("hex"), stamp };
}

interface Stamped {
  dev: bigint;
  ino: bigint;
  size: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
}

const stampOf = ({ dev, ino, size, mtimeNs, ctimeNs }: Stamped): string => [dev, ino, size, mtimeNs, ctimeNs].join(" ");

/** Changes whenever the path or what it leads to may have; reads no content. */
export async function lookOf(path: string): Promise<string> {
  try {
    const { mode, ino, ctimeNs } = await lstat(path, { bigint: true });
    const real = await realpath(path);
    const at = await lstat(real, { bigint: true });
    return [mode, ino, ctimeNs, real, stampOf(at), at.nlink].join(" ");
  } catch (error) {
    return errorCode(error) ?? "unknown";
  }
}
