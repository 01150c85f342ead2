import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  type ChatGateway,
  chatEnd,
  framesOf,
  freshKey,
  kinds,
  mockProvider,
  startChatGateway,
  transcript,
} from "./testing/chat-gateway.ts";

let gateway: ChatGateway;
beforeAll(async () => {
  gateway = await startChatGateway();
});
afterAll(() => gateway.stop());

/** The chat frame that tells the reader of a failure; the last one of its run. */
const notice = (runId: string, { client } = gateway) =>
  client.event("chat", (payload) => payload.runId === runId && payload.state === "error" && payload.seq === 1, 0);

describe("a provider's refusal", () => {
  test("ends the run in two error frames, is stored, and is not tried again", async () => {
    const { client, model, services } = gateway;
    const { sessionKey, id } = freshKey();
    const before = model.count;
    await client.call("chat.send", {
      sessionKey,
      message: "FAIL:400 key model-key-0123456789",
      idempotencyKey: id("a"),
    });
    const told = await notice(id("a"));
    expect(model.count - before).toBe(1);
    expect(kinds(client.frames, id("a")).slice(-6)).toEqual([
      "agent/lifecycle/model",
      "agent/lifecycle/finishing",
      "agent/lifecycle/model",
      "agent/lifecycle/fallback_step",
      "agent/lifecycle/error",
      "chat/error",
    ]);
    expect(framesOf(client, id("a")).filter(({ state }) => state === "error")).toHaveLength(2);
    const [first] = framesOf(client, id("a")).filter(({ state }) => state === "error");
    expect(first).toMatchObject({
      agentId: "main",
      errorDetail: {
        provider: "mock",
        model: "mock-1",
        failoverReason: "format",
        providerRuntimeFailureKind: "schema",
      },
    });
    expect(first.errorMessage).toContain("HTTP 400");
    expect(told.payload.errorDetail).toBeUndefined();
    expect(told.payload.errorMessage).toContain(first.errorMessage);
    expect(await transcript(gateway, sessionKey)).toEqual([
      "user: FAIL:400 key model-key-0123456789",
      "assistant: ⚠️ No answer: the provider refused the request as malformed, HTTP 400.",
    ]);
    expect((await services.sessions.repository.find(sessionKey))?.entry.status).toBe("failed");
    // The provider quoted its key back; no frame repeats it.
    const said = JSON.stringify(client.events().filter(({ payload }) => payload?.runId === id("a")));
    expect(said).not.toContain("model-key-0123456789");
  });

  test("of the credentials names them without showing any", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    await client.call("chat.send", { sessionKey, message: "FAIL:401 bad", idempotencyKey: id("a") });
    await notice(id("a"));
    const [first] = framesOf(client, id("a")).filter(({ state }) => state === "error");
    expect(first.errorDetail.failoverReason).toBe("auth");
    expect(first.errorMessage).toContain("credentials");
  });

  test("is not told to the model with the next message", async () => {
    const { client, model } = gateway;
    const { sessionKey, id } = freshKey();
    await client.call("chat.send", { sessionKey, message: "FAIL:400 x", idempotencyKey: id("a") });
    await notice(id("a"));
    await client.call("chat.send", { sessionKey, message: "hello", idempotencyKey: id("b") });
    await chatEnd(client, id("b"));
    expect(JSON.stringify(model.calls.at(-1)!.body)).not.toContain("No answer");
  });
});

test("a failing model hands over to its fallback, and the run says so", async () => {
  const refusing = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("no", { status: 401 }) });
  const bad = { baseUrl: `http://127.0.0.1:${refusing.port}/v1`, apiKey: "x", models: [{ id: "m", name: "m" }] };
  const { models } = mockProvider(gateway.model.baseUrl) as { models: { providers: object } };
  const config = {
    agents: { defaults: { model: { primary: "bad/m", fallbacks: ["mock/mock-1"] } } },
    models: { ...models, providers: { ...models.providers, bad } },
  };
  const other = await startChatGateway({ config: config as never });
  const { sessionKey, id } = freshKey();
  await other.client.call("agent", { sessionKey, message: "hello", idempotencyKey: id("a") });
  const { payload } = await other.client.until(() =>
    other.client.frames.find(({ payload: p }) => p?.summary === "completed"),
  );
  expect(payload.result.payloads[0].text).toBe("echo: hello");
  const { agentMeta, executionTrace } = payload.result.meta;
  expect(executionTrace).toMatchObject({ winnerModel: "mock-1", fallbackUsed: true });
  expect(executionTrace.attempts.map(({ result }: { result: string }) => result)).toEqual(["error", "success"]);
  expect(agentMeta.terminalReceipt).toMatchObject({
    requested: { provider: "bad", model: "m" },
    effective: { provider: "mock", model: "mock-1" },
    rerouted: true,
  });
  const steps = framesOf(other.client, id("a"), "agent").filter(({ data }) => data.phase === "fallback_step");
  expect(steps.map(({ data }) => data)).toMatchObject([
    { fallbackStepFromModel: "bad/m", fallbackStepToModel: "mock/mock-1", fallbackStepFromFailureReason: "auth" },
  ]);
  await other.stop();
  await refusing.stop(true);
});

test("a run that takes too long is ended and says so", async () => {
  const { client, services } = gateway;
  const { sessionKey, id } = freshKey();
  const message = "SLOW:400 a b c d e f g h i j k l m n o p";
  await client.call("chat.send", { sessionKey, message, idempotencyKey: id("a"), timeoutMs: 600 });
  await notice(id("a"));
  expect(framesOf(client, id("a")).findLast(({ seq }) => seq !== 1)).toMatchObject({
    state: "error",
    errorKind: "timeout",
  });
  expect((await services.sessions.repository.find(sessionKey))?.entry.status).toBe("timeout");
  const stored = (await services.sessions.recent(sessionKey, 5)).at(-1)!;
  expect(stored).toMatchObject({ stopReason: "aborted", errorMessage: expect.stringContaining("longer than allowed") });
  expect(await client.call("agent.wait", { runId: id("a"), timeoutMs: 0 })).toMatchObject({
    status: "timeout",
    timeoutPhase: "provider",
  });
});

describe("a message that cannot be taken", () => {
  const cases: [string, object, object][] = [
    ["empty", { message: "" }, { message: "message or attachment required" }],
    ["blank", { message: "   " }, { message: "message or attachment required" }],
    ["with a null byte", { message: "a\0b" }, { message: "message must not contain null bytes" }],
    [
      "without session",
      { sessionKey: undefined },
      { details: { code: "SESSION_MUTATION_TARGET_REQUIRED", method: "chat.send" } },
    ],
    ["to a malformed key", { sessionKey: "agent:main:" }, { message: 'malformed session key "agent:main:"' }],
    [
      "to an unknown agent",
      { sessionKey: "agent:ghost:main" },
      { message: 'Agent "ghost" no longer exists in configuration' },
    ],
    ["behind another leaf", { expectedLeafEntryId: "nope" }, { details: { reason: "active-leaf-changed" } }],
    [
      "with an image for a model without eyes",
      {
        attachments: [
          {
            content: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
          },
        ],
      },
      { message: "mock/mock-1 does not take images; choose another model with /model" },
    ],
  ];
  test.each(cases)("%s", async (_name, change, expected) => {
    const { sessionKey, id } = freshKey();
    const params = { sessionKey, message: "x", idempotencyKey: id("a"), ...change };
    const { ok, error } = await gateway.client.request("chat.send", params);
    expect(ok).toBe(false);
    expect(error).toMatchObject({ code: "INVALID_REQUEST", ...expected });
    expect(await gateway.services.runs.find(id("a"))).toBeNull();
  });
});

test("an image goes to a model that sees", async () => {
  const { client, model, services } = gateway;
  const { sessionKey, id } = freshKey();
  await services.sessions.ensure(sessionKey, { createdVia: "operator" });
  await services.sessions.setOverrides(sessionKey, { modelOverride: "mock/eye-1" });
  const content = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  await client.call("chat.send", {
    sessionKey,
    message: "what is this",
    idempotencyKey: id("a"),
    attachments: [{ content }],
  });
  await chatEnd(client, id("a"));
  expect(JSON.stringify(model.calls.at(-1)!.body)).toContain(`data:image/png;base64,${content}`);
  const [stored] = await services.sessions.recent(sessionKey, 5);
  expect(stored!.content).toEqual([
    { type: "text", text: "what is this" },
    { type: "image", data: content, mimeType: "image/png" },
  ]);
});

test("KNOWN_ATTACKS 126: the gateway's own secrets do not leave in an answer, neither streamed nor stored", async () => {
  const { client, services } = gateway;
  const { sessionKey, id } = freshKey();
  const secret = "model-key-0123456789";
  await client.call("chat.send", { sessionKey, message: `SLOW:5 the key is ${secret} yes`, idempotencyKey: id("a") });
  await chatEnd(client, id("a"));
  const said = JSON.stringify(client.events().filter(({ payload }) => payload?.runId === id("a")));
  expect(said).not.toContain(secret);
  expect(said).toContain("echo: the key is [redacted:known-secret] yes");
  const [, stored] = await services.sessions.recent(sessionKey, 5);
  expect(stored!.content).toEqual([{ type: "text", text: "echo: the key is [redacted:known-secret] yes" }]);
  await client.event("security.decision", ({ runId }) => runId === id("a"), 0);
});

describe("without a model", () => {
  let bare: ChatGateway;
  beforeAll(async () => {
    bare = await startChatGateway({
      config: { agents: undefined, models: { discovery: { enabled: false } } } as never,
    });
  });
  afterAll(() => bare.stop());

  test("a message is answered with what to do, and commands still work", async () => {
    const { client } = bare;
    const { sessionKey, id } = freshKey();
    await client.call("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: id("a") });
    const { message } = (await chatEnd(client, id("a"))).payload;
    expect(message).toMatchObject({ provider: "openclaw", model: "gateway-injected", usage: { totalTokens: 0 } });
    expect(message.content[0].text).toStartWith("No model is set up yet.");
    expect(message.content[0].text).toContain("ANTHROPIC_API_KEY");
    await client.call("chat.send", { sessionKey, message: "/status", idempotencyKey: id("b") });
    expect((await chatEnd(client, id("b"))).payload.message.content[0].text).toContain("Model: none is set up");
    expect(bare.model.count).toBe(0);
  });

  test("agent answers the same, and wait tells that it ended", async () => {
    const { client } = bare;
    const { sessionKey, id } = freshKey();
    await client.call("agent", { sessionKey, message: "hello", idempotencyKey: id("a") });
    const wait = await client.call("agent.wait", { runId: id("a"), timeoutMs: 5000 });
    expect(wait).toMatchObject({ status: "ok", terminalReply: { disposition: "visible" } });
    expect(wait.terminalReply.text).toStartWith("No model is set up yet.");
  });

  test("a model that the session chose and that is gone is named", async () => {
    const { client, services } = gateway;
    const { sessionKey, id } = freshKey();
    await services.sessions.setOverrides(sessionKey, { modelOverride: "gone/model" });
    await client.call("chat.send", { sessionKey, message: "hello", idempotencyKey: id("a") });
    const text = (await chatEnd(client, id("a"))).payload.message.content[0].text;
    expect(text).toStartWith('The model "gone/model" is not available');
    expect(text).toContain("mock/mock-1");
  });
});
