import { BIT } from "./lexicon.ts";
import { type Family, PHRASES } from "./phrase-table.ts";
import type { Token, Words } from "./words.ts";

/** One sign of an injection. `weight` is 0 to 100, before the origin is taken into account. */
export interface Sign {
  id: string;
  family: Family;
  weight: number;
  reason: string;
  /** Offsets in the text that was looked at. */
  start: number;
  end: number;
}

const DEFAULT_WITHIN = 8;

const compiled = PHRASES.map((phrase) => ({
  phrase,
  bits: phrase.parts.map((part) => BIT[part]),
  also: (phrase.also ?? []).reduce((mask, name) => mask | BIT[name], 0),
  within: phrase.within ?? DEFAULT_WITHIN,
}));

/** The phrases in a text. Looks at most a few words ahead of each word, so it is linear. */
export function phraseSigns(words: Words): Sign[] {
  const signs: Sign[] = [];
  const { tokens } = words;
  for (let i = 0; i < tokens.length; i++) {
    const { mask } = tokens[i]!;
    for (const candidate of compiled) {
      if ((mask & candidate.bits[0]!) === 0) continue;
      const last = candidate.bits.length === 1 ? i : matchFrom(tokens, i, candidate);
      if (last < 0) continue;
      const { id, family, weight, reason, request } = candidate.phrase;
      const reported = request === true && isReported(words, tokens[i]!.index);
      const { start } = tokens[i]!;
      signs.push({ id, family, weight: reported ? weight * REPORTED : weight, reason, start, end: tokens[last]!.end });
    }
  }
  return signs;
}

/** The token with which the phrase ends, or -1 when it does not match from token `first` on. */
function matchFrom(tokens: readonly Token[], first: number, { bits, also, within }: (typeof compiled)[number]): number {
  const { index, sentence } = tokens[first]!;
  let seen = 0;
  let part = 1;
  for (let i = first + 1; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.sentence !== sentence || token.index - index > within) return -1;
    seen |= token.mask;
    if ((token.mask & bits[part]!) === 0) continue;
    if (part < bits.length - 1) part++;
    else if (also === 0 || (seen & also) !== 0) return i;
  }
  return -1;
}

const REPORTED = 0.45;
const WORDS_BEFORE = 7;
const wordSet = (words: string): ReadonlySet<string> => new Set(words.split(" "));
const ADDRESS = wordSet(
  "you your please now must important assistant then and also first kindly immediately do instead",
);
const REPORT = wordSet(
  "don't dont never to can could may might will would does did doesn't didn't not cannot that which by of attacker attackers adversary adversaries user users they it he she we i who model models llm llms agent agents someone anyone attempt attempts try tries trying such like example e.g phrase phrases via prompts",
);

/** True when the words before a verb make the sentence a report of a request, not the request itself. The nearest decides. */
function isReported({ all, sentences }: Words, index: number): boolean {
  if (/ing$/.test(all[index]!) && index > 0 && sentences[index - 1] === sentences[index]) return true;
  for (let i = index - 1; i >= 0 && i >= index - WORDS_BEFORE && sentences[i] === sentences[index]; i--) {
    const word = all[i]!;
    // "I want you to ignore": the infinitive belongs to whoever is named before it.
    if (ADDRESS.has(word)) return false;
    if (REPORT.has(word) && !(word === "to" && followsYou(all, i))) return true;
  }
  return false;
}

const followsYou = (all: readonly string[], index: number): boolean => {
  const before = all.slice(Math.max(0, index - 3), index);
  return before.includes("you") || before.includes("assistant");
};
