import { describe, expect, test } from "bun:test";
import { PROVIDERS } from "../../generated/catalog.ts";
import { providerId } from "./catalogue.ts";
import { modelsOf } from "./testing/models.ts";

/** Names of upstream's manifests and docs (concepts/model-providers, gateway/config-agents, providers/*). */
describe("a provider's other names in upstream's docs", () => {
  test.each([
    ["qwen", "qwen-portal"],
    ["qwencloud", "qwen-portal"],
    ["modelstudio", "qwen-portal"],
    ["dashscope", "qwen-portal"],
    ["kimi", "kimi-coding"],
    ["kimi-code", "kimi-coding"],
    ["moonshotai", "moonshot"],
    ["moonshot-ai", "moonshot"],
    ["z-ai", "zai"],
    ["z.ai", "zai"],
    ["gmi-cloud", "gmi"],
    ["novita-ai", "novita"],
    ["fireworks-ai", "fireworks"],
    ["opencode-zen", "opencode"],
    ["kilo-gateway", "kilocode"],
    ["x-ai", "xai"],
  ])("%s stands for %s", (name, id) => {
    expect(providerId(name)).toBe(id);
  });
});

describe("a shorthand of upstream's docs", () => {
  const models = modelsOf({});

  test.each([
    ["opus", "anthropic/claude-opus-5"],
    ["sonnet", "anthropic/claude-sonnet-5"],
    ["gpt", "openai/gpt-5.4"],
    ["gpt-mini", "openai/gpt-5.4-mini"],
    ["gpt-nano", "openai/gpt-5.4-nano"],
    ["gemini", "google/gemini-3.1-pro-preview"],
    ["gemini-flash", "google/gemini-3-flash-preview"],
    ["gemini-flash-lite", "google/gemini-3.1-flash-lite"],
    ["anthropic/fable", "anthropic/claude-fable-5-1"],
    ["anthropic/fable-5", "anthropic/claude-fable-5"],
    ["anthropic/haiku", "anthropic/claude-haiku-4-5"],
    ["anthropic/opus-5.5", "anthropic/claude-opus-5-5"],
    ["anthropic/opus-4.8", "anthropic/claude-opus-4-8"],
    ["anthropic/opus-4.7", "anthropic/claude-opus-4-7"],
    ["anthropic/opus-4.6", "anthropic/claude-opus-4-6"],
    ["anthropic/mythos-5", "anthropic/claude-mythos-5"],
    ["anthropic/sonnet-4.6", "anthropic/claude-sonnet-4-6"],
    ["google/gemini-3-pro", "google/gemini-3.1-pro-preview"],
    ["google/gemini-3-flash", "google/gemini-3-flash-preview"],
    ["google/gemini-3.1-flash-preview", "google/gemini-3-flash-preview"],
    ["google/gemini-3.1-flash-lite-preview", "google/gemini-3.1-flash-lite"],
    ["xai/grok-4.7-latest", "xai/grok-4.7"],
    ["xai/grok-build-latest", "xai/grok-4.5"],
    ["openai/gpt-5.6", "openai/gpt-5.6-sol"],
  ])("%s means %s", async (words, ref) => {
    const found = await models.resolve(words);
    expect(`${found?.provider}/${found?.id}`).toBe(ref);
  });

  test("says as much of the model as its full name does", async () => {
    expect(await models.resolve("sonnet-4.6")).toMatchObject({
      contextWindow: 1_000_000,
      maxTokens: 128_000,
      cost: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
    });
  });
});

test("the catalogue claims no price of zero for a paid service", () => {
  const free = Object.entries(PROVIDERS).flatMap(([provider, { models }]) =>
    (models ?? []).filter(({ cost }) => cost && cost.input + cost.output === 0).map(({ id }) => `${provider}/${id}`),
  );
  expect(free).toEqual([]);
});
