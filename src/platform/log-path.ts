import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { localDate } from "./log-record.ts";

/** What decides where the log goes. */
export interface LogPlace {
  /** A file of the operator's choice, absolute. */
  file?: string;
  /** Name of the profile, absent for the default one. */
  profile?: string;
}

/** The directory of upstream's log files; readers of the log look there. */
const USUAL_FOLDER = "/tmp/openclaw";

/**
 * The log file of a day: the operator's file, or `openclaw-YYYY-MM-DD.log` (with the profile's name in it) by local
 * date in `/tmp/openclaw`. Where that directory is not ours alone, one that bears the user's number takes its place
 * (docs: logging, "Where logs live"). Creates neither.
 */
export function logFilePath({ file, profile }: LogPlace, day: Date): string {
  if (file !== undefined) return file;
  return join(usualFolder(), `${dayPrefix(profile)}${localDate(day)}.log`);
}

/** How names of a profile's daily files begin. */
export const dayPrefix = (profile?: string): string =>
  profile === undefined ? "openclaw-" : `openclaw-${nameSegment(profile)}-`;

function usualFolder(): string {
  return process.platform !== "win32" && isOursOrAbsent(USUAL_FOLDER)
    ? USUAL_FOLDER
    : join(tmpdir(), `openclaw-${process.getuid?.() ?? "user"}`);
}

function isOursOrAbsent(folder: string): boolean {
  try {
    return isOurs(folder);
  } catch {
    return true;
  }
}

/** Nobody else may put links or files of their own where we write. */
function isOurs(folder: string): boolean {
  const stat = lstatSync(folder);
  const mine = process.getuid === undefined || stat.uid === process.getuid();
  return stat.isDirectory() && mine && (stat.mode & 0o022) === 0;
}

/**
 * Makes sure that the directory of a log file exists. One in a place where everybody may write must be ours alone.
 * @throws Error when it is not
 */
export function prepareFolder(path: string, chosen: boolean): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!chosen && !isOurs(folder)) throw new Error(`${folder} belongs to somebody else or may be written by others`);
}

/** `a.log` and 2 make `a.2.log`. */
export function archivePath(path: string, number: number): string {
  const extension = extname(path);
  return `${path.slice(0, path.length - extension.length)}.${number}${extension}`;
}

/** Lower-case letters and digits stay; anything else is escaped, so that no two profiles share a file. */
function nameSegment(profile: string): string {
  const escaped = profile.replace(/[^a-z0-9]/g, (char) => `-${char.codePointAt(0)!.toString(16)}`);
  if (escaped.length <= 64) return escaped;
  return `${escaped.slice(0, 40)}-${createHash("sha256").update(profile).digest("hex").slice(0, 16)}`;
}
