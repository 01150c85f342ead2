import { dict, text } from "../../../models/settings.ts";
import { ToolError } from "../../types.ts";
import { dicts, refuseFilters, type SearchProvider, type SearchQuery, withQuery } from "./provider.ts";

const RECENT = { day: "pd", week: "pw", month: "pm", year: "py" } as const;
const isContext = (settings: Readonly<Record<string, unknown>>): boolean => settings.mode === "llm-context";

/** Brave Search API: `web` mode gives pages, `llm-context` mode what stands on them (docs: tools/brave-search). */
export const brave: SearchProvider = {
  id: "brave",
  label: "Brave Search",
  hint: "Pages with snippets; by country, language and time",
  docsUrl: "https://docs.openclaw.ai/tools/brave-search",
  signupUrl: "https://api-dashboard.search.brave.com/app/keys",
  credential: { key: "apiKey", label: "Brave Search API key", envVars: ["BRAVE_API_KEY"], placeholder: "BSA..." },
  baseUrl: "https://api.search.brave.com",
  call(query, { key = "", baseUrl, settings, now }) {
    refuseFilters(query, "Brave Search", ["domain_filter", "max_tokens", "max_tokens_per_page", "categories"]);
    const inContext = isContext(settings);
    if (inContext) refuseFilters(query, "Brave Search in its llm-context mode", ["ui_lang"]);
    const url = withQuery(`${baseUrl}${inContext ? "/res/v1/llm/context" : "/res/v1/web/search"}`, {
      q: query.query,
      count: query.count,
      country: query.country?.toUpperCase(),
      search_lang: query.search_lang ?? query.language,
      ui_lang: query.ui_lang,
      freshness: freshness(query, now),
      ...(inContext ? {} : { text_decorations: "false" }),
    });
    return { method: "GET", url, headers: { accept: "application/json", "x-subscription-token": key } };
  },
  read(answer, _query, { settings }) {
    if (isContext(settings)) return context(answer);
    const results = dicts(dict(answer.web).results);
    // An answer without pages leaves the whole part out.
    if (results === undefined) return answer.type === "search" ? { hits: [] } : undefined;
    return {
      hits: results.map(({ title, url, description, page_age, profile }) => ({
        title,
        url,
        snippet: description,
        published: page_age,
        siteName: dict(profile).long_name,
      })),
    };
  },
};

function freshness({ freshness, date_after, date_before }: SearchQuery, now: number): string | undefined {
  if (date_after === undefined && date_before === undefined) return freshness && RECENT[freshness];
  if (freshness !== undefined) throw new ToolError("Give freshness or dates, not both.");
  if (date_after === undefined) throw new ToolError("Brave Search needs date_after beside date_before.");
  return `${date_after}to${date_before ?? new Date(now).toISOString().slice(0, 10)}`;
}

function context({ grounding, sources }: Readonly<Record<string, unknown>>) {
  const results = dicts(dict(grounding).generic);
  return (
    results && {
      hits: results.map(({ url, title, snippets }) => {
        const source = dict(dict(sources)[String(url)]);
        const ages = Array.isArray(source.age) ? source.age : [];
        return {
          title,
          url,
          snippet: Array.isArray(snippets) ? snippets.filter((part) => typeof part === "string").join("\n") : undefined,
          published: ages.find((age) => typeof age === "string" && /^\d{4}-/.test(age)),
          siteName: text(source.hostname),
        };
      }),
    }
  );
}
