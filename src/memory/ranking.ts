import { wordsOf } from "../platform/words.ts";
import type { FoundChunk } from "./memory-repository.ts";

/** A piece with how well it fits. */
export interface RankedChunk extends FoundChunk {
  score: number;
  /** Nearness of meaning, up to 1; absent where no vectors were compared. */
  vectorScore?: number;
  /** How well the words fit, up to 1. */
  textScore: number;
}

export interface Candidate extends FoundChunk {
  /** Nearness of meaning. */
  nearness?: number;
  /** As BM25 counts it. */
  rank?: number;
}

/** Upstream's figures (docs: concepts/memory-search, how search works): weights of meaning and words, days, diversity. */
const MEANING = 0.7;
const WORDS = 0.3;
const HALF_LIFE_DAYS = 30;
const RELEVANCE = 0.7;
const DAY_MS = 86_400_000;
/** What a piece with all words has at least where words alone decide, as measured at 2026.9.6. */
const LEAST_OF_WORDS = 0.64;
const FULL_TEXT_SCORE = 0.6;

/** So many of the best are compared with each other; every pair of them costs. */
const COMPARED = 100;

/**
 * Orders what was found: relevance of meaning and words together, older dated notes less, files named as the query
 * first; then so that one does not say what another has said already. Scores stay as they are in the second step.
 */
export function ranked(
  candidates: readonly Candidate[],
  words: readonly string[],
  { isHybrid, now }: { isHybrid: boolean; now: number },
): RankedChunk[] {
  const scored = candidates.map((candidate) => scoredOf(candidate, words, isHybrid, now));
  const sorted = scored.sort((a, b) => b.score - a.score || b.textScore - a.textScore || a.id - b.id);
  return isHybrid ? [...diverse(sorted.slice(0, COMPARED)), ...sorted.slice(COMPARED)] : sorted;
}

/**
 * Those that are good enough, the best first. When none is, those that hold the words (docs: concepts/memory-search);
 * what holds words also fills the places that are left.
 */
export function goodEnough(found: readonly RankedChunk[], minScore: number, limit: number): RankedChunk[] {
  const passes = ({ score }: RankedChunk) => score >= minScore;
  const kept = found.filter((each) => passes(each) || each.textScore > 0);
  return kept.sort((a, b) => Number(passes(b)) - Number(passes(a))).slice(0, limit);
}

function scoredOf(
  { nearness, rank, ...chunk }: Candidate,
  words: readonly string[],
  isHybrid: boolean,
  now: number,
): RankedChunk {
  const vectorScore = Math.max(0, nearness ?? 0);
  const textScore = rank === undefined ? 0 : rank / (1 + rank);
  const share = rank === undefined ? 0 : coverage(chunk.text, words);
  const byWords = share * (LEAST_OF_WORDS + (1 - LEAST_OF_WORDS) * Math.min(1, textScore / FULL_TEXT_SCORE));
  const relevance = isHybrid ? MEANING * vectorScore + WORDS * share : byWords;
  const score = isNamed(chunk.path, words) ? 1 : relevance * recency(chunk, now);
  return { ...chunk, score, textScore, ...(isHybrid ? { vectorScore } : {}) };
}

/** Which part of the words a text holds. */
function coverage(text: string, words: readonly string[]): number {
  if (words.length === 0) return 0;
  const said = new Set(wordsOf(text));
  const plain = text.toLowerCase();
  return words.filter((word) => said.has(word) || (!isSpaced(word) && plain.includes(word))).length / words.length;
}

/** Whether the file is called as one of the words, without its ending. */
function isNamed(path: string, words: readonly string[]): boolean {
  const name = path.toLowerCase().split("/").at(-1)!;
  return words.includes(name.replace(/\.md$/, "")) || words.includes(name);
}

/** Dated notes count half after a month, what was said in sessions likewise; everything else stays as good as new. */
function recency({ path, source, mtime }: FoundChunk, now: number): number {
  const from = source === "sessions" ? mtime : dateOf(path);
  if (from === undefined || Number.isNaN(from)) return 1;
  return 2 ** (-Math.max(0, now - from) / DAY_MS / HALF_LIFE_DAYS);
}

function dateOf(path: string): number | undefined {
  const day = /(?:^|\/)(\d{4}-\d{2}-\d{2})(?:-[^/]*)?\.md$/i.exec(path)?.[1];
  return day === undefined ? undefined : Date.parse(`${day}T00:00:00Z`);
}

/** Maximal marginal relevance: each next one is good and unlike those before it (lambda 0.7, overlap of words). */
function diverse(sorted: readonly RankedChunk[]): RankedChunk[] {
  const left = sorted.map((chunk) => ({ chunk, words: new Set(wordsOf(chunk.text)), likeness: 0 }));
  const chosen: RankedChunk[] = [];
  while (left.length > 0) {
    let best = 0;
    for (let at = 1; at < left.length; at++) if (worth(left[at]!) > worth(left[best]!)) best = at;
    const [next] = left.splice(best, 1);
    chosen.push(next!.chunk);
    for (const each of left) each.likeness = Math.max(each.likeness, overlap(each.words, next!.words));
  }
  return chosen;
}

const worth = ({ chunk, likeness }: { chunk: RankedChunk; likeness: number }): number =>
  RELEVANCE * chunk.score - (1 - RELEVANCE) * likeness;

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let both = 0;
  for (const word of a) if (b.has(word)) both++;
  return both === 0 ? 0 : both / (a.size + b.size - both);
}

/** Words that say nothing of what is looked for. */
const EMPTY: ReadonlySet<string> = new Set(
  "a an and are as at be been but by can could did do does for from had has have how i in is it its me my of on or our she he that the their them they this to was we were what when where which who why will with would you your about tell please remember".split(
    " ",
  ),
);

/** The words of a query, each once, without those that say nothing unless there are no others. */
export function queryWords(query: string, most: number): string[] {
  const all = [...new Set(wordsOf(query))];
  const telling = all.filter((word) => !EMPTY.has(word));
  return (telling.length > 0 ? telling : all).slice(0, most);
}

/** Whether the script of a word puts spaces between words; the others are looked for within the text. */
export const isSpaced = (word: string): boolean =>
  !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u.test(word);
