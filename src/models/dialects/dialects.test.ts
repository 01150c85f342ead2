import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { Models } from "../models.ts";
import { ableModel, askModel, modelsOf } from "../testing/models.ts";
import { type Act, startWireServer } from "../testing/wire-server.ts";
import { APIS, type Api, SEAL, USED } from "../testing/wires.ts";
import type { ModelMessage } from "../types.ts";

const KEY = "wire-key-0123456789";
let act: Act;
const server = startWireServer(() => act);
afterAll(() => server.close());
beforeEach(() => {
  act = { do: "say", said: { text: "Good day to you." } };
});

const models = (api: Api, over: object = {}): Models =>
  modelsOf({
    models: {
      providers: { p: { baseUrl: server.baseUrl(api), api, apiKey: KEY, models: [ableModel("m-1")], ...over } },
    },
  });
const lastBody = () => JSON.stringify(server.calls.at(-1)!.body);

/** A conversation in which the model has called a tool with a thought before it. */
const afterCall = (api: string, thinkingSignature: string, provider = "p"): ModelMessage[] => [
  { role: "user", content: "read it" },
  {
    role: "assistant",
    origin: { api, provider, model: "m-1" },
    content: [
      { type: "thinking", thinking: "I should read.", thinkingSignature },
      { type: "toolCall", id: "call_1", name: "read", arguments: { path: "a.txt" }, thoughtSignature: SEAL },
    ],
  },
  { role: "toolResult", toolCallId: "call_1", toolName: "read", content: "the words of the file" },
];

describe.each(APIS)("%s", (api) => {
  test("streams text in pieces, with its key, and tells tokens and cost", async () => {
    const { events, text, finish, error } = await askModel(models(api), "p/m-1");
    expect(error).toBeUndefined();
    expect(text).toBe("Good day to you.");
    expect(events.filter(({ type }) => type === "text").length).toBeGreaterThan(1);
    expect(server.calls.at(-1)).toMatchObject({ api, key: KEY });
    expect(lastBody()).toContain("Be brief.");
    const cacheRead = api === "ollama" ? 0 : USED.cached;
    const input = USED.input - cacheRead;
    expect(finish).toMatchObject({
      stopReason: "stop",
      usage: { input, output: USED.output, cacheRead, cacheWrite: 0, totalTokens: USED.input + USED.output },
    });
    expect(finish!.usage.cost.total).toBeCloseTo((input + cacheRead * 0.5 + USED.output * 10) / 1e6, 12);
  });

  test("tells thoughts apart from text", async () => {
    act = { do: "say", said: { thinking: "They greet me.", text: "Hello." } };
    const { thinking, text } = await askModel(models(api), "p/m-1", { thinking: "high" });
    expect([thinking, text]).toEqual(["They greet me.", "Hello."]);
  });

  test("tells tool calls, and offers the tools", async () => {
    const said = { text: "Looking.", calls: [{ id: "call_1", name: "read", args: '{"path":"a.txt"}' }] };
    act = { do: "say", said };
    const parameters = { type: "object", properties: { path: { type: "string" } }, required: ["path"] };
    const tools = [{ name: "read", description: "Reads a file.", parameters }];
    const { calls, text, finish } = await askModel(models(api), "p/m-1", { tools });
    expect(text).toBe("Looking.");
    expect(calls).toMatchObject([{ name: "read", arguments: { path: "a.txt" } }]);
    expect(calls[0]!.id).toMatch(/^[\w-]{1,64}$/);
    expect(finish!.stopReason).toBe("toolUse");
    expect(lastBody()).toContain("Reads a file.");
    expect(lastBody()).toContain('"required":["path"]');
  });

  test("is given calls and results of before", async () => {
    await askModel(models(api), "p/m-1", { messages: afterCall("other", "x") });
    expect(lastBody()).toContain("a.txt");
    expect(lastBody()).toContain("the words of the file");
    expect(lastBody()).not.toContain("I should read.");
  });

  test("is given images, also those of tools", async () => {
    const image = { type: "image" as const, data: "aW1hZ2U=", mimeType: "image/png" };
    await askModel(models(api), "p/m-1", {
      messages: [{ role: "user", content: [{ type: "text", text: "see" }, image] }],
    });
    expect(lastBody()).toContain("aW1hZ2U=");
    const [first, second, third] = afterCall(api, "x");
    const result = { ...third!, content: [{ type: "text" as const, text: "a picture" }, image] };
    await askModel(models(api), "p/m-1", { messages: [first!, second!, result] });
    expect(lastBody()).toContain("aW1hZ2U=");
    expect(lastBody()).toContain("a picture");
  });

  test("tells an answer that was cut at its length", async () => {
    act = { do: "say", said: { text: "Once upon", stop: "length" } };
    expect((await askModel(models(api), "p/m-1")).finish!.stopReason).toBe("length");
  });

  test("sends the bound of the answer, and what the configuration adds", async () => {
    const config = models(api, { headers: { "X-Team": "blue" } });
    await askModel(config, "p/m-1", { maxTokens: 77 });
    expect(lastBody()).toContain(":77");
    expect(server.calls.at(-1)!.headers["x-team"]).toBe("blue");
  });
});

describe("thoughts go back to the model that had them", () => {
  test("anthropic-messages: with their signature", async () => {
    await askModel(models("anthropic-messages"), "p/m-1", { messages: afterCall("anthropic-messages", SEAL) });
    expect(lastBody()).toContain(`"signature":"${SEAL}"`);
    expect(lastBody()).toContain("I should read.");
  });

  test("openai-responses: sealed, and nothing is stored at the provider", async () => {
    act = { do: "say", said: { thinking: "I should read.", text: "Reading." } };
    const { events } = await askModel(models("openai-responses"), "p/m-1", { thinking: "high" });
    const signature = events.flatMap((event) => (event.type === "thinking" ? (event.signature ?? []) : []))[0]!;
    expect(lastBody()).toContain('"store":false');
    expect(lastBody()).toContain('"effort":"high"');
    await askModel(models("openai-responses"), "p/m-1", { messages: afterCall("openai-responses", signature) });
    expect(lastBody()).toContain(`"encrypted_content":"${SEAL}"`);
  });

  test("google-generative-ai: the mark of a call", async () => {
    act = { do: "say", said: { calls: [{ id: "c", name: "read", args: "{}" }] } };
    const { calls } = await askModel(models("google-generative-ai"), "p/m-1");
    expect(calls[0]!.thoughtSignature).toBe(SEAL);
    await askModel(models("google-generative-ai"), "p/m-1", { messages: afterCall("google-generative-ai", "x") });
    expect(lastBody()).toContain(`"thoughtSignature":"${SEAL}"`);
  });

  test.each(["anthropic-messages", "openai-responses", "google-generative-ai"] as const)(
    "%s: not to another provider's model",
    async (api) => {
      await askModel(models(api), "p/m-1", { messages: afterCall(api, SEAL, "q") });
      expect(lastBody()).not.toContain(SEAL);
      expect(lastBody()).not.toContain("I should read.");
    },
  );
});

describe("call ids", () => {
  const foreign = (id: string): ModelMessage[] => [
    { role: "user", content: "go" },
    { role: "assistant", content: [{ type: "toolCall", id, name: "read", arguments: {} }] },
    { role: "toolResult", toolCallId: id, toolName: "read", content: "done" },
  ];

  test("of another provider are made fit, the same on both sides", async () => {
    await askModel(models("anthropic-messages"), "p/m-1", { messages: foreign(`functions.read:0|${"x".repeat(80)}`) });
    const ids = [...lastBody().matchAll(/"(?:tool_use_)?id":"([^"]+)"/g)].map((match) => match[1]!);
    expect(ids).toHaveLength(2);
    expect(ids[0]).toBe(ids[1]!);
    expect(ids[0]).toMatch(/^[\w-]{1,64}$/);
  });

  test("for Mistral have nine letters or digits", async () => {
    const mistral = modelsOf({
      models: {
        providers: {
          mistral: { baseUrl: server.baseUrl("openai-completions"), apiKey: KEY, models: [ableModel("m-1")] },
        },
      },
    });
    await askModel(mistral, "mistral/m-1", { messages: foreign("call_abcdefghijk") });
    expect(lastBody()).toMatch(/"tool_call_id":"[a-zA-Z0-9]{9}"/);
  });
});

describe("settings of one API alone", () => {
  test("Anthropic's own service is told what to keep of the prompt; others only on request", async () => {
    const row = { baseUrl: server.origin, api: "anthropic-messages", apiKey: KEY, models: [ableModel("m-1")] };
    const both = modelsOf({
      models: { providers: { anthropic: row, p: row, q: { ...row, params: { cacheRetention: "long" } } } },
    });
    await askModel(both, "anthropic/m-1");
    expect(lastBody().match(/"cache_control":\{"type":"ephemeral"\}/g)).toHaveLength(2);
    await askModel(both, "p/m-1");
    expect(lastBody()).not.toContain("cache_control");
    await askModel(both, "q/m-1");
    expect(lastBody()).toContain('"ttl":"1h"');
  });

  test("Ollama: size of the context, thinking, and options of the model", async () => {
    const row = ableModel("m-1", { contextTokens: 32_768, params: { top_k: 5, keep_alive: "9m", streaming: false } });
    await askModel(models("ollama", { models: [row] }), "p/m-1", { thinking: "off" });
    expect(server.calls.at(-1)!.body).toMatchObject({
      think: false,
      keep_alive: "9m",
      options: { num_ctx: 32_768, top_k: 5, num_predict: 4096 },
    });
    expect(lastBody()).not.toContain("streaming");
  });

  test("Google: thoughts are asked for, a key may be a bearer token", async () => {
    await askModel(models("google-generative-ai", { authHeader: true }), "p/m-1", { thinking: "low" });
    expect(lastBody()).toContain('"includeThoughts":true');
    const { headers } = server.calls.at(-1)!;
    expect([headers.authorization, headers["x-goog-api-key"]]).toEqual([`Bearer ${KEY}`, undefined]);
  });
});
