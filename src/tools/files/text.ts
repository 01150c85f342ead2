import { ToolError } from "../types.ts";

/** A text file as it is worked on: lines end with `\n`, without a byte order mark. */
export interface TextFile {
  text: string;
  /** What its lines end with on disk: the first line's end decides, as new lines must have one. */
  newline: "\n" | "\r\n";
  /** Where characters of `text` are in `raw`; undefined when they are the same. */
  at?: readonly number[];
  raw: string;
  hasMark: boolean;
}

const MARK = "\ufeff";

/** @throws ToolError for a file that is not UTF-8, as writing it again would spoil it */
export function decode(bytes: Uint8Array, path: string): TextFile {
  let all: string;
  try {
    all = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ToolError(`Not a UTF-8 text file: ${path}`);
  }
  const hasMark = all.startsWith(MARK);
  const raw = hasMark ? all.slice(1) : all;
  if (!raw.includes("\r\n")) return { text: raw, newline: "\n", raw, hasMark };
  const at: number[] = [];
  let text = "";
  for (let from = 0; ; ) {
    const pair = raw.indexOf("\r\n", from);
    const end = pair < 0 ? raw.length : pair;
    for (let index = from; index < end; index++) at.push(index);
    text += raw.slice(from, end);
    if (pair < 0) break;
    at.push(pair);
    text += "\n";
    from = pair + 2;
  }
  at.push(raw.length);
  return { text, newline: raw.indexOf("\r\n") < raw.indexOf("\n") ? "\r\n" : "\n", at, raw, hasMark };
}

/** A piece of the text that is replaced, by offsets in `text`. */
export interface Replacement {
  from: number;
  to: number;
  by: string;
}

/**
 * The bytes of the file with pieces replaced; what is between them stays as it is on disk.
 * @param replacements in the order of the text, without overlaps
 */
export function encode(file: TextFile, replacements: readonly Replacement[]): Uint8Array {
  const place = (offset: number) => file.at?.[offset] ?? offset;
  let out = file.hasMark ? MARK : "";
  let from = 0;
  for (const { from: start, to, by } of replacements) {
    out += file.raw.slice(from, place(start)) + (file.newline === "\n" ? by : by.replace(/\r?\n/g, "\r\n"));
    from = place(to);
  }
  return Buffer.from(out + file.raw.slice(from));
}

/** The text with pieces replaced, for showing. */
export function replaced(text: string, replacements: readonly Replacement[]): string {
  let out = "";
  let from = 0;
  for (const { from: start, to, by } of replacements) {
    out += text.slice(from, start) + by;
    from = to;
  }
  return out + text.slice(from);
}

/** A character as a person would type it: straight quotes, plain dashes and spaces. */
export const typed = (character: string): string => TYPED[character] ?? character;

const TYPED: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ["'", "\u2018\u2019\u201a\u201b"],
    ['"', "\u201c\u201d\u201e\u201f"],
    ["-", "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"],
    [" ", "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"],
  ].flatMap(([plain, others]) => [...others!].map((other) => [other, plain!])),
);

/** A text with every character as typed. */
export const typedText = (text: string): string => text.replace(UNTYPED, typed);

const UNTYPED = new RegExp(`[${Object.keys(TYPED).join("")}]`, "g");
