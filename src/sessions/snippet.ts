/** Words of a text that a search hit shows, as many as upstream's. */
const SNIPPET_WORDS = 48;
const GAP = " … ";
const WORD = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;

/**
 * The part of a text that says why it was found: as many words as are shown, beginning a little before the first one that
 * was looked for. What is left out is marked.
 */
export function snippetOf(text: string, query: readonly string[]): string {
  const wanted = new Set(query.flatMap((word) => [...word.matchAll(WORD)].map(([part]) => folded(part))));
  const words: { at: number; end: number }[] = [];
  let hit: number | undefined;
  for (const match of text.matchAll(WORD)) {
    if (hit === undefined && wanted.has(folded(match[0]))) hit = words.length;
    words.push({ at: match.index, end: match.index + match[0].length });
    if (hit !== undefined && words.length > hit + SNIPPET_WORDS) break;
  }
  if (words.length <= SNIPPET_WORDS) return text;
  const before = Math.floor(SNIPPET_WORDS / 4);
  const first =
    (hit ?? 0) < SNIPPET_WORDS - before ? 0 : Math.max(0, Math.min(hit! - before, words.length - SNIPPET_WORDS));
  const next = words[first + SNIPPET_WORDS];
  const shown = text.slice(first === 0 ? 0 : words[first]!.at, next?.at ?? text.length);
  return `${first === 0 ? "" : GAP}${next ? shown.trimEnd() : shown}${next ? GAP : ""}`;
}

/** A word without case and accents, as the index compares it. */
const folded = (word: string): string => word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
