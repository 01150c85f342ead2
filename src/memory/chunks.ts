/** A piece of a text that is searched and shown as one. */
export interface Chunk {
  /** Lines of the text, from 1, both included. */
  startLine: number;
  endLine: number;
  text: string;
}

/** Upstream's 400 tokens with 80 of the piece before (docs: concepts/memory-builtin), at four characters each. */
const CHUNK_CHARS = 1600;
const OVERLAP_CHARS = 320;

/**
 * Cuts a text into pieces of whole lines, each beginning with the last lines of the one before. A line longer than a
 * piece is cut into several of the same line number. Pieces without a word are left out.
 */
export function chunksOf(text: string): Chunk[] {
  const chunks: Chunk[] = [];
  let lines: { number: number; text: string }[] = [];
  let size = 0;
  const flush = (): void => {
    const body = lines.map((line) => line.text).join("\n");
    if (lines.length > 0 && /[\p{L}\p{N}]/u.test(body)) {
      chunks.push({ startLine: lines[0]!.number, endLine: lines.at(-1)!.number, text: body });
    }
  };
  for (const line of numbered(text)) {
    if (size + line.text.length + 1 > CHUNK_CHARS && lines.length > 0) {
      flush();
      lines = tail(lines);
      size = sizeOf(lines);
      // What is carried over gives way to a line that fills a piece by itself.
      if (size + line.text.length + 1 > CHUNK_CHARS) [lines, size] = [[], 0];
    }
    lines.push(line);
    size += line.text.length + 1;
  }
  flush();
  return chunks;
}

function* numbered(text: string): Generator<{ number: number; text: string }> {
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    const plain = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (plain.length < CHUNK_CHARS) yield { number, text: plain };
    else for (const piece of pieces(plain)) yield { number, text: piece };
  }
}

/** A long line in parts; none begins or ends within a character. */
function pieces(line: string): string[] {
  const parts: string[] = [];
  for (let at = 0; at < line.length; ) {
    let end = Math.min(line.length, at + CHUNK_CHARS - 1);
    if (end < line.length && /[\ud800-\udbff]/.test(line[end - 1]!)) end--;
    parts.push(line.slice(at, end));
    at = end;
  }
  return parts;
}

/** The last lines that fit the overlap. */
function tail(lines: { number: number; text: string }[]): { number: number; text: string }[] {
  let size = 0;
  let from = lines.length;
  while (from > 0 && size + lines[from - 1]!.text.length + 1 <= OVERLAP_CHARS) size += lines[--from]!.text.length + 1;
  return lines.slice(from);
}

const sizeOf = (lines: { text: string }[]): number => lines.reduce((sum, { text }) => sum + text.length + 1, 0);
