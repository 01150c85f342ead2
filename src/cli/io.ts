import { writeSync } from "node:fs";

/** Where a command's words go. Answers to stdout, everything about them to stderr. */
export interface Io {
  /** Writes a line of the answer. */
  out(line: string): void;
  /** Writes a line of diagnosis. */
  err(line: string): void;
  /** A person is watching stdout. */
  readonly interactive: boolean;
}

/**
 * Writes an answer as one JSON document, indented as upstream's CLI does. JSON itself leaves some control characters as
 * they are; a terminal would obey those.
 */
export function writeJson(io: Io, value: unknown): void {
  io.out(escaped(JSON.stringify(value, null, 2)));
}

/** Writes one of several answers as JSON on a line of its own. */
export function writeJsonLine(io: Io, value: unknown): void {
  io.out(escaped(JSON.stringify(value)));
}

const escaped = (json: string): string =>
  json.replace(/(?!\n)\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

/**
 * The real streams, written synchronously, so that nothing is lost when the process ends right after. A reader that
 * went away (`| head`) ends the process quietly.
 */
export function processIo(): Io {
  return {
    out: (line) => writeAll(1, `${line}\n`),
    err: (line) => writeAll(2, `${line}\n`),
    interactive: process.stdout.isTTY === true,
  };
}

function writeAll(descriptor: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === "EPIPE") process.exit(0);
      if (code !== "EAGAIN") throw error;
      // A full pipe that does not block: its reader needs a moment.
      Bun.sleepSync(1);
    }
  }
}
