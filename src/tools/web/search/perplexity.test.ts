import { expect, test } from "bun:test";
import { perplexity } from "./perplexity.ts";

const access = { key: "pplx-1", baseUrl: perplexity.baseUrl!, settings: {}, now: 0 };

test("Perplexity's own service gives pages, by country, language, time and site", () => {
  const query = {
    query: "q",
    count: 4,
    country: "de",
    language: "de",
    date_after: "2026-01-02",
    domain_filter: ["-a.example"],
  };
  expect(perplexity.call(query, access)).toEqual({
    method: "POST",
    url: "https://api.perplexity.ai/search",
    headers: { authorization: "Bearer pplx-1" },
    body: {
      query: "q",
      max_results: 4,
      country: "DE",
      search_language_filter: ["de"],
      search_after_date_filter: "01/02/2026",
      search_domain_filter: ["-a.example"],
    },
  });
  const answer = {
    id: "x",
    results: [{ title: "T", url: "https://a.example/", snippet: "s", date: "2026-01-02", last_updated: null }],
  };
  expect(perplexity.read(answer, query, access)).toEqual({
    hits: [{ title: "T", url: "https://a.example/", snippet: "s", published: "2026-01-02" }],
  });
  expect(perplexity.read({ error: {} }, query, access)).toBeUndefined();
  expect(() => perplexity.call({ ...query, domain_filter: ["a", "-b"] }, access)).toThrow("either sites");
});

test("a key of OpenRouter goes to OpenRouter alone", () => {
  const routed = { ...access, key: "sk-or-1" };
  expect(perplexity.call({ query: "q", count: 5 }, routed)).toMatchObject({
    url: "https://openrouter.ai/api/v1/chat/completions",
    body: { model: "perplexity/sonar-pro" },
  });
});
