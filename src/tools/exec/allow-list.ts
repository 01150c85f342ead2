import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { Glob } from "bun";
import type { Executable } from "./shape/resolve.ts";

/** An entry of the list of allowed commands, as the document of exec approvals has it. */
export interface AllowEntry {
  id?: string;
  /** A path with `*` and `**`, or the bare name of a program that is found by the search path. */
  pattern: string;
  /** A regular expression over the arguments, or the hash of exact ones. */
  argPattern?: string;
  /** `allow-always` for what an approval has left. */
  source?: "allow-always";
  lastUsedAt?: number;
  lastResolvedPath?: string;
}

/** A program call as entries are compared with it. */
export interface Invocation {
  /** As written. */
  name: string;
  executable: Executable;
  /** Null when not all of them are known. */
  args: readonly string[] | null;
  /** Null when it is not known. */
  cwd: string | null;
}

const EXACT = "sha256:argv:";
/** No regular expression is tried on longer arguments. */
const MAX_ARG_CHARS = 16_384;

/** The entry that allows the call, if any (docs: exec-approvals, Allowlist). */
export const matchingEntry = (entries: readonly AllowEntry[], call: Invocation): AllowEntry | undefined =>
  entries.find((entry) => matches(entry, call));

/** The entry that an approval for all times leaves: this program, these arguments, this folder. */
export const exactEntry = ({
  executable,
  args,
  cwd,
}: Invocation & { args: readonly string[]; cwd: string }): AllowEntry => ({
  pattern: executable.inRealFolder,
  argPattern: EXACT + hashOf(args, cwd),
  source: "allow-always",
  lastResolvedPath: executable.path,
});

function matches({ pattern, argPattern, source }: AllowEntry, { name, executable, args, cwd }: Invocation): boolean {
  if (argPattern?.startsWith(EXACT) || source === "allow-always") {
    const isExact = args !== null && cwd !== null && argPattern === EXACT + hashOf(args, cwd);
    return isExact && [executable.path, executable.inRealFolder].includes(pattern);
  }
  return namesProgram(pattern, name, executable) && (argPattern === undefined || fitsArgs(argPattern, args));
}

function namesProgram(pattern: string, name: string, { path, inRealFolder }: Executable): boolean {
  const isPath = pattern.includes("/") || pattern.startsWith("~");
  if (!isPath) return !name.includes("/") && new Glob(pattern).match(name);
  const glob = new Glob(pattern.replace(/^~(?=\/|$)/, homedir()));
  return glob.match(path) || glob.match(inRealFolder);
}

function fitsArgs(pattern: string, args: readonly string[] | null): boolean {
  const text = args?.join(" ");
  if (text === undefined || text.length > MAX_ARG_CHARS) return false;
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false;
  }
}

const hashOf = (args: readonly string[], cwd: string): string =>
  createHash("sha256")
    .update(JSON.stringify([cwd, ...args]))
    .digest("hex");
