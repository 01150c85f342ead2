import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { LIMITS } from "../../generated/limits.ts";
import type { LogsTailParams, LogsTailResult } from "../../generated/types.ts";

export interface LogTailDeps {
  /** The file that is written to now. A link in its place is followed only when the operator chose the file. */
  place(): { path: string; chosen: boolean };
  /** Takes secrets out of a line. Files hold none, but who changed a secret may have logged the old one. */
  redact(line: string): string;
}

/** Reads the end of the log file for `logs.tail`. */
export class LogTail {
  constructor(private readonly deps: LogTailDeps) {}

  /**
   * The last lines of the log, or those after `cursor`, which is the `cursor` of an earlier answer: a byte offset. At
   * most `limit` lines out of at most `maxBytes` bytes; `truncated` says that older ones were left out. `reset` says
   * that the lines do not continue where `cursor` stands, because the file began anew or more than `maxBytes` came
   * since (`skippedBytes` of them are not shown). A line that is still being written is left for the next call.
   */
  async read(params: LogsTailParams): Promise<LogsTailResult> {
    const limit = params.limit ?? LIMITS.logTailDefaultLines;
    const maxBytes = params.maxBytes ?? LIMITS.logTailDefaultBytes;
    const { path: file, chosen } = this.deps.place();
    const handle = await openRegular(file, chosen);
    if (handle === null) return { file, cursor: 0, size: 0, lines: [], truncated: false, reset: false };
    try {
      const { size } = await handle.stat();
      const window = windowOf(size, params.cursor, maxBytes);
      const { start, reset, skippedBytes } = window;
      // One byte more tells whether the window begins at the beginning of a line.
      const before = start > 0 ? 1 : 0;
      const bytes = Buffer.alloc(size - start + before);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start - before);
      const { lines, rest } = wholeLines(bytes.subarray(0, bytesRead), before === 1);
      const shown = lines.slice(-limit);
      return {
        file,
        cursor: Math.max(0, start - before + bytesRead - rest),
        size,
        lines: shown.map((line) => this.deps.redact(line)),
        truncated: window.truncated || shown.length < lines.length,
        reset,
        ...(skippedBytes > 0 && { skippedBytes }),
      };
    } finally {
      await handle.close();
    }
  }
}

interface Window {
  start: number;
  truncated: boolean;
  reset: boolean;
  skippedBytes: number;
}

/** Which bytes of the file to read; as upstream answers (probed with cursors before, in and beyond the file). */
function windowOf(size: number, cursor: number | undefined, maxBytes: number): Window {
  const latest = Math.max(0, size - maxBytes);
  if (cursor === undefined) return { start: latest, truncated: latest > 0, reset: false, skippedBytes: 0 };
  if (cursor > size) return { start: latest, truncated: latest > 0, reset: true, skippedBytes: 0 };
  if (cursor >= latest) return { start: cursor, truncated: false, reset: false, skippedBytes: 0 };
  return { start: latest, truncated: true, reset: true, skippedBytes: latest - cursor };
}

const NEWLINE = 10;

/** The complete lines in the bytes, and how many bytes follow the last of them. */
function wholeLines(bytes: Buffer, withByteBefore: boolean): { lines: string[]; rest: number } {
  const begin = withByteBefore ? bytes.indexOf(NEWLINE) + 1 : 0;
  if (withByteBefore && begin === 0) return { lines: [], rest: 0 };
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  if (end <= begin) return { lines: [], rest: bytes.length - Math.max(begin, end) };
  return { lines: bytes.toString("utf8", begin, end - 1).split("\n"), rest: bytes.length - end };
}

/** Opens a regular file and nothing else: what others put in its place must neither block nor lead elsewhere. */
async function openRegular(path: string, followLinks: boolean) {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const handle = await open(path, O_RDONLY | O_NONBLOCK | (followLinks ? 0 : O_NOFOLLOW)).catch(() => null);
  if (handle === null || (await handle.stat()).isFile()) return handle;
  await handle.close();
  return null;
}
