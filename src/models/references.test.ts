import { describe, expect, test } from "bun:test";
import { PROVIDERS } from "../../generated/catalog.ts";
import { providerId } from "./catalogue.ts";
import { ableModel, modelsOf } from "./testing/models.ts";

describe("a provider goes by", () => {
  test.each([
    ["z.ai", "zai"],
    ["z-ai", "zai"],
    ["Z.AI", "zai"],
    ["qwen", "qwen-portal"],
    ["kimi-code", "kimi-coding"],
    ["gemini", "google"],
    ["grok", "xai"],
    ["made-up", "made-up"],
  ])("%s for %s", (name, id) => {
    expect(providerId(name)).toBe(id);
  });

  test("its other names in the configuration too", async () => {
    const models = modelsOf({ models: { providers: { "z.ai": { apiKey: "k", models: [ableModel("glm-9")] } } } });
    expect(await models.resolve("zai/glm-9")).toMatchObject({ provider: "zai", baseUrl: PROVIDERS.zai!.baseUrl });
    expect(await models.resolve("z-ai/glm-9")).toMatchObject({ provider: "zai", id: "glm-9" });
  });
});

describe("a model goes by", () => {
  const models = modelsOf({ agents: { defaults: { models: { "openai/gpt-5.6-sol": { alias: "sonnet" } } } } });

  test.each([
    ["sonnet-4.5", "anthropic/claude-sonnet-4-5"],
    ["Sonnet-4.5", "anthropic/claude-sonnet-4-5"],
    ["anthropic/sonnet-4.5", "anthropic/claude-sonnet-4-5"],
    ["opus", "anthropic/claude-opus-5"],
    ["gpt-mini", "openai/gpt-5.4-mini"],
    ["google/gemini-3.1-pro", "google/gemini-3.1-pro-preview"],
    ["sonnet", "openai/gpt-5.6-sol"],
    ["openai/sonnet-4.5", "openai/sonnet-4.5"],
  ])("%s for %s", async (words, ref) => {
    const found = await models.resolve(words);
    expect(`${found?.provider}/${found?.id}`).toBe(ref);
  });

  test("nothing that nobody knows", async () => {
    expect(await models.resolve("nonsense-9")).toBeNull();
  });
});

describe("the API of a provider", () => {
  const apiOf = async (provider: object, id = "openai") =>
    (await modelsOf({
      models: { providers: { [id]: { apiKey: "k", models: [ableModel("m")], ...provider } } },
    }).resolve(`${id}/m`))!;

  test("is the catalogue's, unless another server stands in", async () => {
    expect(await apiOf({})).toMatchObject({ api: "openai-responses", baseUrl: "https://api.openai.com/v1" });
    expect((await apiOf({ baseUrl: "http://127.0.0.1:9/v1" })).api).toBe("openai-completions");
    expect((await apiOf({ baseUrl: "http://127.0.0.1:9/v1", api: "openai-responses" })).api).toBe("openai-responses");
    expect((await apiOf({ baseUrl: "http://127.0.0.1:9/v1" }, "mine")).api).toBe("openai-completions");
  });

  test("is a model's own where it has one", async () => {
    const models = [ableModel("m", { api: "anthropic-messages" })];
    expect((await apiOf({ baseUrl: "http://127.0.0.1:9", models }, "mine")).api).toBe("anthropic-messages");
  });

  test("has no path for Ollama's own, and one for the compatible one", async () => {
    const at = async (provider: object) => {
      const { api, baseUrl } = await apiOf(provider, "ollama");
      return [api, baseUrl];
    };
    expect(await at({ baseUrl: "http://host:11434/v1" })).toEqual(["ollama", "http://host:11434"]);
    const compatible = { baseUrl: "http://host:11434", api: "openai-completions" };
    expect(await at(compatible)).toEqual(["openai-completions", "http://host:11434/v1"]);
  });
});
