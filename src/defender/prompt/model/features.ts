import type { Sign } from "../phrases.ts";
import { GAP, type Tokens, tokenise } from "./tokens.ts";

/** A stretch of a text that is scored by itself, so that an attack inside a long document counts as much as alone. */
export interface Window {
  /** Numbers of features, each below `FEATURE_SPACE`. */
  features: Uint32Array;
  /** Of each feature: 1 for classes, less for mere words, more for what rules found. */
  strengths: Float32Array;
  /** Offsets in the text. */
  start: number;
  end: number;
}

export const FEATURE_BITS = 17;
export const FEATURE_SPACE = 1 << FEATURE_BITS;

/** Words of a window, and from one to the next: a sentence or two inside a document, and a persona that takes its time. */
const SCALES: readonly (readonly [size: number, stride: number])[] = [
  [64, 32],
  [256, 128],
];
/** Words ahead that a pair may span. */
const NEAR = 3;
const FAR = 9;
const WORD_STRENGTH = 0.35;
const SIGN_STRENGTH = 3;
/** Signs of one text that are looked at. */
const MAX_SIGNS = 400;
const MAX_FEATURES = 8192;

/** Kinds of features; part of the number that is hashed. */
const KIND = {
  single: 1,
  near: 2,
  far: 3,
  triple: 4,
  first: 5,
  last: 6,
  word: 7,
  pair: 8,
  mark: 9,
  across: 10,
  question: 11,
  sign: 12,
  family: 13,
  level: 14,
} as const;

const features = new Uint32Array(MAX_FEATURES);
const strengths = new Float32Array(MAX_FEATURES);
const seen = new Int32Array(FEATURE_SPACE);
let generation = 0;
let used = 0;

/** The windows of a normalised text. Linear in its length: a word is looked at with at most a few words after it. */
export function* windowsOf(text: string, signs: readonly Sign[] = []): Iterable<Window> {
  const tokens = tokenise(text);
  const placed = [...signs].sort((a, b) => a.start - b.start).slice(0, MAX_SIGNS);
  for (const [size, stride] of SCALES) {
    if (size !== SCALES[0]![0] && tokens.count <= size / 2) break;
    for (let from = 0; from < tokens.count; from += stride) {
      const to = Math.min(tokens.count, from + size);
      yield windowOf(tokens, from, to, text, placed);
      if (to === tokens.count) break;
    }
  }
}

function windowOf(tokens: Tokens, from: number, to: number, text: string, signs: readonly Sign[]): Window {
  begin();
  const { words, classes, sentences, gaps, starts, ends } = tokens;
  let previous: number[] = [];
  let current: number[] = [];
  for (let i = from; i < to; i++) {
    const isFirst = i === from || sentences[i] !== sentences[i - 1];
    if (isFirst) {
      across(previous, current);
      previous = current;
      current = [];
    }
    word(words, sentences, i, to);
    marks(gaps[i]!);
    for (const a of classes[i]!) {
      put(KIND.single, a, 0, 0, 1);
      if (isFirst) put(KIND.first, a, 0, 0, 1);
      if (i + 1 < to && (gaps[i + 1]! & GAP.question) !== 0) put(KIND.question, a, 0, 0, 1);
      if (!current.includes(a)) current.push(a);
      pairs(tokens, i, to, a);
    }
  }
  across(previous, current);
  const start = starts[from] ?? 0;
  const end = to > from ? ends[to - 1]! : Math.min(text.length, 1);
  addSigns(signs, start, end);
  return { features: features.slice(0, used), strengths: strengths.slice(0, used), start, end };
}

/** What rules have found in the window: by name, by kind, and how much it is together. */
function addSigns(signs: readonly Sign[], start: number, end: number): void {
  let doubt = 1;
  for (const sign of signs) {
    if (sign.start > end) break;
    if (sign.end <= start) continue;
    doubt *= 1 - Math.min(95, sign.weight) / 100;
    put(KIND.sign, hashWord(sign.id), sign.weight < 30 ? 1 : 2, 0, SIGN_STRENGTH);
    put(KIND.family, hashWord(sign.family), 0, 0, SIGN_STRENGTH);
  }
  const level = Math.floor((1 - doubt) * 5);
  for (let i = 1; i <= level; i++) put(KIND.level, i, 0, 0, SIGN_STRENGTH);
}

/** Classes in their order within a sentence: two, and three close together. */
function pairs({ classes, sentences }: Tokens, i: number, to: number, a: number): void {
  const end = Math.min(to, i + FAR + 1);
  let between = 0;
  for (let j = i + 1; j < end && sentences[j] === sentences[i]; j++) {
    const found = classes[j]!;
    for (const b of found) {
      put(j - i <= NEAR ? KIND.near : KIND.far, a, b, 0, 1);
      if (between !== 0 && j - i <= NEAR * 2) put(KIND.triple, a, between, b, 1);
    }
    if (between === 0 && found.length > 0) between = found[0]!;
  }
}

/** Classes of neighbouring sentences, in any order. */
function across(before: readonly number[], after: readonly number[]): void {
  for (const a of before) for (const b of after) put(KIND.across, Math.min(a, b), Math.max(a, b), 0, 0.5);
}

function word(words: readonly string[], sentences: Int32Array, i: number, to: number): void {
  const own = hashWord(words[i]!);
  put(KIND.word, own, 0, 0, WORD_STRENGTH);
  if (i + 1 < to && sentences[i + 1] === sentences[i]) put(KIND.pair, own, hashWord(words[i + 1]!), 0, WORD_STRENGTH);
}

function marks(gap: number): void {
  for (let bit = GAP.question; bit <= GAP.markup; bit <<= 1) if ((gap & bit) !== 0) put(KIND.mark, bit, 0, 0, 0.5);
}

function begin(): void {
  used = 0;
  generation++;
}

/** Each feature counts once in a window, however often it occurs. */
function put(kind: number, a: number, b: number, c: number, strength: number): void {
  let hash = Math.imul(kind + 0x9e37, 0x85ebca6b) ^ Math.imul(a + 1, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f) ^ Math.imul(b + 1, 0x165667b1);
  hash = Math.imul(hash ^ (hash >>> 13), 0x9e3779b1) ^ Math.imul(c + 1, 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 16), 0x2c1b3c6d);
  const feature = (hash ^ (hash >>> 15)) >>> (32 - FEATURE_BITS);
  if (seen[feature] === generation || used >= MAX_FEATURES) return;
  seen[feature] = generation;
  features[used] = feature;
  strengths[used] = strength;
  used++;
}

function hashWord(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash;
}

/** How far down a window's sum is scaled, so that many features do not make a long text suspicious. */
export const scaleOf = (count: number): number => 1 / Math.sqrt(Math.max(count, 120));
