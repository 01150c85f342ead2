import type { Guard, GuardInput } from "../guard.ts";
import type { Finding, Origin } from "../types.ts";
import { decodings } from "./decode.ts";
import { foreignOverrides } from "./languages.ts";
import { opinionOf } from "./model/model.ts";
import { type Normalised, normalise, type Span } from "./normalise.ts";
import { ORIGIN_WEIGHTS } from "./origins.ts";
import { phraseSigns, type Sign } from "./phrases.ts";
import { hiddenMarkup, linkSigns, markerSigns } from "./structure.ts";
import { wordsOf } from "./words.ts";

/**
 * Looks for prompt injection: words that only a text talking to a model about its rules uses, forms that imitate the
 * frame of a conversation, and tricks that hide either. Each sign is weighed by its origin; several kinds of signs in
 * one text weigh more together. Besides, a statistical model that was trained on labelled texts says what it reads like.
 */
export const promptGuard: Guard = {
  name: "prompt",
  inspect(input: GuardInput): Finding[] {
    const normalised = normalise(input.text);
    input.checkTime();
    const signs = signsIn(normalised.text);
    input.checkTime();
    const encoded = encodedSigns(normalised.text, input.origin);
    input.checkTime();
    const learned = learnedSigns(normalised.text, signs, input.origin);
    input.checkTime();
    const place = (sign: Sign): Sign => ({
      ...sign,
      start: normalised.at(sign.start),
      end: normalised.at(sign.end - 1) + 1,
    });
    const ruled = [...smugglingSigns(normalised, signs), ...[...signs, ...encoded].map(place)];
    return [...findings(ruled, input.origin), ...scored(learned.map(place), input.origin)];
  },
};

/** The model's threshold is where a person is asked. It is never sure enough to refuse by itself. */
const LEARNED_REVIEW = 50;
const LEARNED_MOST = 75;
const LEARNED_LEAST = 25;
const PER_UNIT = 6;

/** What the text reads like to the model. Weak opinions are given too: they count where other things are suspicious. */
function learnedSigns(text: string, signs: readonly Sign[], origin: Origin): Sign[] {
  const { excess, start, end } = opinionOf(text, signs, origin);
  const weight = Math.min(LEARNED_MOST, LEARNED_REVIEW + PER_UNIT * excess);
  if (weight < LEARNED_LEAST) return [];
  const reason = "Reads like texts that try to steer an assistant.";
  return [
    {
      id: "learned",
      family: "learned",
      weight: excess > 0 ? weight : Math.min(weight, LEARNED_REVIEW - 1),
      reason,
      start,
      end,
    },
  ];
}

/** What rules find in a normalised text. */
export function signsIn(text: string): Sign[] {
  const signs = [...phraseSigns(wordsOf(text)), ...foreignOverrides(text), ...markerSigns(text), ...linkSigns(text)];
  return [...signs, ...hiddenSigns(text, signs)];
}

/** Instructions in markup that is not shown. */
function hiddenSigns(text: string, signs: readonly Sign[]): Sign[] {
  return hiddenMarkup(text).flatMap(([start, end]): Sign[] => {
    const inside = signs.filter((sign) => sign.start >= start && sign.end <= end && sign.family !== "structure");
    if (inside.length === 0) return [];
    const strongest = Math.max(...inside.map(({ weight }) => weight));
    const reason = "Hides instructions for an assistant in markup that is not shown.";
    return [{ id: "hidden-markup", family: "smuggling", weight: Math.min(90, strongest + 35), reason, start, end }];
  });
}

/** What is added to the weight of instructions that somebody took the trouble to encode. */
const ENCODED = 25;

/** The same for the model's opinion, which is less sure. */
const ENCODED_LEARNED = 3;

/** A request to undo an encoding and to do what comes out; what is obeyed or executed is an order. */
const DECODE_AND_FOLLOW =
  /\b(?:decod|decrypt|decipher|unscrambl)\w{0,3}\b[^\n]{0,60}\b(?:(?<order>follow|obey|execute|comply)|carry out|act on|do what|do it)/i;

/** Instructions behind an encoding that a model undoes by itself. */
function encodedSigns(text: string, origin: Origin): Sign[] {
  const found = decodings(text);
  const asked = found.length > 0 ? DECODE_AND_FOLLOW.exec(text) : null;
  const signs = found.flatMap(({ text: decoded, span: [start, end] }): Sign[] => {
    const weight = hiddenWeight(decoded, origin);
    const reason = "Hides instructions for an assistant behind an encoding.";
    return weight === 0 ? [] : [{ id: "encoded-instructions", family: "smuggling", weight, reason, start, end }];
  });
  if (asked) {
    const [start, end] = [asked.index, asked.index + asked[0].length];
    const reason = "Asks to decode a text and to do what it says.";
    const weight = asked.groups?.order === undefined ? 40 : 60;
    signs.push({ id: "decode-and-follow", family: "smuggling", weight, reason, start, end });
  }
  return signs;
}

/** How much the instructions in a decoded text count, 0 for none. */
function hiddenWeight(decoded: string, origin: Origin): number {
  const signs = signsIn(decoded);
  const strongest = Math.max(0, ...signs.map(({ weight }) => weight));
  const learned = Math.max(0, ...learnedSigns(decoded, signs, origin).map(({ weight }) => weight));
  if (strongest >= 30) return Math.min(95, strongest + ENCODED);
  return learned >= LEARNED_REVIEW - ENCODED_LEARNED ? learned + ENCODED_LEARNED : 0;
}

const MIN_HIDDEN_CHARS = 4;
const MIN_INVISIBLE = 3;
const MIN_MIXED_WORDS = 2;

/** What was undone to read the text. */
function smugglingSigns({ hidden, invisible, reordered, mixed }: Normalised, visible: readonly Sign[]): Sign[] {
  const signs: Sign[] = [];
  const add = (id: string, weight: number, reason: string, [start, end]: Span): void => {
    signs.push({ id, family: "smuggling", weight, reason, start, end });
  };
  const boost = visible.some(({ weight }) => weight >= 40) ? 30 : 0;
  // Pieces strewn over the text are one message to whoever reads them all.
  const unseen = hidden.map(({ text }) => text).join("");
  if (unseen.length >= MIN_HIDDEN_CHARS) {
    const { span } = hidden[0]!;
    const commands = signsIn(unseen).some(({ weight }) => weight >= 30);
    if (commands) add("hidden-instructions", 100, "Contains instructions in characters that are not shown.", span);
    else add("hidden-text", 70, "Contains text in characters that are not shown.", span);
  }
  if (invisible.first && invisible.count >= MIN_INVISIBLE) {
    add("invisible-characters", 55 + boost, "Breaks words up with characters that are not shown.", invisible.first);
  }
  if (reordered.first) add("reordered-text", 55 + boost, "Turns the direction of text around.", reordered.first);
  if (mixed.first && mixed.count >= MIN_MIXED_WORDS) {
    add("lookalike-letters", 55 + boost, "Writes words with look-alike letters of another script.", mixed.first);
  }
  return signs;
}

function scored(signs: readonly Sign[], origin: Origin): Placed[] {
  const weights = ORIGIN_WEIGHTS[origin];
  return signs.map(({ id, family, weight, reason, start, end }): Placed => {
    const score = Math.round(Math.min(100, weight) * weights[family]);
    return { id: `prompt.${id}`, score, reason, span: [start, end] };
  });
}

function findings(signs: readonly Sign[], origin: Origin): Finding[] {
  const found = scored(signs, origin);
  const strongest = new Map<string, Placed>();
  for (const finding of found) {
    if ((strongest.get(finding.id)?.score ?? -1) < finding.score) strongest.set(finding.id, finding);
  }
  const together = origin === "owner" ? null : combined(found);
  return [...(together ? [together] : []), ...strongest.values()];
}

type Placed = Finding & { span: Span };

/** Signs further apart than this many characters have nothing to do with each other. */
const NEIGHBOURHOOD = 2500;
/** Below this a sign adds nothing to others. */
const MIN_PART = 15;
/** Signs of one text that are looked at together; a text with more has its verdict from the first ones. */
const MAX_PARTS = 400;
const MAX_NEAR = 64;

/**
 * What different signs near each other say together: each leaves a remainder of doubt, and the remainders multiply.
 * A persona that is built up sentence by sentence has many weak signs and no strong one.
 */
function combined(found: readonly Placed[]): Finding | null {
  const parts = found.filter(({ score }) => score >= MIN_PART).sort((a, b) => a.span[0] - b.span[0]);
  let best = 0;
  let place: Span | undefined;
  let strongest = "";
  for (let first = 0; first < Math.min(parts.length, MAX_PARTS); first++) {
    const start = parts[first]!.span[0];
    const near = new Map<string, Placed>();
    let end = start;
    for (let i = first; i < parts.length && i < first + MAX_NEAR && parts[i]!.span[0] <= start + NEIGHBOURHOOD; i++) {
      const part = parts[i]!;
      if ((near.get(part.id)?.score ?? 0) < part.score) near.set(part.id, part);
      end = Math.max(end, part.span[1]);
    }
    if (near.size < 2) continue;
    let doubt = 1;
    for (const { score } of near.values()) doubt *= 1 - score / 100;
    if (1 - doubt <= best) continue;
    best = 1 - doubt;
    place = [start, end];
    strongest = [...near.values()].reduce((a, b) => (b.score > a.score ? b : a)).reason;
  }
  if (place === undefined) return null;
  const score = Math.min(99, Math.round(best * 100));
  return {
    id: "prompt.combined",
    score,
    reason: `Several signs of an injection come together. ${strongest}`,
    span: place,
  };
}
