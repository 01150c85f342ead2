import { ToolError } from "../../types.ts";
import { type Replacement, typedText } from "../text.ts";
import type { PatchChunk } from "./parse.ts";

/**
 * Where the chunks of an update belong in a text, one after the other. Lines are looked for as they are, then without
 * blanks at their ends, then without any at either side, then with quotes, dashes and spaces as typed.
 * @throws ToolError that names the line of the patch
 */
export function place(text: string, chunks: readonly PatchChunk[], path: string): Replacement[] {
  const lines = text.split("\n");
  // A last line without a line feed is a line; nothing after a last line feed is none.
  const endsOpen = lines.at(-1) !== "";
  if (!endsOpen) lines.pop();
  const starts = lineStarts(lines);
  const replacements: Replacement[] = [];
  let from = 0;
  for (const chunk of chunks) {
    if (chunk.context !== undefined) {
      const at = find(lines, [chunk.context], from, false);
      if (at < 0) {
        throw new ToolError(`Failed to find context '${chunk.context}' in ${path} (line ${chunk.line} of the patch)`);
      }
      from = at + 1;
    }
    const { at, old, now } = located(lines, chunk, from, path);
    replacements.push(replacement(starts, lines.length, at, old, now, endsOpen));
    from = at + old.length;
  }
  return replacements;
}

function located(lines: readonly string[], chunk: PatchChunk, from: number, path: string) {
  const { old, new: now, isAtEnd } = chunk;
  if (old.length === 0) {
    // Only new lines: behind the context when there is one, else at the end.
    return { at: chunk.context === undefined || isAtEnd ? lines.length : from, old, now };
  }
  const at = find(lines, old, from, isAtEnd);
  if (at >= 0) return { at, old, now };
  // Models write an empty last line for the end of the file.
  if (old.at(-1) === "") {
    const shorter = old.slice(0, -1);
    const again = shorter.length > 0 ? find(lines, shorter, from, isAtEnd) : -1;
    if (again >= 0) return { at: again, old: shorter, now: now.at(-1) === "" ? now.slice(0, -1) : now };
  }
  const earlier = find(lines, old, 0, isAtEnd);
  const hint =
    earlier >= 0 ? ` They stand at line ${earlier + 1} of the file, before the chunk above.` : nearest(lines, old);
  throw new ToolError(
    `Failed to find expected lines in ${path} (line ${chunk.line} of the patch):\n${old.join("\n")}${hint && `\n${hint.trim()}`}`,
  );
}

/** Where most of the wanted lines stand, for the text of an error. */
function nearest(lines: readonly string[], wanted: readonly string[]): string {
  const first = wanted.findIndex((line) => line.trim() !== "");
  if (first < 0) return "";
  const at = find(lines, [wanted[first]!], 0, false);
  if (at < 0) return "";
  const off = wanted.findIndex((line, index) => index > first && lines[at + index - first]?.trim() !== line.trim());
  return off < 0
    ? ""
    : `Line ${at + off - first + 1} of the file differs: ${JSON.stringify(lines[at + off - first] ?? "")}`;
}

const FORMS: readonly ((line: string) => string)[] = [
  (line) => line,
  (line) => line.trimEnd(),
  (line) => line.trim(),
  (line) => typedText(line).trim(),
];

/** The first place at or after `from` where the lines stand, -1 for none; at the end of the file when they must. */
function find(lines: readonly string[], wanted: readonly string[], from: number, isAtEnd: boolean): number {
  const last = lines.length - wanted.length;
  const first = isAtEnd ? Math.max(last, from) : from;
  for (const form of FORMS) {
    const goal = wanted.map(form);
    for (let at = first; at <= last; at++) {
      if (goal.every((line, index) => form(lines[at + index]!) === line)) return at;
    }
  }
  return -1;
}

/** Offsets of the beginnings of lines, and of the end behind the last one. */
function lineStarts(lines: readonly string[]): number[] {
  const starts = [0];
  for (const line of lines) starts.push(starts.at(-1)! + line.length + 1);
  return starts;
}

function replacement(
  starts: readonly number[],
  count: number,
  at: number,
  old: readonly string[],
  now: readonly string[],
  endsOpen: boolean,
): Replacement {
  const end = at + old.length;
  const by = now.map((line) => `${line}\n`).join("");
  // The end of a file without a last line feed is one character earlier; lines put there need one before them.
  const open = (line: number) => endsOpen && count > 0 && line === count;
  const from = open(at) ? starts[at]! - 1 : starts[at]!;
  const to = open(end) ? starts[end]! - 1 : starts[end]!;
  return { from, to, by: open(at) && by !== "" ? `\n${by}` : by };
}
