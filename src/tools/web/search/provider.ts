import { ToolError } from "../../types.ts";

type Dict = Readonly<Record<string, unknown>>;

/** What is searched for, as `web_search` takes it (docs: tools/web). */
export interface SearchQuery {
  query: string;
  count: number;
  country?: string;
  language?: string;
  search_lang?: string;
  ui_lang?: string;
  freshness?: "day" | "week" | "month" | "year";
  /** YYYY-MM-DD. */
  date_after?: string;
  date_before?: string;
  domain_filter?: string[];
  max_tokens?: number;
  max_tokens_per_page?: number;
  categories?: string;
}

/** With what a provider is called. */
export interface SearchAccess {
  key: string | undefined;
  /** Without a slash at its end. */
  baseUrl: string;
  /** `plugins.entries.<id>.config.webSearch`. */
  settings: Dict;
  /** Milliseconds since 1970. */
  now: number;
}

export interface SearchCall {
  method: "GET" | "POST";
  url: string;
  headers: Record<string, string>;
  body?: Dict;
}

/** One page that was found, in the provider's words. */
export interface Hit {
  title: unknown;
  url: unknown;
  snippet?: unknown;
  published?: unknown;
  siteName?: unknown;
}

/** Pages, or one answer made of pages. */
export type Found =
  | { hits: Hit[] }
  | { content: string; citations: { url: unknown; title?: unknown }[] }
  /** The same again with this, as nothing was found. */
  | { again: Partial<SearchQuery> };

/** A service that searches the web. Its id is also that of the plugin whose settings it reads. */
export interface SearchProvider {
  id: string;
  label: string;
  /** One line for people who choose. */
  hint: string;
  docsUrl: string;
  signupUrl: string;
  /** What has to be set for it to work. */
  credential: { key: "apiKey" | "baseUrl"; label: string; envVars: readonly string[]; placeholder: string };
  /** Where it is called unless configured otherwise; absent for one that everybody runs for themselves. */
  baseUrl?: string;
  baseUrlEnv?: string;
  /** Its key must go to no other host of the internet than `baseUrl`. */
  isOwnHostOnly?: true;
  /** @throws ToolError for what the provider cannot do */
  call(query: SearchQuery, access: SearchAccess): SearchCall;
  /** What an answer holds; undefined for one that is not of the form that the provider documents. */
  read(answer: Dict, query: SearchQuery, access: SearchAccess): Found | undefined;
}

/** Filters that only some providers know. */
export type SearchFilter = Exclude<keyof SearchQuery, "query" | "count">;

/** @throws ToolError when a filter is set that the provider does not have */
export function refuseFilters(query: SearchQuery, label: string, filters: readonly SearchFilter[]): void {
  const set = filters.filter((name) => query[name] !== undefined);
  if (set.length > 0) throw new ToolError(`${label} cannot filter by ${set.join(", ")}. Leave it out.`);
}

/** The parts of a URL's query that are set. */
export function withQuery(url: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined);
  return `${url}?${new URLSearchParams(set.map(([name, value]): [string, string] => [name, String(value)]))}`;
}

/** The fields that are set. */
export const setFields = (fields: Dict): Dict =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** The objects of a list; undefined for what is no list. */
export const dicts = (value: unknown): Dict[] | undefined =>
  Array.isArray(value)
    ? value.filter((item): item is Dict => typeof item === "object" && item !== null && !Array.isArray(item))
    : undefined;
