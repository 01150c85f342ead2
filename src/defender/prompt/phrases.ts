import { BIT, type WordClass } from "./lexicon.ts";
import type { Token, Words } from "./words.ts";

/** What kind of sign something is; how much it weighs depends on who speaks (`origins.ts`). */
export type Family =
  | "override"
  | "extraction"
  | "persona"
  | "addressed"
  | "concealment"
  | "exfiltration"
  | "structure"
  | "smuggling";

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

interface Phrase {
  id: string;
  family: Family;
  weight: number;
  reason: string;
  /** Word classes in the order in which they occur; further words may stand between them. */
  parts: readonly WordClass[];
  /** One of these must occur within the match. */
  also?: readonly WordClass[];
  /** Counts less when the sentence reports rather than asks: "attackers can ask a model to ignore …". */
  request?: true;
  /** Between the first and the last word; 8 unless told. */
  within?: number;
}

const OVERRIDE = "Tells the assistant to ignore its instructions.";
const EXTRACT = "Asks for the assistant's hidden instructions.";
const SECRETS = "Asks for credentials.";
const CONCEAL = "Tells the assistant to keep something from the user.";
const ADDRESSED = "Speaks to the assistant from inside a text that should only inform.";
const PERSONA = "Gives the assistant a role without its rules.";
const SENDS = "Asks to send credentials or private text away.";

/** Weights were chosen by meaning, then checked on labelled texts and on documentation. */
const PHRASES: readonly Phrase[] = [
  {
    id: "ignore-prior-rules",
    family: "override",
    weight: 85,
    reason: OVERRIDE,
    parts: ["ignore", "rules"],
    also: ["prior", "your"],
    within: 7,
    request: true,
  },
  {
    id: "ignore-prior-context",
    family: "override",
    weight: 65,
    reason: OVERRIDE,
    parts: ["ignore", "memory"],
    also: ["prior", "told"],
    request: true,
  },
  {
    id: "ignore-prior-context",
    family: "override",
    weight: 65,
    reason: OVERRIDE,
    parts: ["ignore", "every", "prior"],
    request: true,
    within: 5,
  },
  {
    id: "ignore-prior-context",
    family: "override",
    weight: 65,
    reason: OVERRIDE,
    parts: ["ignore", "every", "told"],
    request: true,
    within: 7,
  },
  {
    id: "ignore-all-rules",
    family: "override",
    weight: 45,
    reason: OVERRIDE,
    parts: ["ignore", "every", "rules"],
    request: true,
    within: 5,
  },
  {
    id: "bypass-your-rules",
    family: "override",
    weight: 70,
    reason: OVERRIDE,
    parts: ["bypass", "your", "rules"],
    request: true,
    within: 6,
  },
  {
    id: "bypass-prior-rules",
    family: "override",
    weight: 60,
    reason: OVERRIDE,
    parts: ["bypass", "prior", "rules"],
    request: true,
    within: 6,
  },
  {
    id: "do-not-follow",
    family: "override",
    weight: 75,
    reason: OVERRIDE,
    parts: ["not", "follow", "rules"],
    also: ["prior", "your"],
    request: true,
  },
  {
    id: "new-rules",
    family: "override",
    weight: 40,
    reason: "Announces new instructions.",
    parts: ["your", "new", "rules"],
    within: 4,
  },
  {
    id: "strict-new-rules",
    family: "override",
    weight: 45,
    reason: "Demands that new instructions be followed.",
    parts: ["strictly", "follow", "new", "rules"],
    within: 9,
  },
  {
    id: "strict-new-rules",
    family: "override",
    weight: 45,
    reason: "Demands that new instructions be followed.",
    parts: ["follow", "new", "rules", "strictly"],
    within: 9,
  },

  {
    id: "show-system-prompt",
    family: "extraction",
    weight: 62,
    reason: EXTRACT,
    parts: ["show", "system", "prompt"],
    request: true,
  },
  {
    id: "show-your-prompt",
    family: "extraction",
    weight: 62,
    reason: EXTRACT,
    parts: ["show", "your", "prompt"],
    request: true,
    within: 6,
  },
  {
    id: "show-your-prompt",
    family: "extraction",
    weight: 62,
    reason: EXTRACT,
    parts: ["say", "your", "prompt"],
    request: true,
    within: 5,
  },
  {
    id: "show-prior-prompt",
    family: "extraction",
    weight: 58,
    reason: EXTRACT,
    parts: ["show", "prior"],
    also: ["memory", "prompt"],
    request: true,
    within: 6,
  },
  {
    id: "show-prior-prompt",
    family: "extraction",
    weight: 58,
    reason: EXTRACT,
    parts: ["show", "memory", "prior"],
    request: true,
    within: 5,
  },
  {
    id: "show-prior-prompt",
    family: "extraction",
    weight: 58,
    reason: EXTRACT,
    parts: ["show", "prompt", "prior"],
    request: true,
    within: 6,
  },
  {
    id: "what-prompt",
    family: "extraction",
    weight: 56,
    reason: EXTRACT,
    parts: ["what", "your", "prompt"],
    within: 6,
  },
  {
    id: "what-prompt",
    family: "extraction",
    weight: 56,
    reason: EXTRACT,
    parts: ["what", "were", "prompt"],
    also: ["prior", "system", "your"],
    within: 7,
  },
  {
    id: "what-told",
    family: "extraction",
    weight: 56,
    reason: EXTRACT,
    parts: ["what", "were", "you", "told"],
    within: 6,
  },
  {
    id: "ask-own-credential",
    family: "extraction",
    weight: 56,
    reason: SECRETS,
    parts: ["show", "your", "credential"],
    request: true,
    within: 6,
  },
  {
    id: "ask-own-credential",
    family: "extraction",
    weight: 56,
    reason: SECRETS,
    parts: ["what", "your", "credential"],
    within: 5,
  },

  {
    id: "conceal",
    family: "concealment",
    weight: 55,
    reason: CONCEAL,
    parts: ["not", "tell", "user"],
    within: 5,
    request: true,
  },
  {
    id: "send-credential",
    family: "exfiltration",
    weight: 40,
    reason: SENDS,
    parts: ["send", "your", "credential"],
    within: 8,
    request: true,
  },

  { id: "note-to-ai", family: "addressed", weight: 45, reason: ADDRESSED, parts: ["note", "ai"], within: 4 },
  {
    id: "ai-must",
    family: "addressed",
    weight: 35,
    reason: ADDRESSED,
    parts: ["ai", "must"],
    also: ["your", "you", "follow", "ignore"],
    within: 7,
  },
  {
    id: "ignore-and-say",
    family: "addressed",
    weight: 40,
    reason: ADDRESSED,
    parts: ["ignore", "say"],
    within: 7,
    request: true,
  },

  {
    id: "mode",
    family: "persona",
    weight: 40,
    reason: "Puts the assistant into another mode.",
    parts: ["you", "mode"],
    within: 9,
  },
  { id: "mode", family: "persona", weight: 28, reason: "Names a mode without rules.", parts: ["mode"] },
  { id: "without-rules", family: "persona", weight: 42, reason: PERSONA, parts: ["free", "fetters"], within: 6 },
  { id: "against-ethics", family: "persona", weight: 38, reason: PERSONA, parts: ["ignore", "fetters"], within: 5 },
  {
    id: "against-ethics",
    family: "persona",
    weight: 38,
    reason: PERSONA,
    parts: ["bypass", "every", "fetters"],
    within: 5,
  },
  {
    id: "never-refuse",
    family: "persona",
    weight: 35,
    reason: "Forbids the assistant to refuse.",
    parts: ["not", "refuse"],
    within: 4,
  },
  {
    id: "amoral",
    family: "persona",
    weight: 40,
    reason: "Asks for what an assistant refuses, one after another.",
    parts: ["amoral", "amoral"],
    within: 6,
  },
  {
    id: "persona",
    family: "persona",
    weight: 22,
    reason: "Gives the assistant a role.",
    parts: ["you", "become"],
    within: 6,
  },
  {
    id: "persona",
    family: "persona",
    weight: 22,
    reason: "Gives the assistant a role.",
    parts: ["become", "ai"],
    within: 8,
  },
  {
    id: "not-bound",
    family: "persona",
    weight: 35,
    reason: PERSONA,
    parts: ["not", "follow"],
    also: ["rules", "fetters"],
    within: 10,
  },
];

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
