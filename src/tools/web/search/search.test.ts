import { describe, expect, test } from "bun:test";
import { WebBench } from "../testing.ts";

const json = (value: unknown, status = 200) => Response.json(value, { status });
const inner = (wrapped: string) => /---\n([\s\S]*)\n<<<END_EXTERNAL/.exec(wrapped)![1]!;
const tavily = (...urls: string[]) =>
  json({ query: "q", results: urls.map((url) => ({ title: "T", url, content: "c" })) });

// biome-ignore lint/suspicious/noExplicitAny: results have the shape of their kind.
const bare = (told: any) => told.results.map((hit: any) => ({ ...hit, ...unwrap(hit) }));
const unwrap = (hit: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(hit).flatMap(([name, value]) => (value.includes("<<<EXTERNAL") ? [[name, inner(value)]] : [])),
  );

describe("web_search", () => {
  test("gives what was found in one form, every stranger's word marked and shown to the defender", async () => {
    await using bench = new WebBench(() =>
      json({
        results: [
          {
            title: "One",
            url: "https://a.example/x y",
            content: "first",
            published_date: "Tue, 03 Jun 2025 10:00:00 GMT",
          },
          { title: "Two", url: "javascript:x()", content: "second" },
          { title: "Three", url: "http://b.example", content: "third", published_date: "2 days ago" },
        ],
      }),
    );
    bench.provide("tavily");
    const told = await bench.told("web_search", { query: " news ", count: 3 });
    expect(told).toMatchObject({
      kind: "results",
      provider: "tavily",
      query: "news",
      count: 2,
      externalContent: { untrusted: true, source: "web_search", wrapped: true, provider: "tavily" },
    });
    expect(bare(told)).toEqual([
      {
        title: "One",
        url: "https://a.example/x%20y",
        snippet: "first",
        published: "2025-06-03T10:00:00.000Z",
        siteName: "a.example",
      },
      { title: "Three", url: "http://b.example/", snippet: "third", siteName: "b.example" },
    ]);
    expect(told.results[0].title).toContain("Source: Web Search");
    expect(bench.screened).toEqual(["One\nfirst\na.example\nThree\nthird\nb.example"]);
    expect(bench.judged).toEqual([{ kind: "url", url: `${bench.origin}/search`, method: "POST", isConfigured: true }]);
  });

  test("remembers results for a while, by what was asked and of whom", async () => {
    await using bench = new WebBench(() => tavily("https://a.example/"));
    bench.provide("tavily");
    const ask = (args: object = {}) => bench.told("web_search", { query: "q", ...args });
    expect((await ask()).cached).toBeUndefined();
    expect((await ask()).cached).toBe(true);
    expect((await ask({ count: 2 })).cached).toBeUndefined();
    bench.clock.advance(15 * 60_000);
    expect((await ask()).cached).toBeUndefined();
    bench.provide("tavily", {}, { cacheTtlMinutes: 0 });
    expect((await ask()).cached).toBeUndefined();
    expect(bench.calls.length).toBe(4);
  });

  test("is offered only where a provider is ready, and takes the first that is", async () => {
    await using bench = new WebBench(() => tavily("https://a.example/"));
    const isOffered = () => bench.tool("web_search").isAvailable!({} as never);
    bench.config = {};
    expect(isOffered()).toBe(false);
    bench.env = { TAVILY_API_KEY: "k", TAVILY_BASE_URL: bench.origin };
    expect(isOffered()).toBe(true);
    expect((await bench.told("web_search", { query: "q" })).provider).toBe("tavily");
    expect(bench.calls[0]!.headers.authorization).toBe("Bearer k");
    for (const config of [
      { tools: { web: { search: { enabled: false } } } },
      { tools: { web: { search: { provider: "brave" } } } },
      { plugins: { entries: { tavily: { enabled: false } } } },
      { plugins: { enabled: false } },
    ]) {
      bench.config = config;
      expect(isOffered()).toBe(false);
    }
    bench.env = { EXA_KEY: "e" };
    const ref = { source: "env", provider: "default", id: "EXA_KEY" };
    bench.config = { plugins: { entries: { exa: { config: { webSearch: { apiKey: ref } } } } } };
    expect(isOffered()).toBe(true);
    bench.env = {};
    expect(isOffered()).toBe(false);
  });

  test("goes on to the next provider unless one is named, and tells the first failure", async () => {
    await using bench = new WebBench(({ path }) =>
      path === "/res/v1/web/search" ? json({}, 401) : tavily("https://a.example/"),
    );
    bench.provide("brave");
    bench.provide("tavily");
    expect((await bench.told("web_search", { query: "q" })).provider).toBe("tavily");
    bench.provide("tavily", {}, { provider: "brave" });
    expect(await bench.told("web_search", { query: "q" })).toEqual({
      kind: "error",
      provider: "brave",
      error: "provider_error",
      message: "Brave Search refuses the key (401). Check it, or choose another provider.",
    });
  });

  test("tells failures without a word of the provider, and never its key", async () => {
    const answers: Record<string, () => Response> = {
      status: () => new Response("obey: key-of-tavily", { status: 500 }),
      quota: () => json({ detail: "obey" }, 429),
      form: () => json({ answer: "obey" }),
      text: () => new Response("<html>obey"),
      large: () => json({ results: [{ title: "obey".repeat(400_000) }] }),
      moved: () => new Response(null, { status: 307, headers: { location: "http://127.0.0.1:1/obey" } }),
    };
    let mode = "";
    await using bench = new WebBench(() => answers[mode]!());
    bench.provide("tavily", {}, { cacheTtlMinutes: 0 });
    for (mode of Object.keys(answers)) {
      const { content, isError } = await bench.run("web_search", { query: mode });
      const told = (content[0] as { text: string }).text;
      expect([isError, JSON.parse(told).kind]).toEqual([true, "error"]);
      expect(told).not.toMatch(/obey|key-of/);
    }
    // Nobody was called behind the redirect.
    expect(bench.calls.length).toBe(6);
  });

  test("lets no credential leave in a question, nor anything that the defender holds back reach the model", async () => {
    await using bench = new WebBench(() => tavily("https://a.example/"));
    bench.provide("tavily");
    bench.outbound = { verdict: "review", score: 90, findings: [], text: "what is [masked]" };
    await expect(bench.run("web_search", { query: "what is sk-123" })).rejects.toThrow("looks like a credential");
    expect(bench.calls).toEqual([]);
    bench.outbound = { verdict: "allow", score: 0, findings: [] };
    bench.decision = { verdict: "block", score: 90, findings: [{ id: "t", score: 90, reason: "Not this." }] };
    for (let round = 0; round < 2; round++) {
      await expect(bench.run("web_search", { query: "q" })).rejects.toThrow("Not this.");
    }
    expect(bench.calls.length).toBe(2);
    bench.judge = () => ({ verdict: "block", score: 90, findings: [{ id: "t", score: 90, reason: "Nowhere." }] });
    await expect(bench.run("web_search", { query: "other" })).rejects.toThrow("Nowhere.");
    expect(bench.calls.length).toBe(2);
  });

  test("88: an address that was configured reaches nothing that hands out credentials, and the internet only encrypted", async () => {
    await using bench = new WebBench(() => tavily("https://a.example/"));
    const isOffered = (id: string, baseUrl: string) => {
      bench.config = {};
      bench.provide(id, { baseUrl });
      return bench.tool("web_search").isAvailable!({} as never);
    };
    for (const address of [
      "http://169.254.169.254",
      "http://api.example.com",
      "ftp://127.0.0.1",
      "http://u:p@127.0.0.1",
    ])
      expect(isOffered("tavily", address)).toBe(false);
    expect(isOffered("tavily", "https://proxy.example.com")).toBe(true);
    // A name of the internet that leads inside is refused when it is called.
    expect(await bench.told("web_search", { query: "q" })).toMatchObject({ kind: "error" });
    expect(bench.calls).toEqual([]);
    expect(isOffered("firecrawl", "https://proxy.example.com")).toBe(false);
    expect(isOffered("firecrawl", bench.origin)).toBe(true);
  });
});
