import { continuationsOf, maskOf } from "./lexicon.ts";

/** A word of the text that belongs to at least one class. */
export interface Token {
  /** Bits of `lexicon.BIT`. */
  mask: number;
  /** Position among all words of the text. */
  index: number;
  /** Which sentence it stands in, counted from 0. */
  sentence: number;
  /** Offsets in the text. */
  start: number;
  end: number;
}

/** The words of a text: those with a class as tokens, all of them for looking at what stands before a match. */
export interface Words {
  tokens: Token[];
  /** Every word in lower case, and the sentence it stands in. */
  all: string[];
  sentences: number[];
}

/** Longer runs of letters are no words of any phrase. */
const MAX_WORD_CHARS = 24;

/** Cuts a normalised text into words and sentences. Linear. */
export function wordsOf(text: string): Words {
  const lower = text.toLowerCase();
  const all: string[] = [];
  const sentences: number[] = [];
  const places: number[] = [];
  let sentence = 0;
  let gapStart = 0;
  for (let i = 0; i < lower.length; ) {
    if (!isWordChar(lower.charCodeAt(i))) {
      i++;
      continue;
    }
    const start = i;
    while (i < lower.length && isWordChar(lower.charCodeAt(i))) i++;
    if (all.length > 0 && endsSentence(lower, gapStart, start)) sentence++;
    all.push(i - start > MAX_WORD_CHARS ? "" : plainWord(lower.slice(start, i)));
    sentences.push(sentence);
    places.push(start, i);
    gapStart = i;
  }
  return { tokens: tokensOf(all, sentences, places), all, sentences };
}

function tokensOf(all: string[], sentences: number[], places: number[]): Token[] {
  const tokens: Token[] = [];
  for (let index = 0; index < all.length; index++) {
    let mask = maskOf(all[index]!);
    let last = index;
    for (const { rest, mask: more } of continuationsOf(all[index]!)) {
      if (!rest.every((word, i) => all[index + 1 + i] === word)) continue;
      mask |= more;
      last = Math.max(last, index + rest.length);
    }
    if (mask === 0) continue;
    const [start, end] = [places[index * 2]!, places[last * 2 + 1]!];
    tokens.push({ mask: mask >>> 0, index, sentence: sentences[index]!, start, end });
  }
  return tokens;
}

/** Letters and digits of any script, and the apostrophe of "don't". */
function isWordChar(code: number): boolean {
  if (code >= 0x61 && code <= 0x7a) return true;
  if (code >= 0x30 && code <= 0x39) return true;
  if (code === 0x27 || code === 0x2019) return true;
  return code >= 0xc0 && !(code >= 0x2000 && code <= 0x2bff) && !(code >= 0x3000 && code <= 0x303f);
}

/** Without quotes around it; the apostrophe inside stays. */
const plainWord = (word: string): string =>
  word.includes("'") || word.includes("’") ? word.replaceAll("’", "'").replace(/^'+|'+$/g, "") : word;

/** True when the gap between two words ends a sentence: a full stop with a space, a mark, an empty line. */
function endsSentence(text: string, from: number, to: number): boolean {
  let lines = 0;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x21 || code === 0x3f || code === 0x3002) return true;
    if (code === 0x2e && i + 1 < to && text.charCodeAt(i + 1) !== 0x2e) return true;
    if (code === 0x0a && ++lines === 2) return true;
  }
  return false;
}
