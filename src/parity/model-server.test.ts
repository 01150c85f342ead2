import { afterAll, describe, expect, test } from "bun:test";
import { startModelServer } from "./model-server.ts";

const server = startModelServer();
afterAll(() => server.close());

const post = (path: string, body: object, signal?: AbortSignal): Promise<Response> =>
  fetch(`${server.anthropicBaseUrl}${path}`, { method: "POST", body: JSON.stringify(body), signal });

const say = (text: string, more: object = {}) => ({
  model: "mock-1",
  messages: [{ role: "user", content: text }],
  ...more,
});

// biome-ignore lint/suspicious/noExplicitAny: answers of two wire formats, looked into by each test
type Json = any;

/** The `data:` lines of an event stream, parsed. */
async function events(response: Response): Promise<Json[]> {
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: "));
  return lines.map((line) => (line === "data: [DONE]" ? "DONE" : JSON.parse(line.slice(6))));
}

describe("chat completions", () => {
  test("echo the first line of what was typed, without what surrounds it", async () => {
    const text = "[Mon 2026-01-05 10:00 UTC] hello there\nsecond line\n\nRuntime: agent=main | host=x";
    const answer: Json = await (await post("/v1/chat/completions", say(text))).json();
    expect(answer.choices[0]).toEqual({
      index: 0,
      message: { role: "assistant", content: "echo: hello there" },
      finish_reason: "stop",
    });
    expect(answer.usage).toEqual({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 });
  });

  test("stream word by word, with usage before the end", async () => {
    const chunks = await events(await post("/v1/chat/completions", say("one two", { stream: true })));
    expect(chunks.at(-1)).toBe("DONE");
    const deltas = chunks.slice(0, -1).map((chunk) => chunk.choices[0]?.delta.content);
    expect(deltas.filter(Boolean)).toEqual(["echo: ", "one ", "two"]);
    expect(chunks.at(-2).usage.total_tokens).toBe(15);
    expect(chunks.at(-3).choices[0].finish_reason).toBe("stop");
  });

  test("call a tool, then report its result", async () => {
    const asked = say('TOOL:read {"path":"a.txt"}', { stream: true });
    const chunks = await events(await post("/v1/chat/completions", asked));
    const call = chunks.find((chunk) => chunk.choices?.[0]?.delta.tool_calls)?.choices[0].delta.tool_calls[0];
    expect(call.function).toEqual({ name: "read", arguments: '{"path":"a.txt"}' });
    const messages = [...asked.messages, { role: "tool", content: "first\nsecond", tool_call_id: call.id }];
    const answer: Json = await (await post("/v1/chat/completions", { messages })).json();
    expect(answer.choices[0].message.content).toBe("tool-result: first");
  });

  test("fail with the status asked for", async () => {
    const response = await post("/v1/chat/completions", say("FAIL:429 slow down"));
    expect(response.status).toBe(429);
    expect(await response.json()).toEqual({
      error: { message: "slow down", type: "mock_error", code: "mock_error" },
    });
  });

  test("answer without text when told to", async () => {
    const answer: Json = await (await post("/v1/chat/completions", say("EMPTY:"))).json();
    expect(answer.choices[0].message.content).toBe("");
  });

  test("remember what was asked, and who went away", async () => {
    const gone = new AbortController();
    const response = await post("/v1/chat/completions", say("SLOW:60000 a b", { stream: true }), gone.signal);
    const reader = response.body!.getReader();
    await reader.read();
    gone.abort();
    const call = server.calls.at(-1)!;
    while (!call.aborted) await Bun.sleep(5);
    expect(call.reply).toEqual({ kind: "text", text: "echo: a b", delayMs: 60_000 });
  });
});

describe("messages", () => {
  test("stream text as content blocks", async () => {
    const chunks = await events(await post("/v1/messages", say("one two", { stream: true })));
    expect(chunks.map((chunk) => chunk.type)).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_delta",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(chunks.at(-2)).toMatchObject({ delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } });
  });

  test("call a tool, then report its result", async () => {
    const asked = say('TOOL:read {"path":"a.txt"}');
    const answer: Json = await (await post("/v1/messages", asked)).json();
    expect(answer.content).toEqual([{ type: "tool_use", id: "call_mock_1", name: "read", input: { path: "a.txt" } }]);
    const result = { type: "tool_result", tool_use_id: "call_mock_1", content: [{ type: "text", text: "found it" }] };
    const messages = [...asked.messages, { role: "user", content: [result] }];
    const second: Json = await (await post("/v1/messages", { messages })).json();
    expect(second.content[0].text).toBe("tool-result: found it");
  });

  test("name the kind of failure", async () => {
    const response = await post("/v1/messages", say("FAIL:529 busy"));
    expect(await response.json()).toEqual({ type: "error", error: { type: "overloaded_error", message: "busy" } });
  });
});

test("the model list names the one model", async () => {
  const list: Json = await (await fetch(`${server.baseUrl}/models`)).json();
  expect(list.data.map((model: { id: string }) => model.id)).toEqual(["mock-1"]);
});
