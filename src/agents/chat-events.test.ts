import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  type ChatGateway,
  chatEnd,
  framesOf,
  freshKey,
  kinds,
  startChatGateway,
  transcript,
} from "./testing/chat-gateway.ts";

let gateway: ChatGateway;
beforeAll(async () => {
  gateway = await startChatGateway();
});
afterAll(() => gateway.stop());

test("a run tells its phases, its text and its end in upstream's order", async () => {
  const { client } = gateway;
  const { sessionKey, id } = freshKey();
  const runId = id("a");
  const from = client.frames.length;
  expect(await client.call("chat.send", { sessionKey, message: "one two three", idempotencyKey: runId })).toEqual({
    runId,
    status: "started",
  });
  await chatEnd(client, runId);
  const frames = client.frames.slice(from);
  expect(frames[0]!.type).toBe("res");
  expect(kinds(frames, runId)).toEqual([
    "chat/status/preparing_workspace",
    "agent/run_status/preparing_workspace",
    "chat/status/preparing_context",
    "agent/run_status/preparing_context",
    "agent/lifecycle/start",
    "chat/status/starting_model",
    "agent/run_status/starting_model",
    "agent/lifecycle/model",
    "agent/assistant",
    "chat/delta",
    "agent/assistant",
    "agent/usage",
    "agent/lifecycle/finishing",
    "agent/lifecycle/model",
    "agent/lifecycle/end",
    "chat/delta",
    "chat/final",
  ]);
  const chat = framesOf(client, runId);
  expect(chat.at(-1)).toEqual({
    runId,
    sessionKey,
    agentId: "main",
    seq: expect.any(Number),
    state: "final",
    stopReason: "stop",
    message: {
      role: "assistant",
      content: [{ type: "text", text: "echo: one two three" }],
      timestamp: expect.any(Number),
    },
  });
});

test("both kinds of frame share one counter that never goes back", async () => {
  const { client } = gateway;
  const { sessionKey, id } = freshKey();
  const runId = id("a");
  await client.call("chat.send", { sessionKey, message: "a b c d e f", idempotencyKey: runId });
  await chatEnd(client, runId);
  const frames = client.events().filter(({ payload }) => payload?.runId === runId);
  const seqs = frames.map(({ payload }) => payload.seq as number);
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  expect(seqs[0]).toBe(1);
  // Every piece of text takes a number, also one that is merged with others.
  expect(seqs.at(-1)).toBeGreaterThanOrEqual(7 + "echo: a b c d e f".split(" ").length);
});

test("deltas put together are the text, each says the whole so far, and the last comes right before the end", async () => {
  const { client } = gateway;
  const { sessionKey, id } = freshKey();
  const runId = id("a");
  await client.call("chat.send", { sessionKey, message: "SLOW:20 a b c d e f g h i j", idempotencyKey: runId });
  await chatEnd(client, runId);
  const deltas = framesOf(client, runId).filter(({ state }) => state === "delta");
  let text = "";
  for (const { deltaText, message } of deltas) {
    text += deltaText;
    expect(message.content).toEqual([{ type: "text", text }]);
  }
  expect(text).toBe("echo: a b c d e f g h i j");
  const pieces = framesOf(client, runId, "agent").filter(({ stream }) => stream === "assistant");
  expect(pieces.map(({ data }) => data.delta).join("")).toBe(text);
});

test("what a final frame tells is stored when it is sent", async () => {
  const { client, services } = gateway;
  const { sessionKey, id } = freshKey();
  const runId = id("a");
  await client.call("chat.send", { sessionKey, message: "keep this", idempotencyKey: runId });
  await chatEnd(client, runId);
  const [user, assistant] = await services.sessions.recent(sessionKey, 10);
  expect(user).toMatchObject({
    role: "user",
    content: "keep this",
    idempotencyKey: `${runId}:user`,
    meta: { senderIsOwner: true, transport: { clients: [{ id: "gateway-client", mode: "backend" }] } },
  });
  expect(assistant).toMatchObject({
    role: "assistant",
    content: [{ type: "text", text: "echo: keep this" }],
    api: "openai-completions",
    provider: "mock",
    model: "mock-1",
    stopReason: "stop",
    responseId: "chatcmpl-mock",
    meta: { runId },
    usage: { input: 10, output: 5, totalTokens: 15, cost: { input: 0.00001, output: 0.00001, total: 0.00002 } },
  });
  const stored = await services.sessions.repository.find(sessionKey);
  expect(stored?.entry).toMatchObject({
    status: "done",
    lastRunId: runId,
    abortedLastRun: false,
    inputTokens: 10,
    outputTokens: 5,
    totalTokens: 10,
    estimatedCostUsd: 0.00002,
    modelProvider: "mock",
    model: "mock-1",
  });
  expect((await services.runs.find(runId))?.outcome?.status).toBe("ok");
});

test("the model is told what was said before", async () => {
  const { client, model } = gateway;
  const { sessionKey, id } = freshKey();
  for (const [name, message] of [
    ["a", "first"],
    ["b", "second"],
  ] as const) {
    await client.call("chat.send", { sessionKey, message, idempotencyKey: id(name) });
    await chatEnd(client, id(name));
  }
  const { messages } = model.calls.at(-1)!.body as { messages: { role: string; content: unknown }[] };
  expect(messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
  expect(JSON.stringify(messages)).toContain("echo: first");
});

test("an empty answer is asked for once more, and only the visible one is kept", async () => {
  const { client, model } = gateway;
  const { sessionKey, id } = freshKey();
  const before = model.count;
  await client.call("chat.send", { sessionKey, message: "EMPTY:", idempotencyKey: id("a") });
  const end = await chatEnd(client, id("a"));
  expect(model.count - before).toBe(2);
  expect(end.payload.message.content[0].text).toStartWith("echo: ");
  expect(kinds(client.frames, id("a")).filter((kind) => kind.startsWith("chat/status"))).toEqual([
    "chat/status/preparing_workspace",
    "chat/status/preparing_context",
    "chat/status/starting_model",
    "chat/status/preparing_context",
    "chat/status/starting_model",
  ]);
  expect((await transcript(gateway, sessionKey)).length).toBe(2);
});

test("a connection without operator.read gets no frame of a run", async () => {
  const { client } = gateway;
  const blind = await gateway.connect({ scopes: ["operator.pairing"] });
  const { sessionKey, id } = freshKey();
  await client.call("chat.send", { sessionKey, message: "secret", idempotencyKey: id("a") });
  await chatEnd(client, id("a"));
  expect(blind.events().filter(({ event }) => event === "chat" || event === "agent")).toEqual([]);
});

test("a run over Anthropic's API looks the same", async () => {
  const models = [{ id: "mock-1", name: "m", input: ["text"], contextWindow: 100_000, maxTokens: 1000 }];
  const claude = { baseUrl: gateway.model.anthropicBaseUrl, apiKey: "x", api: "anthropic-messages", models };
  const other = await startChatGateway({
    config: {
      agents: { defaults: { model: { primary: "claude/mock-1" } } },
      models: { discovery: { enabled: false }, providers: { claude } },
    } as never,
  });
  const { sessionKey, id } = freshKey();
  const before = gateway.model.count;
  await other.client.call("chat.send", { sessionKey, message: "one two", idempotencyKey: id("a") });
  const { message } = (await chatEnd(other.client, id("a"))).payload;
  expect(message.content).toEqual([{ type: "text", text: "echo: one two" }]);
  expect(gateway.model.count - before).toBe(1);
  const [, stored] = await other.services.sessions.recent(sessionKey, 5);
  expect(stored).toMatchObject({ api: "anthropic-messages", provider: "claude", usage: { input: 10, output: 5 } });
  await other.stop();
});
