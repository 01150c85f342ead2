import { text } from "../../../models/settings.ts";
import { dicts, refuseFilters, type SearchProvider, withQuery } from "./provider.ts";

/** SearXNG, which people run for themselves: pages of many search engines (docs: tools/searxng-search). */
export const searxng: SearchProvider = {
  id: "searxng",
  label: "SearXNG Search",
  hint: "Pages of many search engines; your own server, no key",
  docsUrl: "https://docs.openclaw.ai/tools/searxng-search",
  signupUrl: "https://docs.searxng.org/",
  credential: {
    key: "baseUrl",
    label: "Address of the SearXNG server",
    envVars: ["SEARXNG_BASE_URL"],
    placeholder: "http://localhost:8888",
  },
  call(query, { baseUrl, settings }) {
    refuseFilters(query, "SearXNG", [
      "country",
      "search_lang",
      "ui_lang",
      "date_after",
      "date_before",
      "domain_filter",
      "max_tokens",
      "max_tokens_per_page",
    ]);
    const url = withQuery(`${baseUrl}/search`, {
      q: query.query,
      format: "json",
      categories: query.categories ?? text(settings.categories) ?? "general",
      language: query.language ?? text(settings.language),
      time_range: query.freshness,
    });
    return { method: "GET", url, headers: { accept: "application/json" } };
  },
  read(answer, query, { settings }) {
    const results = dicts(answer.results);
    const categories = query.categories ?? text(settings.categories) ?? "general";
    if (results?.length === 0 && categories !== "general") return { again: { categories: "general" } };
    return (
      results && {
        hits: results.map(({ title, url, content, publishedDate }) => ({
          title,
          url,
          snippet: content,
          published: publishedDate,
        })),
      }
    );
  },
};
