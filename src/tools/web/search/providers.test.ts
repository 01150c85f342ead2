import { describe, expect, test } from "bun:test";
import { WebBench } from "../testing.ts";

const inner = (wrapped: string) => /---\n([\s\S]*)\n<<<END_EXTERNAL/.exec(wrapped)![1]!;

/** Asks a provider that answers as the service documents it, and gives the call and what was made of the answer. */
async function ask(id: string, answer: unknown, args: object = {}, settings: object = {}) {
  await using bench = new WebBench(() => Response.json(answer));
  bench.provide(id, settings);
  const told = await bench.told("web_search", { query: "who & what", ...args });
  const [first] = told.results ?? [];
  const hit = first && {
    ...first,
    title: inner(first.title),
    snippet: inner(first.snippet),
    siteName: inner(first.siteName),
  };
  return { call: bench.calls[0]!, told, hit };
}

const fails = (id: string, args: object, settings: object = {}) => expect(ask(id, {}, args, settings)).rejects;

describe("search providers", () => {
  test("Brave: pages of the web", async () => {
    const answer = {
      type: "search",
      query: { original: "who & what" },
      web: {
        type: "search",
        results: [
          {
            title: "Title",
            url: "https://a.example/1",
            description: "About it",
            age: "2 days ago",
            page_age: "2026-01-02T03:04:05",
            profile: { name: "A", long_name: "a.example" },
            meta_url: { hostname: "a.example" },
          },
        ],
      },
    };
    const { call, hit } = await ask("brave", answer, { country: "de", language: "de", freshness: "week" });
    expect(call).toMatchObject({
      method: "GET",
      path: "/res/v1/web/search",
      query: { q: "who & what", count: "5", country: "DE", search_lang: "de", freshness: "pw" },
    });
    expect(call.headers["x-subscription-token"]).toBe("key-of-brave");
    expect(hit).toEqual({
      title: "Title",
      url: "https://a.example/1",
      snippet: "About it",
      published: "2026-01-02T03:04:05",
      siteName: "a.example",
    });
    const dated = await ask("brave", { type: "search" }, { date_after: "2026-01-01", date_before: "2026-02-01" });
    expect(dated.call.query.freshness).toBe("2026-01-01to2026-02-01");
    expect(dated.told.count).toBe(0);
    await fails("brave", { date_before: "2026-01-01" }).toThrow("needs date_after");
    await fails("brave", { date_after: "2026-01-01", freshness: "day" }).toThrow("not both");
    await fails("brave", { domain_filter: ["a.example"] }).toThrow("cannot filter by domain_filter");
  });

  test("Brave: what stands on the pages", async () => {
    const answer = {
      grounding: { generic: [{ url: "https://a.example/1", title: "Title", snippets: ["one", "two"] }], map: [] },
      sources: {
        "https://a.example/1": { title: "Title", hostname: "a.example", age: ["Monday", "2026-01-02", "9 days ago"] },
      },
    };
    const { call, hit } = await ask("brave", answer, {}, { mode: "llm-context" });
    expect(call.path).toBe("/res/v1/llm/context");
    expect(hit).toMatchObject({ snippet: "one\ntwo", published: "2026-01-02", siteName: "a.example" });
    await fails("brave", { ui_lang: "en-US" }, { mode: "llm-context" }).toThrow("cannot filter by ui_lang");
  });

  test("Tavily", async () => {
    const answer = {
      query: "x",
      answer: null,
      results: [{ title: "T", url: "https://a.example/", content: "c", score: 0.9, raw_content: null }],
      response_time: 1.1,
    };
    const { call, hit } = await ask("tavily", answer, { count: 3 });
    expect(call).toMatchObject({ method: "POST", path: "/search", body: { query: "who & what", max_results: 3 } });
    expect(call.headers.authorization).toBe("Bearer key-of-tavily");
    expect(hit).toMatchObject({ title: "T", snippet: "c" });
    await fails("tavily", { country: "de" }).toThrow("cannot filter by country");
  });

  test("Exa", async () => {
    const result = {
      id: "1",
      title: "T",
      url: "https://a.example/",
      publishedDate: "2026-01-02T00:00:00.000Z",
      author: "x",
    };
    const answer = { requestId: "r", results: [{ ...result, highlights: ["one", "two"], highlightScores: [0.4] }] };
    const { call, hit } = await ask("exa", answer, { date_after: "2026-01-01" });
    expect(call).toMatchObject({
      method: "POST",
      path: "/search",
      body: {
        query: "who & what",
        numResults: 5,
        type: "auto",
        contents: { highlights: true },
        startPublishedDate: "2026-01-01T00:00:00.000Z",
      },
    });
    expect(call.headers["x-api-key"]).toBe("key-of-exa");
    expect(hit).toMatchObject({ snippet: "one\ntwo", published: "2026-01-02T00:00:00.000Z" });
    const { hit: summed } = await ask("exa", { results: [{ ...result, summary: "in short", text: "in full" }] });
    expect(summed.snippet).toBe("in short");
  });

  test("SearXNG, once more with all kinds of pages where one kind has none", async () => {
    await using bench = new WebBench(({ query }) =>
      Response.json({
        query: query.q,
        number_of_results: 0,
        results:
          query.categories === "general"
            ? [
                {
                  title: "T",
                  url: "https://a.example/",
                  content: "c",
                  engine: "x",
                  publishedDate: "2026-01-02T00:00:00",
                },
              ]
            : [],
      }),
    );
    bench.provide("searxng", { categories: "news", language: "en" });
    const told = await bench.told("web_search", { query: "q", freshness: "month" });
    expect(told.results[0]).toMatchObject({ url: "https://a.example/", published: "2026-01-02T00:00:00" });
    expect(bench.calls.map(({ path, query }) => [path, query])).toEqual([
      ["/search", { q: "q", format: "json", categories: "news", language: "en", time_range: "month" }],
      ["/search", { q: "q", format: "json", categories: "general", language: "en", time_range: "month" }],
    ]);
  });

  test("Firecrawl", async () => {
    const answer = {
      success: true,
      data: { web: [{ title: "T", url: "https://a.example/", description: "d", position: 1 }] },
    };
    const { call, hit } = await ask("firecrawl", answer);
    expect(call).toMatchObject({ method: "POST", path: "/v2/search", body: { query: "who & what", limit: 5 } });
    expect(hit.snippet).toBe("d");
  });

  test("Perplexity: one answer with what it rests on, at an own address", async () => {
    const message = { role: "assistant", content: "It is so [1]." };
    const answer = { id: "x", citations: ["https://a.example/", "no address"], choices: [{ index: 0, message }] };
    const { call, told } = await ask("perplexity", answer, { freshness: "day" });
    expect(call).toMatchObject({
      path: "/chat/completions",
      body: { model: "sonar-pro", messages: [{ role: "user", content: "who & what" }], search_recency_filter: "day" },
    });
    expect(told.kind).toBe("answer");
    expect(inner(told.content)).toBe("It is so [1].");
    expect(told.citations).toEqual([{ url: "https://a.example/" }]);
    const annotations = [{ type: "url_citation", url_citation: { url: "https://b.example/", title: "B" } }];
    const noted = await ask("perplexity", { choices: [{ message: { ...message, annotations } }] }, {}, { model: "m" });
    expect(inner(noted.told.citations[0].title)).toBe("B");
    await fails("perplexity", { country: "de" }).toThrow("cannot filter by country");
  });
});
