import { gunzipSync } from "node:zlib";
import type { Finding } from "../types.ts";
import type { FileType } from "./type.ts";

/** Names that are read of one archive; more than this is itself a finding. */
const MAX_NAMES = 10_000;
/** What is unpacked of a compressed one to read names: the names of the first files stand there. */
const MAX_UNPACKED = 4 * 1024 * 1024;
const ZIP_ENTRY = 0x02014b50;
const ZIP_END = 0x06054b50;
const TAR_BLOCK = 512;

interface Entry {
  name: string;
  /** Where a link of the archive leads. */
  target?: string;
}

/** Names of an archive that lead out of the folder it is unpacked in. Time is linear in its size. */
export function archiveFindings(content: Uint8Array, type: FileType): Finding[] {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  const entries = type === "zip" ? zipEntries(bytes) : type === "tar" ? tarEntries(bytes) : gzipEntries(bytes);
  const found = new Set<string>();
  let count = 0;
  for (const { name, target } of entries) {
    if (leadsOut(name)) found.add("leads-out");
    if (target !== undefined && (/^(?:[/\\~]|[a-z]:)/i.test(target) || climbs(name, target))) found.add("link-out");
    if (++count >= MAX_NAMES) found.add("many");
  }
  return FINDINGS.filter(({ id }) => found.has(id.slice("file.archive-".length)));
}

const FINDINGS: readonly Finding[] = [
  { id: "file.archive-leads-out", score: 85, reason: "The archive holds names that lead out of its folder." },
  { id: "file.archive-link-out", score: 75, reason: "The archive holds a link that leads out of its folder." },
  { id: "file.archive-many", score: 50, reason: "The archive holds more files than can be looked at." },
];

const leadsOut = (name: string): boolean =>
  /^(?:[/\\~]|[a-z]:)/i.test(name) || name.split(/[/\\]/).includes("..") || name.includes("\0");

/** Whether a link's relative target leaves the folder of the archive. */
function climbs(name: string, target: string): boolean {
  let depth = name.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "..") depth--;
    else if (part !== "." && part !== "") depth++;
    if (depth < 0) return true;
  }
  return false;
}

function* zipEntries(bytes: Buffer): Iterable<Entry> {
  let end = bytes.length - 22;
  const lowest = Math.max(0, end - 0xffff);
  while (end >= lowest && bytes.readUInt32LE(end) !== ZIP_END) end--;
  if (end < lowest) return;
  let at = bytes.readUInt32LE(end + 16);
  for (let i = 0; i < MAX_NAMES && at + 46 <= bytes.length && bytes.readUInt32LE(at) === ZIP_ENTRY; i++) {
    const nameEnd = at + 46 + bytes.readUInt16LE(at + 28);
    const name = bytes.toString("utf8", at + 46, nameEnd);
    const isLink = ((bytes.readUInt32LE(at + 38) >>> 16) & 0o170000) === 0o120000;
    const target = isLink ? storedText(bytes, at) : undefined;
    yield target === undefined ? { name } : { name, target };
    at = nameEnd + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
}

/** The target of a link in a zip. One that is compressed is taken to lead out: nothing honest does that. */
function storedText(bytes: Buffer, at: number): string {
  const local = bytes.readUInt32LE(at + 42);
  if (bytes.readUInt16LE(at + 10) !== 0 || local + 30 > bytes.length) return "/";
  const from = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
  return bytes.toString("utf8", from, from + Math.min(bytes.readUInt32LE(at + 20), 4096));
}

function* tarEntries(bytes: Buffer): Iterable<Entry> {
  let longName: string | undefined;
  let longTarget: string | undefined;
  for (let at = 0, i = 0; i < MAX_NAMES && at + TAR_BLOCK <= bytes.length; i++) {
    const header = bytes.subarray(at, at + TAR_BLOCK);
    if (header[0] === 0) return;
    const size = Number.parseInt(textOf(header, 124, 12), 8) || 0;
    const kind = String.fromCharCode(header[156]!);
    const body = bytes.subarray(at + TAR_BLOCK, at + TAR_BLOCK + Math.min(size, 8192));
    if (kind === "L") longName = textOf(body, 0, body.length);
    else if (kind === "K") longTarget = textOf(body, 0, body.length);
    else if (kind === "x") {
      const text = body.toString("utf8");
      longName = /^\d+ path=(.*)$/m.exec(text)?.[1] ?? longName;
      longTarget = /^\d+ linkpath=(.*)$/m.exec(text)?.[1] ?? longTarget;
    } else {
      const prefix = textOf(header, 345, 155);
      const name = longName ?? (prefix === "" ? "" : `${prefix}/`) + textOf(header, 0, 100);
      const isLink = kind === "1" || kind === "2";
      yield isLink ? { name, target: linkTarget(kind, longTarget ?? textOf(header, 157, 100), name) } : { name };
      longName = longTarget = undefined;
    }
    at += TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
}

/** A hard link's target counts from the archive's root, a symbolic one's from where the link is. */
const linkTarget = (kind: string, target: string, name: string): string =>
  kind === "1" && !target.startsWith("/") ? `${"../".repeat(name.split("/").length - 1)}${target}` : target;

function textOf(bytes: Buffer, from: number, length: number): string {
  const part = bytes.toString("utf8", from, from + length);
  const end = part.indexOf("\0");
  return (end < 0 ? part : part.slice(0, end)).trim();
}

function gzipEntries(bytes: Buffer): Iterable<Entry> {
  try {
    const head = gunzipSync(bytes.subarray(0, MAX_UNPACKED), { finishFlush: 2, maxOutputLength: MAX_UNPACKED });
    return head.length > 262 && head.toString("latin1", 257, 262) === "ustar" ? tarEntries(head) : [];
  } catch {
    return [];
  }
}
