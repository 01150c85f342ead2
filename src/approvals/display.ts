/**
 * Characters that a reader does not see or that change how others are shown: controls, direction marks, zero-width
 * and filler characters, unusual spaces and line breaks.
 */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\u{115F}\u{1160}\u{3164}\u{FFA0}\u{2800}]|(?! )\p{Zs}/gu;

/** The text with every character written out that could hide or rewrite what a decision is about, as `\u{1B}`. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (char) => `\\u{${char.codePointAt(0)!.toString(16).toUpperCase()}}`);
}

/** The same for prose of several lines: line breaks and tabs stay. */
export const visibleLines = (text: string): string =>
  text.replace(UNSEEN, (char) => (char === "\n" || char === "\t" ? char : visible(char)));
