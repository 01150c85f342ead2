import { jsonResult, type Tool, type ToolContext, ToolError } from "../../types.ts";
import { permitUrl, screenWeb } from "../checkpoint.ts";
import type { WebDeps } from "../create.ts";
import { searchSettings } from "../settings.ts";
import type { SearchQuery } from "./provider.ts";
import { SearchFailed, type WebSearch } from "./search.ts";
import { wordsOf, wrapped } from "./shown.ts";

const text = (description: string) => ({ type: "string", description });
const date = (description: string) => ({ type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$", description });

const PARAMETERS = {
  type: "object",
  required: ["query"],
  properties: {
    query: { type: "string", minLength: 1, maxLength: 2000, description: "What to search for." },
    count: { type: "integer", minimum: 1, maximum: 10, description: "Results at most." },
    country: { type: "string", pattern: "^[A-Za-z]{2}$", description: "Results for a country, such as DE." },
    language: text("Results in a language, such as en."),
    search_lang: text("Language code as Brave writes it."),
    ui_lang: text("Language of the page around the results, such as en-US (Brave)."),
    freshness: { type: "string", enum: ["day", "week", "month", "year"], description: "Only what is as recent." },
    date_after: date("Only what was published after a day, YYYY-MM-DD."),
    date_before: date("Only what was published before a day, YYYY-MM-DD."),
    domain_filter: {
      type: "array",
      items: { type: "string" },
      maxItems: 20,
      description: "Only these sites, or none of them with a dash before each (Perplexity).",
    },
    max_tokens: { type: "integer", minimum: 1, description: "Tokens of all excerpts (Perplexity)." },
    max_tokens_per_page: { type: "integer", minimum: 1, description: "Tokens of one excerpt (Perplexity)." },
    categories: text("Kinds of pages, such as news (SearXNG)."),
  },
};

/** `web_search` (docs: tools/web). What it finds is strangers' words, and is marked and screened as such. */
export function searchTool(search: WebSearch, { config, defender }: WebDeps): Tool {
  return {
    name: "web_search",
    description:
      "Searches the web and gives titles, addresses and excerpts. Filters that the provider lacks are refused.",
    parameters: PARAMETERS,
    isAvailable: () => search.isReady,
    run: async (args, context) => {
      const query = queryOf(args, searchSettings(config.current).maxResults);
      await keepIn(defender, query.query, context);
      try {
        const { provider, result, tookMs, isCached } = await search.search(query, {
          signal: context.signal,
          permit: (url, method) => permitUrl(defender, url, method, context, true),
          screen: (found) => screenWeb(defender, wordsOf(found), "tool:web_search", context),
        });
        return jsonResult({
          kind: result.kind,
          provider,
          query: query.query,
          tookMs,
          ...wrapped(result),
          externalContent: { untrusted: true, source: "web_search", wrapped: true, provider },
          ...(isCached ? { cached: true } : {}),
        });
      } catch (error) {
        if (!(error instanceof SearchFailed)) throw error;
        const { provider, message } = error;
        return { ...jsonResult({ kind: "error", provider, error: "provider_error", message }), isError: true };
      }
    },
  };
}

function queryOf(args: Record<string, unknown>, count: number): SearchQuery {
  const query = String(args.query).trim();
  if (query === "") throw new ToolError("query required");
  const set = Object.entries(args).filter(
    ([name, value]) => Object.hasOwn(PARAMETERS.properties, name) && value !== "",
  );
  return { count, ...Object.fromEntries(set), query };
}

/** A question goes to a stranger: what must not leave must not stand in it. */
async function keepIn(
  defender: Pick<WebDeps["defender"], "screen">,
  query: string,
  { sessionKey, runId }: ToolContext,
): Promise<void> {
  const about = { direction: "outbound", origin: "model", sessionKey, runId, actor: "tool:web_search" } as const;
  const { verdict, text } = await defender.screen(query, about);
  if (verdict !== "block" && (text === undefined || text === query)) return;
  throw new ToolError("The search was not made: its words hold what looks like a credential.");
}
