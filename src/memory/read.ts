import { PathRefused } from "../platform/fs-safe/refusal.ts";
import { memoryFile } from "./files.ts";
import type { ExtraPath } from "./settings.ts";

export interface ExcerptWish {
  path: string;
  /** First line, from 1. */
  from?: number;
  lines?: number;
  /** Characters at most; `agents.defaults.contextLimits.memoryGetMaxChars`. */
  maxChars?: number;
}

/** Lines of a memory file, or why there are none (as measured from 2026.9.6). */
export type Excerpt =
  | { status: "ok"; text: string; path: string; from: number; lines: number; truncated?: true; nextFrom?: number }
  | { status: "not_found"; text: ""; path: string }
  | { status: "error"; text: ""; path: string; code: "MEMORY_PATH_NOT_ALLOWED" | "MEMORY_READ_FAILED"; error: string };

/** Upstream's default of an excerpt. */
const DEFAULT_LINES = 120;
const MAX_CHARS = 12_000;

/** Reads lines of a file of an agent's memory. Links are not followed, and files with a second name are refused. */
export async function readMemory(
  workspace: string,
  extra: readonly ExtraPath[],
  { path, from = 1, lines, maxChars = MAX_CHARS }: ExcerptWish,
  maxBytes: number,
): Promise<Excerpt> {
  const file = memoryFile(workspace, extra, path.trim());
  if (!file) {
    const error = "path is not an allowed Markdown memory file";
    return { status: "error", text: "", path, code: "MEMORY_PATH_NOT_ALLOWED", error };
  }
  try {
    const { bytes } = await file.root.read(file.parts, maxBytes);
    const count = lines ?? DEFAULT_LINES;
    return excerptOf(bytes.toString("utf8"), file.path, { from, count, isOpen: lines === undefined }, maxChars);
  } catch (error) {
    if (!(error instanceof PathRefused)) throw error;
    if (error.problem === "missing") return { status: "not_found", text: "", path: file.path };
    const told = error.problem === "too-large" ? "the file is too large" : "path must be a regular file";
    return { status: "error", text: "", path: file.path, code: "MEMORY_READ_FAILED", error: told };
  }
}

function excerptOf(
  whole: string,
  path: string,
  { from, count, isOpen }: { from: number; count: number; isOpen: boolean },
  maxChars: number,
): Excerpt {
  const all = whole.replace(/\r?\n$/, "").split("\n");
  const wanted = all.slice(from - 1, from - 1 + count);
  const fitting: string[] = [];
  let left = maxChars;
  for (const line of wanted) {
    if (line.length + 1 > left && fitting.length > 0) break;
    fitting.push(line.slice(0, left).replace(/[\ud800-\udbff]$/, ""));
    left -= line.length + 1;
  }
  const next = from + fitting.length;
  const isCut = fitting.length > 0 && fitting.at(-1)!.length < wanted[fitting.length - 1]!.length;
  // Who named the number of lines and has them all knows that there may be more.
  const goesOn = fitting.length > 0 && next <= all.length && (isOpen || fitting.length < count);
  return {
    ...{ status: "ok", text: fitting.join("\n"), path, from, lines: fitting.length },
    ...(goesOn || isCut ? { truncated: true } : {}),
    ...(goesOn ? { nextFrom: next } : {}),
  };
}
