import { ToolError } from "../types.ts";
import { type Replacement, typed, typedText } from "./text.ts";

/** One replacement of an `edit` call. */
export interface Edit {
  oldText: string;
  newText: string;
}

/**
 * Where the old texts are. Each must be there exactly once; when it is not there as it is, it is looked for without
 * regard to trailing blanks and to the kind of quotes, dashes and spaces.
 * @returns in the order of the text
 * @throws ToolError for texts that are not there, there more than once, or overlap
 */
export function locate(text: string, edits: readonly Edit[], path: string): Replacement[] {
  const loose = { view: undefined as View | undefined };
  const found = edits.map(({ oldText, newText }, index) => {
    const old = oldText.replaceAll("\r\n", "\n");
    const by = newText.replaceAll("\r\n", "\n");
    const exact = occurrences(text, old);
    if (exact.count === 1) return { from: exact.first, to: exact.first + old.length, by, index };
    if (exact.count > 1) throw several(exact.count, path);
    loose.view ??= viewOf(text);
    const { view } = loose;
    const wanted = viewOf(old).text;
    const near = wanted === "" ? { count: 0, first: -1 } : occurrences(view.text, wanted);
    if (near.count > 1) throw several(near.count, path);
    if (near.count === 0) throw notFound(text, old, path);
    const to = view.at[near.first + wanted.length - 1]! + 1;
    return { from: view.at[near.first]!, to, by, index };
  });
  found.sort((a, b) => a.from - b.from);
  for (let at = 1; at < found.length; at++) {
    const [a, b] = [found[at - 1]!, found[at]!];
    if (b.from >= a.to) continue;
    const [first, second] = [Math.min(a.index, b.index), Math.max(a.index, b.index)];
    throw new ToolError(
      `edits[${first}] and edits[${second}] overlap in ${path}. Merge them into one edit or target disjoint regions.`,
    );
  }
  return found;
}

/** How often a piece is there, pieces side by side, and where first. */
function occurrences(text: string, piece: string): { count: number; first: number } {
  const first = text.indexOf(piece);
  let count = 0;
  for (let at = first; at >= 0; at = text.indexOf(piece, at + piece.length)) count++;
  return { count, first };
}

/** A text as it is compared loosely, and where its characters are in the original. */
interface View {
  text: string;
  at: number[];
}

function viewOf(original: string): View {
  const at: number[] = [];
  let text = "";
  let offset = 0;
  for (const line of original.split("\n")) {
    const kept = line.trimEnd();
    for (let index = 0; index < kept.length; index++) at.push(offset + index);
    text += typedText(kept);
    offset += line.length;
    if (offset < original.length) {
      at.push(offset);
      text += "\n";
    }
    offset++;
  }
  return { text, at };
}

const several = (count: number, path: string) =>
  new ToolError(
    `Found ${count} occurrences of the text in ${path}. The text must be unique. Please provide more context to make it unique.`,
  );

/** Says what the file has instead, so that the next call can be right. */
function notFound(text: string, old: string, path: string): ToolError {
  const lines = text.split("\n");
  const first = old.split("\n").find((line) => line.trim() !== "") ?? "";
  const near = first === "" ? undefined : closest(lines, first);
  const hint = near
    ? `\nClosest matching line:\n  near line ${near.line} (${Math.round(near.share * 100)}% match):\n    expected: ${JSON.stringify(first)}\n    found:    ${JSON.stringify(lines[near.line - 1])}`
    : "";
  const shown = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}\n... (truncated)` : text;
  return new ToolError(
    `Could not find the exact text in ${path}. The old text must match exactly including all whitespace and newlines.${hint}\nCurrent file contents:\n${shown}`,
  );
}

const SHOWN_CHARS = 800;
const COMPARED_LINES = 5000;
const COMPARED_CHARS = 500;

/** The line that shares the longest beginning and end with the wanted one, when they share more than half. */
function closest(lines: readonly string[], wanted: string): { line: number; share: number } | undefined {
  let best: { line: number; share: number } | undefined;
  const goal = wanted.trim().slice(0, COMPARED_CHARS);
  lines.slice(0, COMPARED_LINES).forEach((line, index) => {
    const share = likeness(line.trim().slice(0, COMPARED_CHARS), goal);
    if (share > (best?.share ?? 0.5)) best = { line: index + 1, share };
  });
  return best;
}

function likeness(a: string, b: string): number {
  const most = Math.max(a.length, b.length);
  if (most === 0) return 0;
  const least = Math.min(a.length, b.length);
  let start = 0;
  while (start < least && typed(a[start]!) === typed(b[start]!)) start++;
  let end = 0;
  while (end < least - start && typed(a.at(-1 - end)!) === typed(b.at(-1 - end)!)) end++;
  return (start + end) / most;
}
