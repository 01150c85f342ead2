import type { FileHandle } from "node:fs/promises";

/** Which part of a text file is wanted. */
export interface PageRequest {
  /** First line, from 1. */
  offset: number;
  /** Lines; as many as fit when absent. */
  limit?: number;
  /** Characters of the first line that are left out. */
  cursor?: number;
}

export interface PageLimits {
  /** Of a page, with what is said beneath it. */
  toolReadChars: number;
  /** Of a page, when lines are counted. */
  toolReadLines: number;
}

/**
 * A page of a text file with a line that says how to go on. Lines end with `\n` whatever the file has. The file is read
 * in pieces, and only as far as needed (upstream's behaviour of `read`, measured).
 */
export async function readPage(file: FileHandle, request: PageRequest, limits: PageLimits): Promise<string> {
  const { offset, cursor = 0 } = request;
  const asked = request.limit === undefined ? undefined : Math.max(1, Math.floor(request.limit));
  const start = await lineStart(file, offset);
  if ("lines" in start) {
    const { lines } = start;
    if (lines === 0) return "File is empty (0 bytes).";
    return `Offset ${offset} is beyond end of file (${lines} lines total). Retry with offset <= ${lines}.`;
  }
  const room = limits.toolReadChars - NOTICE_CHARS;
  const taken = await take(file, start.at, cursor, room, Math.min(asked ?? Infinity, limits.toolReadLines));
  if ("lineChars" in taken) {
    return `Cursor ${cursor} is at or beyond the end of line ${offset} (${taken.lineChars} characters). Use offset=${offset + 1} to continue.`;
  }
  return page(file, taken, { offset, cursor, asked }, limits, room);
}

/** What stands beneath a page is shorter. */
const NOTICE_CHARS = 120;
const CHUNK = 65_536;
const NEWLINE = 10;

interface Taken {
  /** A little more than a page when there is more. */
  text: string;
  /** Whether the text goes to the end of the file. */
  isAll: boolean;
}

async function page(
  file: FileHandle,
  { text, isAll }: Taken,
  { offset, cursor, asked }: { offset: number; cursor: number; asked?: number },
  { toolReadLines }: PageLimits,
  room: number,
): Promise<string> {
  const wanted = asked === undefined ? Infinity : Math.min(asked, toolReadLines);
  const end = lineEnd(text, wanted);
  const shown = text.slice(0, end);
  if (shown.length <= room) {
    if (isAll && end >= text.length - (text.endsWith("\n") ? 1 : 0)) return text;
    const next = offset + wanted;
    if (wanted === asked) {
      const left = (await countLines(file)) - next + 1;
      return `${shown}\n\n[${left} more line${left === 1 ? "" : "s"} in file. Use offset=${next} to continue.]`;
    }
    return capped(shown, `offset=${next}, limit=${(asked ?? 0) - wanted}`);
  }
  const lastLine = shown.lastIndexOf("\n", room);
  if (lastLine > 0) {
    const lines = count(shown.slice(0, lastLine)) + 1;
    const rest = asked === undefined ? "" : `, limit=${asked - lines}`;
    return capped(shown.slice(0, lastLine), `offset=${offset + lines}${rest}`);
  }
  const cut = wholeCharacters(shown, room);
  return capped(shown.slice(0, cut), `offset=${offset}, cursor=${cursor + cut}`);
}

const capped = (text: string, next: string): string =>
  `${text}\n\n[Read output capped at 50KB for this call. Use ${next} to continue.]`;

/** Where a line begins, in bytes, or how many lines there are when there are fewer. */
async function lineStart(file: FileHandle, line: number): Promise<{ at: number } | { lines: number }> {
  let feeds = 0;
  let last: number | undefined;
  for await (const { bytes, at } of chunks(file, 0)) {
    let from = 0;
    while (feeds < line - 1) {
      const found = bytes.indexOf(NEWLINE, from);
      if (found < 0) break;
      feeds++;
      from = found + 1;
    }
    if (feeds === line - 1 && from < bytes.length) return { at: at + from };
    last = bytes.at(-1);
  }
  return { lines: last === undefined || last === NEWLINE ? feeds : feeds + 1 };
}

/** Lines of the whole file; what follows the last line feed counts when it is not empty. */
async function countLines(file: FileHandle): Promise<number> {
  let lines = 0;
  let last: number | undefined;
  for await (const { bytes } of chunks(file, 0)) {
    for (let from = bytes.indexOf(NEWLINE); from >= 0; from = bytes.indexOf(NEWLINE, from + 1)) lines++;
    last = bytes.at(-1);
  }
  return last === undefined || last === NEWLINE ? lines : lines + 1;
}

/** Text from a line on, without the first `cursor` characters; ends when there is more than a page of it. */
async function take(
  file: FileHandle,
  at: number,
  cursor: number,
  room: number,
  lines: number,
): Promise<Taken | { lineChars: number }> {
  const decoder = new TextDecoder();
  let text = "";
  let skipped = 0;
  let heldReturn = "";
  for await (const { bytes } of chunks(file, at)) {
    let piece = heldReturn + decoder.decode(bytes, { stream: true });
    heldReturn = piece.endsWith("\r") ? "\r" : "";
    piece = (heldReturn ? piece.slice(0, -1) : piece).replaceAll("\r\n", "\n");
    if (skipped < cursor) {
      const step = Math.min(cursor - skipped, piece.length);
      const feed = piece.slice(0, step + 1).indexOf("\n");
      if (feed >= 0) return { lineChars: skipped + feed };
      skipped += step;
      piece = piece.slice(step);
    }
    text += piece;
    if (text.length > room + 1 || count(text) > lines) return { text, isAll: false };
  }
  text += heldReturn + decoder.decode();
  if (cursor > 0 && text === "") return { lineChars: skipped };
  return { text, isAll: true };
}

async function* chunks(file: FileHandle, from: number): AsyncGenerator<{ bytes: Buffer; at: number }> {
  for (let at = from; ; ) {
    const buffer = Buffer.allocUnsafe(CHUNK);
    const { bytesRead } = await file.read(buffer, 0, CHUNK, at);
    if (bytesRead === 0) return;
    yield { bytes: buffer.subarray(0, bytesRead), at };
    at += bytesRead;
  }
}

/** Where the line of that number ends in a text, without its line feed. */
function lineEnd(text: string, lines: number): number {
  let end = -1;
  for (let line = 0; line < lines; line++) {
    end = text.indexOf("\n", end + 1);
    if (end < 0) return text.length;
  }
  return end;
}

function count(text: string): number {
  let feeds = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) feeds++;
  return feeds;
}

/** No half of a surrogate pair at the end. */
function wholeCharacters(text: string, end: number): number {
  const code = text.charCodeAt(end - 1);
  return code >= 0xd800 && code <= 0xdbff ? end - 1 : end;
}
