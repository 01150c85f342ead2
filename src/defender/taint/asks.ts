import { ASK_WORDS } from "./ask-words.ts";
import { names, type Token } from "./tokens.ts";

type AskedDeed = keyof typeof ASK_WORDS;
/** What an action does, as far as it matters who wanted it. */
export type Deed = AskedDeed | "fetch" | "delegate";

const LETTER = String.raw`[\p{L}\p{N}_]`;
const ASKS = Object.fromEntries(
  Object.entries(ASK_WORDS).map(([deed, [spaced, unspaced]]) => {
    const words = spaced.join("").replaceAll(String.raw`\w`, LETTER);
    return [deed, new RegExp(`(?<!${LETTER})(?:${words})(?!${LETTER})|${unspaced}`, "iu")];
  }),
) as Record<AskedDeed, RegExp>;
/** `mail Anna`, unlike `mail and`. */
const ADDRESSES =
  /(?<![\p{L}\p{N}_])(?:[Ee]-?mail|[Mm]ail|[Tt]ext|[Mm]essage|[Pp]ing|[Cc]all|DM|dm) (?:to )?[\p{Lu}@#]/u;

/** Whether a person's words ask for such a deed at all. */
export function asksFor(deed: Deed, words: string): boolean {
  if (deed === "fetch" || deed === "delegate") return true;
  return ASKS[deed].test(words) || (deed === "send" && ADDRESSES.test(words));
}

/** Deeds that a text asks for; of a task that is handed on. */
export function deedsIn(text: string): Deed[] {
  return (["send", "run", "secret", "pay", "destroy", "schedule"] as const).filter((deed) => ASKS[deed].test(text));
}

/** Whether a text (lower case) gives a token as the sender of something: who answers it, answers there. */
export function isSender(lower: string, { value }: Token): boolean {
  for (let at = lower.indexOf(value); at >= 0; at = lower.indexOf(value, at + 1)) {
    const before = lower.slice(Math.max(0, at - 90), at);
    if (/(?:from|reply-?to|sender|author|organizer|von|de|da)["']?\s{0,3}[:=]\s{0,3}[^\n\r]{0,80}$/.test(before))
      return true;
  }
  return false;
}

/** Words by which a person asks to answer what came. */
export const asksToAnswer = (words: string): boolean =>
  /(?<!\p{L})(?:repl(?:y|ies)|respond|answer|write back|draft|antwort\p{L}*|beantwort\p{L}*|répond\p{L}*|responde\p{L}*|rispondi\p{L}*|responda|beantwoord\p{L}*|odpowiedz|ответь\p{L}*)(?!\p{L})|回复|返信/iu.test(
    words,
  );

/** Tokens that strangers have named and the person has not. Both texts lower case. */
export const onlyForeign = (tokens: readonly Token[], asked: string, foreign: string): Token[] =>
  tokens.filter((token) => !names(asked, token) && mentions(foreign, token));

/** Whether a text (lower case) holds the token itself. */
function mentions(lower: string, { kind, value }: Token): boolean {
  if (kind === "number") return lower.replace(/[ -]/g, "").includes(value);
  return lower.includes(value);
}
