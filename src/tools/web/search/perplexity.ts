import { dict, text } from "../../../models/settings.ts";
import { ToolError } from "../../types.ts";
import {
  dicts,
  type Found,
  refuseFilters,
  type SearchAccess,
  type SearchProvider,
  type SearchQuery,
  setFields,
} from "./provider.ts";

const HOSTED = "https://api.perplexity.ai";
const OPENROUTER = "https://openrouter.ai/api/v1";

/**
 * Perplexity: pages of its Search API; with a key of OpenRouter, an own address or a model one answer of its Sonar
 * models instead (docs: tools/perplexity-search).
 */
export const perplexity: SearchProvider = {
  id: "perplexity",
  label: "Perplexity Search",
  hint: "Pages with long excerpts; by country, language, time and site",
  docsUrl: "https://docs.openclaw.ai/perplexity",
  signupUrl: "https://www.perplexity.ai/settings/api",
  credential: {
    key: "apiKey",
    label: "Perplexity API key",
    envVars: ["PERPLEXITY_API_KEY", "OPENROUTER_API_KEY"],
    placeholder: "pplx-...",
  },
  baseUrl: HOSTED,
  call(query, access) {
    const headers = { authorization: `Bearer ${access.key ?? ""}` };
    const sonar = sonarOf(access);
    if (sonar) {
      refuseFilters(query, "Perplexity through Sonar", [...NATIVE_ALONE, ...UNKNOWN]);
      const messages = [{ role: "user", content: query.query }];
      const recent = query.freshness ? { search_recency_filter: query.freshness } : {};
      const body = { model: sonar.model, messages, ...recent };
      return { method: "POST", url: `${sonar.baseUrl}/chat/completions`, headers, body };
    }
    refuseFilters(query, "Perplexity Search", UNKNOWN);
    return { method: "POST", url: `${access.baseUrl}/search`, headers, body: setFields(native(query)) };
  },
  read: (answer, _query, access) => (sonarOf(access) ? synthesized(answer) : pages(answer)),
};

const UNKNOWN = ["search_lang", "ui_lang", "categories"] as const;
const NATIVE_ALONE = [
  "country",
  "language",
  "date_after",
  "date_before",
  "domain_filter",
  "max_tokens",
  "max_tokens_per_page",
] as const;

function sonarOf({ key = "", baseUrl, settings }: SearchAccess): { baseUrl: string; model: string } | undefined {
  const viaRouter = key.startsWith("sk-or-");
  const model = text(settings.model);
  if (!viaRouter && model === undefined && baseUrl === HOSTED) return undefined;
  const address = viaRouter && baseUrl === HOSTED ? OPENROUTER : baseUrl;
  const isRouter = address.startsWith(OPENROUTER);
  return { baseUrl: address, model: model ?? (isRouter ? "perplexity/sonar-pro" : "sonar-pro") };
}

function native(query: SearchQuery): Record<string, unknown> {
  const { domain_filter: domains } = query;
  const denied = domains?.filter((name) => name.startsWith("-")).length ?? 0;
  if (domains && denied > 0 && denied < domains.length) {
    throw new ToolError("domain_filter holds either sites to search, or sites to leave out with a dash before each.");
  }
  return {
    query: query.query,
    max_results: query.count,
    country: query.country?.toUpperCase(),
    search_language_filter: query.language && [query.language],
    search_recency_filter: query.freshness,
    search_after_date_filter: american(query.date_after),
    search_before_date_filter: american(query.date_before),
    search_domain_filter: domains?.slice(0, 20),
    max_tokens: query.max_tokens,
    max_tokens_per_page: query.max_tokens_per_page,
  };
}

/** MM/DD/YYYY. */
function american(date: string | undefined): string | undefined {
  if (date === undefined) return undefined;
  const [year, month, day] = date.split("-");
  return `${month}/${day}/${year}`;
}

const pages = (answer: Readonly<Record<string, unknown>>): Found | undefined => {
  const results = dicts(answer.results);
  return (
    results && { hits: results.map(({ title, url, snippet, date }) => ({ title, url, snippet, published: date })) }
  );
};

function synthesized(answer: Readonly<Record<string, unknown>>): Found | undefined {
  const message = dict(dict(dicts(answer.choices)?.[0]).message);
  const content = text(message.content);
  if (content === undefined) return undefined;
  const notes = dicts(message.annotations)?.map(({ url_citation: cited }) => dict(cited)) ?? [];
  const listed = Array.isArray(answer.citations) ? answer.citations.map((url: unknown) => ({ url })) : [];
  const citations = notes.length > 0 ? notes.map(({ url, title }) => ({ url, title })) : listed;
  return { content, citations };
}
