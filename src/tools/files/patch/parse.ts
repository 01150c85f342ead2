import { ToolError } from "../../types.ts";

/** One step of a patch. `line` is the line of its header in the patch, from 1. */
export type PatchStep =
  | { kind: "add"; path: string; content: string; line: number }
  | { kind: "delete"; path: string; line: number }
  | { kind: "update"; path: string; moveTo?: string; chunks: PatchChunk[]; line: number };

/** Lines that are there, and lines that take their place. */
export interface PatchChunk {
  /** A line before the place, from `@@ text`. */
  context?: string;
  old: string[];
  new: string[];
  /** The old lines are the last ones of the file. */
  isAtEnd: boolean;
  /** Where in the patch, from 1. */
  line: number;
}

const [BEGIN, END] = ["*** Begin Patch", "*** End Patch"];
const [ADD, DELETE, UPDATE, MOVE] = ["*** Add File: ", "*** Delete File: ", "*** Update File: ", "*** Move to: "];
const END_OF_FILE = "*** End of File";

/**
 * Reads a patch (docs: tools/apply-patch). The frame may stand in a here-document, as some models write it.
 * @throws ToolError that names the line
 */
export function parsePatch(input: string): PatchStep[] {
  if (input.trim() === "") throw new ToolError("Provide a patch input.");
  const { lines, first } = framed(input.trim().split(/\r?\n/));
  const reader = new Reader(lines, first);
  const steps: PatchStep[] = [];
  for (let step = reader.step(); step; step = reader.step()) steps.push(step);
  if (steps.length === 0) throw new ToolError("No files were modified.");
  return steps;
}

/** The lines between the frame, and which line of the patch the first one is. */
function framed(all: string[]): { lines: string[]; first: number } {
  const isHereDocument =
    /^<<\s*(['"]?)EOF\1$/.test(all[0]!.trim()) && all.length >= 4 && all.at(-1)!.trim().endsWith("EOF");
  const lines = isHereDocument ? all.slice(1, -1) : all;
  if (lines[0]!.trim() !== BEGIN) throw new ToolError(`The first line of the patch must be '${BEGIN}'`);
  if (lines.length < 2 || lines.at(-1)!.trim() !== END)
    throw new ToolError(`The last line of the patch must be '${END}'`);
  return { lines: lines.slice(1, -1), first: isHereDocument ? 3 : 2 };
}

class Reader {
  private at = 0;

  constructor(
    private readonly lines: readonly string[],
    private readonly first: number,
  ) {}

  step(): PatchStep | undefined {
    // Empty lines between the steps mean nothing; within one they do.
    while (this.at > 0 && this.lines[this.at]?.trim() === "" && isHeader(this.lines[this.at + 1])) this.at++;
    const header = this.lines[this.at];
    if (header === undefined) return undefined;
    const line = this.number;
    const added = after(header, ADD);
    if (added) {
      this.at++;
      return { kind: "add", path: added, content: this.added(), line };
    }
    const deleted = after(header, DELETE);
    if (deleted) {
      this.at++;
      return { kind: "delete", path: deleted, line };
    }
    const updated = after(header, UPDATE);
    if (!updated) throw wrong(line, `'${header}' is not a valid hunk header. Valid hunk headers: ${VALID}`);
    this.at++;
    const moveTo = after(this.lines[this.at] ?? "", MOVE);
    if (moveTo) this.at++;
    const chunks = this.chunks();
    if (chunks.length === 0) throw wrong(line, `Update file hunk for path '${updated}' is empty`);
    return { kind: "update", path: updated, ...(moveTo ? { moveTo } : {}), chunks, line };
  }

  private get number(): number {
    return this.first + this.at;
  }

  private added(): string {
    let content = "";
    for (; this.lines[this.at]?.startsWith("+"); this.at++) content += `${this.lines[this.at]!.slice(1)}\n`;
    return content;
  }

  private chunks(): PatchChunk[] {
    const chunks: PatchChunk[] = [];
    while (this.at < this.lines.length && !isHeader(this.lines[this.at])) {
      if (
        this.lines[this.at]!.trim() === "" &&
        (this.at + 1 === this.lines.length || isHeader(this.lines[this.at + 1]))
      ) {
        this.at++;
        continue;
      }
      chunks.push(this.chunk(chunks.length === 0));
    }
    return chunks;
  }

  private chunk(isFirst: boolean): PatchChunk {
    const line = this.number;
    const head = this.lines[this.at]!;
    const chunk: PatchChunk = { old: [], new: [], isAtEnd: false, line };
    if (head === "@@" || head.startsWith("@@ ")) {
      if (head.length > 3) chunk.context = head.slice(3);
      this.at++;
    } else if (!isFirst) {
      throw wrong(line, `Expected update hunk to start with a @@ context marker, got: '${head}'`);
    }
    let isEmpty = true;
    for (; this.at < this.lines.length; this.at++) {
      const text = this.lines[this.at]!;
      if (text.trim() === END_OF_FILE && !isEmpty) {
        chunk.isAtEnd = true;
        this.at++;
        break;
      }
      if (!this.take(text, chunk, isEmpty)) break;
      isEmpty = false;
    }
    if (isEmpty) throw wrong(this.number, "Update hunk does not contain any lines");
    return chunk;
  }

  /** @returns false when the line belongs to what follows the chunk */
  private take(text: string, { old, new: now }: PatchChunk, isEmpty: boolean): boolean {
    const rest = text.slice(1);
    switch (text[0]) {
      case " ":
      case undefined:
        old.push(rest);
        now.push(rest);
        return true;
      case "-":
        old.push(rest);
        return true;
      case "+":
        now.push(rest);
        return true;
    }
    if (text.startsWith("@@") || isHeader(text)) return false;
    if (!isEmpty && text.startsWith("***")) return false;
    throw wrong(
      this.number,
      `Unexpected line found in update hunk: '${text}'. Every line should start with ' ' (context line), '+' (added line), or '-' (removed line)`,
    );
  }
}

const VALID = [ADD, DELETE, UPDATE].map((header) => `'${header}{path}'`).join(", ");

const isHeader = (line: string | undefined): boolean =>
  line !== undefined && [ADD, DELETE, UPDATE].some((header) => line.trimStart().startsWith(header));

/** What follows a header on its line; undefined for another line and for nothing. */
function after(line: string, header: string): string | undefined {
  const text = line.trimStart();
  return text.startsWith(header) && text.length > header.length
    ? text.slice(header.length).trim() || undefined
    : undefined;
}

const wrong = (line: number, text: string) => new ToolError(`Invalid patch hunk at line ${line}: ${text}`);
