import { tokenise } from "./model/tokens.ts";
import type { Span } from "./normalise.ts";

/** What a part of a text says to whoever undoes a common encoding. */
export interface Decoded {
  text: string;
  /** Where the encoded form stands. */
  span: Span;
}

/** Encoded runs of one text that are looked into; a text with more has its verdict from the first ones. */
const MAX_RUNS = 20;
/** Encodings within encodings that are undone. */
const MAX_DEPTH = 3;
/** Readings of one text, those within others included. */
const MAX_READINGS = 40;
/** Characters of a text that are read backwards, turned or respelled: such tricks are short. */
const MAX_WHOLE = 8000;

const BASE64 = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,20000}={0,2}/g;
const HEX = /(?<![A-Za-z0-9])(?:0x)?(?:[0-9a-fA-F]{2}[ :,]?){12,10000}(?![A-Za-z0-9])/g;
const HEX_ESCAPES = /(?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|&#x?[0-9a-fA-F]{2,5};){6,5000}/g;
const PERCENT = /%[0-9a-fA-F]{2}(?:[^\s%]{0,40}%[0-9a-fA-F]{2}){3,2000}[^\s%]{0,40}/g;
/** Characters from whose words the language is told. */
const MAX_KNOWN = 2000;
/** A word with a space between its letters; between such words stand two or more. */
const SPACED_WORD = /(?:^|\s)\S(?: \S){3,40}(?=\s{2}|\s?$)/;
const LEET: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "8": "b",
  "@": "a",
  $: "s",
  "!": "i",
};
const LEET_WORD = /(?:[A-Za-z]+[013457@$]|[013457@$]+[A-Za-z])[A-Za-z013457@$!]*/g;
const MIN_LEET_WORDS = 3;
/** Longer ones are names of files, hashes and keys. */
const MAX_LEET_WORD = 24;

/**
 * Readings of a text behind encodings that models undo by themselves: base64, hexadecimal, escapes, percent signs,
 * letters with spaces between them, digits in place of letters, ROT13 and text written backwards, also one within
 * another. A reading is given only where it is text and the plain form is none, so that ordinary words are not read
 * twice. Linear in the length.
 */
export function decodings(text: string): Decoded[] {
  const all = decodedOnce(text);
  let level = all;
  for (let depth = 1; depth < MAX_DEPTH && level.length > 0 && all.length < MAX_READINGS; depth++) {
    level = level
      .flatMap(({ text: inner, span }) => decodedOnce(inner).map((reading) => ({ text: reading.text, span })))
      .slice(0, MAX_READINGS - all.length);
    all.push(...level);
  }
  return all;
}

function decodedOnce(text: string): Decoded[] {
  const found: Decoded[] = [
    ...runs(text, BASE64, (run) => ofBytes(Buffer.from(run.replace(/-/g, "+").replace(/_/g, "/"), "base64"))),
    ...runs(text, HEX, (run) => ofBytes(Buffer.from(run.replace(/^0x|[ :,]/g, ""), "hex"))),
    ...runs(text, HEX_ESCAPES, unescaped),
    ...runs(text, PERCENT, (run) => quietly(() => decodeURIComponent(run.replace(/\+/g, " ")))),
  ];
  if (text.length <= MAX_WHOLE) found.push(...wholes(text));
  return found;
}

function runs(text: string, pattern: RegExp, decode: (run: string) => string | undefined): Decoded[] {
  const found: Decoded[] = [];
  for (const match of text.matchAll(pattern)) {
    const decoded = decode(match[0]);
    if (decoded !== undefined && decoded !== match[0]) {
      found.push({ text: decoded, span: [match.index, match.index + match[0].length] });
    }
    if (found.length >= MAX_RUNS) break;
  }
  return found;
}

/** The text as a whole, read another way, where that makes words of what were none. */
function wholes(text: string): Decoded[] {
  const plain = commonWords(text);
  const span: Span = [0, text.length];
  const readings: string[] = SPACED_WORD.test(text) ? [text.split(/ {2,}/).map(unspaced).join(" ")] : [];
  const leet = text.match(LEET_WORD)?.length ?? 0;
  if (leet >= MIN_LEET_WORDS) readings.push(text.replace(/\S+/g, unleet));
  if (plain < MIN_COMMON && /[\s\u0e00-\u9fff]/.test(text)) readings.push(rot13(text), [...text].reverse().join(""));
  const known = readings.length > 0 ? knownWords(text) : 0;
  return readings
    .filter((reading) => commonWords(reading) > plain + 0.1 || knownWords(reading) > known + 0.15)
    .map((reading) => ({ text: reading, span }));
}

/** Share of a text's words that any of the languages of the model knows. */
function knownWords(text: string): number {
  const { classes, count } = tokenise(text.slice(0, MAX_KNOWN));
  return count === 0 ? 0 : classes.filter((found) => found.length > 0).length / count;
}

const unspaced = (part: string): string => (/^\S(?: \S)+$/.test(part) ? part.replaceAll(" ", "") : part);

const unleet = (word: string): string =>
  word.length <= MAX_LEET_WORD && (/[A-Za-z]/.test(word) || /^[013457@$]{2,}[!,.?]?$/.test(word))
    ? word.replace(/[013457@$]|!(?=\S)/g, (sign) => LEET[sign] ?? sign)
    : word;

const rot13 = (text: string): string =>
  text.replace(/[a-z]/gi, (letter) => {
    const base = letter <= "Z" ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
  });

const unescaped = (run: string): string | undefined =>
  quietly(() =>
    run.replace(/\\x(..)|\\u(....)|&#x([0-9a-fA-F]+);|&#(\d+);/g, (_all, byte, unit, hex, decimal) =>
      String.fromCodePoint(decimal === undefined ? Number.parseInt(byte ?? unit ?? hex, 16) : Number(decimal)),
    ),
  );

/** Bytes as text, when they are text. */
function ofBytes(bytes: Buffer): string | undefined {
  const decoded = quietly(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (decoded === undefined || decoded.length < 8) return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they tell data from text
  if (/[\x00-\x08\x0e-\x1f\x7f]/.test(decoded)) return undefined;
  return /[\p{L}]{2,}/u.test(decoded) ? decoded : undefined;
}

function quietly(decode: () => string): string | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

const COMMON = new Set(
  "all and any are as at be but by can do for from give have how if in is it its just like make me my need new no not now of on one only or our out please say should show so some system tell that the their them then there these they this to up use want was we what when which who will with would you your instructions prompt rules previous ignore secret secrets".split(
    " ",
  ),
);
/** Share of a text's words that are common ones, below which it is no plain English. */
const MIN_COMMON = 0.12;

function commonWords(text: string): number {
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  return words.length === 0 ? 0 : words.filter((word) => COMMON.has(word)).length / words.length;
}
