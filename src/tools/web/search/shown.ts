import { wrapExternal } from "../../../defender/external-content.ts";
import { text } from "../../../models/settings.ts";
import type { Found, Hit } from "./provider.ts";

/** What a search found, within bounds and without what is no address, in the provider's bare words. */
export type Result =
  | {
      kind: "results";
      results: { title: string; url: string; snippet?: string; published?: string; siteName?: string }[];
    }
  | { kind: "answer"; content: string; citations: { url: string; title?: string }[] };

const TITLE_CHARS = 300;
const SNIPPET_CHARS = 3000;
const ANSWER_CHARS = 20_000;
const MOST_CITATIONS = 20;

export function resultOf(found: Exclude<Found, { again: unknown }>, count: number): Result {
  if ("hits" in found) return { kind: "results", results: found.hits.flatMap(hit).slice(0, count) };
  const citations = found.citations.flatMap(({ url, title }) => {
    const address = addressOf(url);
    return address === undefined ? [] : [{ url: address, ...named("title", brief(title, TITLE_CHARS)) }];
  });
  return {
    kind: "answer",
    content: found.content.slice(0, ANSWER_CHARS),
    citations: citations.slice(0, MOST_CITATIONS),
  };
}

function hit({ title, url, snippet, published, siteName }: Hit) {
  const address = addressOf(url);
  if (address === undefined) return [];
  return [
    {
      title: brief(title, TITLE_CHARS) ?? "",
      url: address,
      ...named("snippet", brief(snippet, SNIPPET_CHARS)),
      ...named("published", dateOf(published)),
      ...named("siteName", brief(siteName, TITLE_CHARS) ?? new URL(address).hostname),
    },
  ];
}

const named = <K extends string>(name: K, value: string | undefined) =>
  (value === undefined ? {} : { [name]: value }) as Partial<Record<K, string>>;

const brief = (value: unknown, most: number): string | undefined =>
  text(value)
    ?.slice(0, most)
    .replace(/[\ud800-\udbff]$/, "");

function addressOf(value: unknown): string | undefined {
  const url = typeof value === "string" && value.length <= 2048 ? URL.parse(value) : null;
  return url && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

/** An ISO date as it is; the date of mail as one. What is neither, such as "2 days ago", is no date. */
function dateOf(value: unknown): string | undefined {
  const date = text(value)?.slice(0, 40);
  if (date === undefined) return undefined;
  if (/^\d{4}-\d{2}-\d{2}(?:[T ][\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(date)) return date;
  if (!/^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} [\d:]+ GMT$/.test(date)) return undefined;
  return new Date(date).toISOString();
}

/** Everything in a result that strangers wrote, for the defender. */
export function wordsOf(result: Result): string {
  const parts =
    result.kind === "answer"
      ? [result.content, ...result.citations.map(({ title }) => title)]
      : result.results.flatMap(({ title, snippet, siteName }) => [title, snippet, siteName]);
  return parts.filter((part) => part !== undefined).join("\n");
}

/** The same with every stranger's word marked as such. */
export function wrapped(result: Result): Record<string, unknown> {
  const mark = (words: string | undefined) =>
    words === undefined ? undefined : wrapExternal(words, { source: "Web Search", isBrief: true });
  if (result.kind === "answer") {
    const citations = result.citations.map(({ url, title }) => ({ url, ...named("title", mark(title)) }));
    return { content: wrapExternal(result.content, { source: "Web Search" }), citations };
  }
  const results = result.results.map(({ title, url, snippet, published, siteName }) => ({
    title: mark(title),
    url,
    ...named("snippet", mark(snippet)),
    ...named("published", published),
    ...named("siteName", mark(siteName)),
  }));
  return { count: results.length, results };
}
