import { ENGLISH_MARKS, FOREIGN_MARKS, LONGEST_RUN_WORD, lexicons } from "./lexicon.ts";

/** A text as the model sees it: words with their classes, cut into sentences. Arrays of one length. */
export interface Tokens {
  words: string[];
  /** Up to three classes of each word. */
  classes: (readonly number[])[];
  sentences: Int32Array;
  /** Offsets in the text. */
  starts: Int32Array;
  ends: Int32Array;
  /** What stands between a word and the one before it, as a bit set of `GAP`. */
  gaps: Uint8Array;
  count: number;
}

export const GAP = { sentence: 1, line: 2, question: 4, exclamation: 8, quote: 16, colon: 32, markup: 64 } as const;

const MAX_WORD = 32;
const NONE: readonly number[] = [];

/** Cuts a normalised text. Linear. */
export function tokenise(text: string): Tokens {
  const lower = text.toLowerCase();
  const cut = new Cutter(lower);
  cut.run();
  return classified(cut);
}

class Cutter {
  readonly words: string[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly gaps: number[] = [];
  private gap = 0;

  constructor(private readonly text: string) {}

  run(): void {
    const { text } = this;
    for (let i = 0; i < text.length; ) {
      const code = text.charCodeAt(i);
      if (!isWordChar(code)) {
        this.gap |= gapOf(text, i, code);
        i++;
        continue;
      }
      i = isUnspaced(code) ? this.takeRun(i) : this.takeWord(i);
    }
  }

  private takeWord(start: number): number {
    const { text } = this;
    let end = start + 1;
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (!isWordChar(code) || isUnspaced(code)) break;
    }
    const from = text.charCodeAt(start) === 0x27 ? start + 1 : start;
    const to = end - from > 1 && text.charCodeAt(end - 1) === 0x27 ? end - 1 : end;
    if (to > from) this.put(to - from > MAX_WORD ? "" : text.slice(from, to).replace("’", "'"), from, to);
    return end;
  }

  /** Scripts without spaces: the longest known word at each place, else one character. */
  private takeRun(start: number): number {
    const { world } = lexicons();
    const { text } = this;
    for (let length = Math.min(LONGEST_RUN_WORD, text.length - start); length > 1; length--) {
      const word = text.slice(start, start + length);
      if (world.inRun(word) === undefined) continue;
      this.put(word, start, start + length);
      return start + length;
    }
    this.put(text[start]!, start, start + 1);
    return start + 1;
  }

  private put(word: string, start: number, end: number): void {
    this.words.push(word);
    this.starts.push(start);
    this.ends.push(end);
    this.gaps.push(this.words.length === 1 ? this.gap | GAP.sentence : this.gap);
    this.gap = 0;
  }
}

function classified({ words, starts, ends, gaps }: Cutter): Tokens {
  const count = words.length;
  const sentences = new Int32Array(count);
  const classes: (readonly number[])[] = new Array(count);
  let sentence = 0;
  let first = 0;
  for (let i = 0; i <= count; i++) {
    if (i < count && (i === 0 || (gaps[i]! & GAP.sentence) === 0)) {
      sentences[i] = sentence;
      continue;
    }
    classify(words, classes, first, i);
    first = i;
    if (i < count) sentences[i] = ++sentence;
  }
  return {
    words,
    classes,
    sentences,
    starts: Int32Array.from(starts),
    ends: Int32Array.from(ends),
    gaps: Uint8Array.from(gaps),
    count,
  };
}

/** Finds the classes of one sentence's words, in the language that it seems to be in. */
function classify(words: readonly string[], classes: (readonly number[])[], from: number, to: number): void {
  let own = 0;
  let foreign = 0;
  for (let i = from; i < to; i++) {
    if (ENGLISH_MARKS.has(words[i]!)) own++;
    if (FOREIGN_MARKS.has(words[i]!)) foreign++;
  }
  const { english, world } = lexicons();
  const order = foreign > own ? [world, english] : [english, world];
  const isSure = own !== foreign;
  for (let i = from; i < to; i++) {
    const word = words[i]!;
    const isAscii = word.length > 0 && word.charCodeAt(0) < 0x80;
    const [best, other] = isAscii ? order : [world, english];
    const found = best!.expression(words, i);
    if (found !== null && found.last < to) {
      classes[i] = [found.class];
      for (let inside = i + 1; inside <= found.last; inside++) classes[inside] = best!.of(words[inside]!);
      i = found.last;
      continue;
    }
    const known = best!.of(word);
    // The other language only where nothing speaks against it, or for words long enough to be no accident.
    classes[i] = known.length > 0 || (isAscii && isSure && word.length < 6) ? known.slice(0, 3) : other!.of(word);
  }
  for (let i = from; i < to; i++) classes[i] ??= NONE;
}

function gapOf(text: string, at: number, code: number): number {
  switch (code) {
    case 0x2e: // .
      return isSpaceOrEnd(text, at + 1) ? GAP.sentence : 0;
    case 0x3002:
    case 0x0964:
      return GAP.sentence;
    case 0x3f:
    case 0x61f:
      return GAP.sentence | GAP.question;
    case 0x21:
      return GAP.sentence | GAP.exclamation;
    case 0x0a:
      return text.charCodeAt(at + 1) === 0x0a ? GAP.sentence | GAP.line : GAP.line;
    case 0x22:
    case 0x201c:
    case 0x201d:
      return GAP.quote;
    case 0x3a:
      return GAP.colon;
    case 0x3c:
    case 0x3e:
    case 0x7b:
    case 0x7d:
    case 0x5b:
    case 0x5d:
    case 0x7c:
    case 0x60:
      return GAP.markup;
    default:
      return 0;
  }
}

const isSpaceOrEnd = (text: string, at: number): boolean => at >= text.length || text.charCodeAt(at) <= 0x20;

function isWordChar(code: number): boolean {
  if (code >= 0x61 && code <= 0x7a) return true;
  if (code >= 0x30 && code <= 0x39) return true;
  if (code === 0x27 || code === 0x2019) return true;
  if (code === 0x964 || code === 0x61f) return false;
  return code >= 0xc0 && !(code >= 0x2000 && code <= 0x2bff) && !(code >= 0x3000 && code <= 0x303f);
}

/** Han, Kana and Thai. */
const isUnspaced = (code: number): boolean =>
  (code >= 0x3040 && code <= 0x30ff) || (code >= 0x3400 && code <= 0x9fff) || (code >= 0xe00 && code <= 0xe7f);
