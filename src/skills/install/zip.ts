import { inflateRawSync } from "node:zlib";

/** What an archive may hold. */
export interface ArchiveLimits {
  entries: number;
  /** Bytes of all files together, unpacked. */
  bytes: number;
  /** Bytes of one file, unpacked. */
  fileBytes: number;
  /** How many times larger than the archive its content may be. */
  ratio: number;
  /** Folders above a file. */
  depth: number;
}

export interface ArchiveFile {
  /** Below the root of the archive, with `/`, checked: no `..`, nothing absolute. */
  path: string;
  data: Buffer;
}

/** The archive is broken, or holds what must not be unpacked. Its message may be shown. */
export class ArchiveRefused extends Error {
  override name = "ArchiveRefused";
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;
const END_SIZE = 22;
const SYMLINK = 0o120000;
const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;

/**
 * The files of a zip archive, in memory: nothing is written. Names are checked before any byte is unpacked, sizes while it
 * is: what the archive says of itself is not believed (KNOWN_ATTACKS 66).
 * @throws ArchiveRefused for names that lead out, links, devices, encryption, two files of one name, and too much of anything
 */
export function readZip(archive: Buffer, limits: ArchiveLimits): ArchiveFile[] {
  const end = endOfDirectory(archive);
  const count = archive.readUInt16LE(end + 10);
  if (count > limits.entries) throw new ArchiveRefused(`the archive has more than ${limits.entries} entries`);
  const maxBytes = Math.min(limits.bytes, Math.max(archive.length, 1024) * limits.ratio);
  const files: ArchiveFile[] = [];
  const seen = new Set<string>();
  const folders = new Set<string>();
  let at = archive.readUInt32LE(end + 16);
  let total = 0;
  for (let index = 0; index < count; index++) {
    const entry = directoryEntry(archive, at);
    at = entry.next;
    const path = safePath(entry.name, limits.depth);
    if (path === null) continue;
    // Names that differ only in case are one file on some machines, and only one of them would have been looked at.
    const folded = path.normalize("NFC").toLowerCase();
    if (seen.has(folded)) throw new ArchiveRefused("the archive holds two files of one name");
    seen.add(folded);
    for (let end = folded.lastIndexOf("/"); end > 0; end = folded.lastIndexOf("/", end - 1)) {
      folders.add(folded.slice(0, end));
    }
    const data = content(archive, entry, Math.min(limits.fileBytes, maxBytes - total));
    total += data.length;
    files.push({ path, data });
  }
  if (!seen.isDisjointFrom(folders)) throw new ArchiveRefused("the archive holds a file and a folder of one name");
  return files;
}

interface Entry {
  name: string;
  method: number;
  packed: number;
  local: number;
  next: number;
}

/** The record at the end that says where the directory is; a comment may follow it. */
function endOfDirectory(archive: Buffer): number {
  const lowest = Math.max(0, archive.length - END_SIZE - 0xffff);
  for (let at = archive.length - END_SIZE; at >= lowest; at--) {
    if (archive.readUInt32LE(at) === END_OF_DIRECTORY) return at;
  }
  throw new ArchiveRefused("the archive is not a zip file");
}

function directoryEntry(archive: Buffer, at: number): Entry {
  if (at + 46 > archive.length || archive.readUInt32LE(at) !== DIRECTORY_ENTRY) throw broken();
  const flags = archive.readUInt16LE(at + 8);
  if (flags & 1) throw new ArchiveRefused("the archive is encrypted");
  const nameLength = archive.readUInt16LE(at + 28);
  const next = at + 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  if (next > archive.length) throw broken();
  const type = (archive.readUInt32LE(at + 38) >>> 16) & FILE_TYPE;
  if (type === SYMLINK) throw new ArchiveRefused("the archive holds a link");
  if (type !== 0 && type !== REGULAR && type !== FOLDER) throw new ArchiveRefused("the archive holds a special file");
  const name = archive.toString("utf8", at + 46, at + 46 + nameLength);
  const packed = archive.readUInt32LE(at + 20);
  return { name, method: archive.readUInt16LE(at + 10), packed, local: archive.readUInt32LE(at + 42), next };
}

/** The name as it may be written, or null for a folder. */
function safePath(name: string, depth: number): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (name === "" || /[\u0000-\u001f\u007f\\:]/.test(name) || name.startsWith("/")) throw leadsOut();
  const parts = name.split("/");
  const isFolder = parts.at(-1) === "";
  if (isFolder) parts.pop();
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.endsWith(" "))) throw leadsOut();
  if (parts.length > depth) throw new ArchiveRefused("the archive has folders too deep");
  return isFolder ? null : parts.join("/");
}

function content(archive: Buffer, { local, method, packed }: Entry, most: number): Buffer {
  if (local + 30 > archive.length || archive.readUInt32LE(local) !== LOCAL_ENTRY) throw broken();
  const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  if (from + packed > archive.length) throw broken();
  const bytes = archive.subarray(from, from + packed);
  if (method === 0) {
    if (bytes.length > most) throw tooLarge();
    return Buffer.from(bytes);
  }
  if (method !== 8) throw new ArchiveRefused("the archive is packed in a way that is not understood");
  if (most <= 0) throw tooLarge();
  try {
    return inflateRawSync(bytes, { maxOutputLength: most });
  } catch (error) {
    throw (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE" ? tooLarge() : broken();
  }
}

const broken = () => new ArchiveRefused("the archive is broken");
const leadsOut = () => new ArchiveRefused("the archive holds a name that leads out of its folder");
const tooLarge = () => new ArchiveRefused("the archive unpacks to more than is allowed");
