import { dict } from "../../../models/settings.ts";
import { ToolError } from "../../types.ts";
import { dicts, refuseFilters, type SearchFilter, type SearchProvider, setFields } from "./provider.ts";

const ALL: readonly SearchFilter[] = [
  "country",
  "language",
  "search_lang",
  "ui_lang",
  "freshness",
  "date_after",
  "date_before",
  "domain_filter",
  "max_tokens",
  "max_tokens_per_page",
  "categories",
];
const DAYS = { day: 1, week: 7, month: 30, year: 365 } as const;

/** Exa: pages with the sentences that fit best (docs: tools/exa-search). */
export const exa: SearchProvider = {
  id: "exa",
  label: "Exa Search",
  hint: "Pages by meaning, with the sentences that fit best; by time",
  docsUrl: "https://docs.openclaw.ai/tools/web",
  signupUrl: "https://exa.ai/",
  credential: { key: "apiKey", label: "Exa API key", envVars: ["EXA_API_KEY"], placeholder: "exa-..." },
  baseUrl: "https://api.exa.ai",
  call(query, { key = "", baseUrl, now }) {
    refuseFilters(
      query,
      "Exa Search",
      ALL.filter((name) => !/^(?:freshness|date_)/.test(name)),
    );
    const { freshness, date_after, date_before } = query;
    const hasDates = date_after !== undefined || date_before !== undefined;
    if (freshness && hasDates) throw new ToolError("Give freshness or dates, not both.");
    const since = freshness && new Date(now - DAYS[freshness] * 86_400_000).toISOString();
    const body = setFields({
      query: query.query,
      numResults: query.count,
      type: "auto",
      contents: { highlights: true },
      startPublishedDate: since ?? (date_after && `${date_after}T00:00:00.000Z`),
      endPublishedDate: date_before && `${date_before}T23:59:59.999Z`,
    });
    const url = baseUrl.endsWith("/search") ? baseUrl : `${baseUrl}/search`;
    return { method: "POST", url, headers: { "x-api-key": key }, body };
  },
  read: (answer) => {
    const results = dicts(answer.results);
    return (
      results && {
        hits: results.map(({ title, url, publishedDate, highlights, summary, text }) => {
          const sentences = Array.isArray(highlights) ? highlights.filter((part) => typeof part === "string") : [];
          return { title, url, published: publishedDate, snippet: sentences.join("\n") || summary || text };
        }),
      }
    );
  },
};

/** Tavily: pages with what of them fits the question (docs: tools/tavily). */
export const tavily: SearchProvider = {
  id: "tavily",
  label: "Tavily Search",
  hint: "Pages with what of them fits the question",
  docsUrl: "https://docs.openclaw.ai/tools/tavily",
  signupUrl: "https://tavily.com/",
  credential: { key: "apiKey", label: "Tavily API key", envVars: ["TAVILY_API_KEY"], placeholder: "tvly-..." },
  baseUrl: "https://api.tavily.com",
  baseUrlEnv: "TAVILY_BASE_URL",
  call(query, { key = "", baseUrl }) {
    refuseFilters(query, "Tavily Search", ALL);
    const body = { query: query.query, max_results: query.count };
    return { method: "POST", url: `${baseUrl}/search`, headers: { authorization: `Bearer ${key}` }, body };
  },
  read: (answer) => {
    const results = dicts(answer.results);
    return (
      results && {
        hits: results.map(({ title, url, content, published_date }) => ({
          title,
          url,
          snippet: content,
          published: published_date,
        })),
      }
    );
  },
};

/** Firecrawl: pages with descriptions (docs: tools/firecrawl). */
export const firecrawl: SearchProvider = {
  id: "firecrawl",
  label: "Firecrawl Search",
  hint: "Pages with descriptions; hosted, or run by yourself",
  docsUrl: "https://docs.openclaw.ai/tools/firecrawl",
  signupUrl: "https://www.firecrawl.dev/",
  credential: { key: "apiKey", label: "Firecrawl API key", envVars: ["FIRECRAWL_API_KEY"], placeholder: "fc-..." },
  baseUrl: "https://api.firecrawl.dev",
  baseUrlEnv: "FIRECRAWL_BASE_URL",
  isOwnHostOnly: true,
  call(query, { key = "", baseUrl }) {
    refuseFilters(query, "Firecrawl Search", ALL);
    const body = { query: query.query, limit: query.count };
    return { method: "POST", url: `${baseUrl}/v2/search`, headers: { authorization: `Bearer ${key}` }, body };
  },
  read: (answer) => {
    const results = dicts(dict(answer.data).web);
    return results && { hits: results.map(({ title, url, description }) => ({ title, url, snippet: description })) };
  },
};
