/** A link of a text: where it leads, and the text that stands for it. */
export interface Link {
  url: string;
  label?: string;
  /** Fetched by whoever shows the text, without a click. */
  isPicture: boolean;
  at: number;
}

/** What begins like an address. Every repetition is bounded, so that a crafted text takes no longer. */
const ADDRESS =
  /(?<![a-z0-9+.-])(?:[a-z][a-z0-9+.-]{1,15}:\/\/|javascript:|vbscript:|data:text\/html)[^\s<>"'`\\]{1,8192}/gi;
const MARKDOWN = /(!?)\[([^\]\n[]{0,300})\]\(\s{0,4}<?$/;

/** The first `limit` links of a text, with their labels where the text has them in Markdown. */
export function linksIn(text: string, limit: number): { links: Link[]; isAll: boolean } {
  const links: Link[] = [];
  for (const match of text.matchAll(ADDRESS)) {
    if (links.length >= limit) return { links, isAll: false };
    const before = text.slice(Math.max(0, match.index - 320), match.index);
    const [, picture, label] = MARKDOWN.exec(before) ?? [];
    const url = label === undefined ? withoutStops(match[0]) : match[0].split(")", 1)[0]!;
    links.push({ url, label, isPicture: picture === "!", at: match.index });
  }
  return { links, isAll: true };
}

/** Marks at the end belong to the sentence. */
function withoutStops(url: string): string {
  let end = url.length;
  while (end > 0 && ".,;:!?)]}".includes(url[end - 1]!)) end--;
  return url.slice(0, end);
}
