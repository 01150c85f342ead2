import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Frame } from "../gateway/testing.ts";
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

/** Both answers of a call. */
async function run(params: object, client = gateway.client): Promise<{ first: Frame; final: Frame }> {
  const id = `agent-${Math.random()}`;
  client.send({ type: "req", id, method: "agent", params });
  const first = await client.answer(id);
  if (!first.ok || first.payload.status !== "accepted") return { first, final: first };
  return { first, final: await client.answer(id, 1) };
}

describe("agent", () => {
  test("accepts, runs, and gives the answer on the same id", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    const { first, final } = await run({ sessionKey, message: "hello", idempotencyKey: id("a") });
    expect(first.payload).toEqual({
      runId: id("a"),
      sessionKey,
      agentId: "main",
      status: "accepted",
      acceptedAt: expect.any(Number),
    });
    expect(final.payload).toMatchObject({
      runId: id("a"),
      status: "ok",
      summary: "completed",
      result: {
        payloads: [{ text: "echo: hello", mediaUrl: null }],
        meta: {
          agentMeta: {
            provider: "mock",
            model: "mock-1",
            usage: { input: 10, output: 5, total: 15 },
            promptTokens: 10,
          },
          finalPromptText: "hello",
          finalAssistantVisibleText: "echo: hello",
          executionTrace: { fallbackUsed: false },
        },
      },
    });
    expect(kinds(client.frames, id("a"))).toEqual([
      "agent/lifecycle/start",
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
    // The final frames are out before the second answer.
    const at = (frame: Frame | undefined) => client.frames.indexOf(frame!);
    expect(
      at(client.frames.find(({ payload }) => payload?.runId === id("a") && payload.state === "final")),
    ).toBeLessThan(at(final));
  });

  test("repeats the stored answer for a key, whatever the message", async () => {
    const { model } = gateway;
    const { sessionKey, id } = freshKey();
    const { final } = await run({ sessionKey, message: "hello", idempotencyKey: id("a") });
    const before = model.count;
    const again = await run({ sessionKey, message: "another", idempotencyKey: id("a") });
    expect(again.first.payload).toEqual(final.payload);
    expect(model.count).toBe(before);
  });

  test("tells that a repeated key is in flight, and that a stopped run was aborted", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    const params = { sessionKey, message: "SLOW:100 a b c d e", idempotencyKey: id("a") };
    const running = run(params);
    await client.event("chat", ({ runId, state }) => runId === id("a") && state === "delta", 0);
    expect((await run(params)).first.payload).toEqual({
      runId: id("a"),
      status: "in_flight",
      sessionKey,
      agentId: "main",
    });
    await client.call("chat.abort", { sessionKey, runId: id("a") });
    const aborted = { runId: id("a"), status: "timeout", summary: "aborted", stopReason: "rpc" };
    expect((await running).final.payload).toEqual(aborted);
    expect((await run(params)).first.payload).toEqual(aborted);
  });

  test("fails with an error frame that says what the run said", async () => {
    const { sessionKey, id } = freshKey();
    const params = { sessionKey, message: "FAIL:400 no", idempotencyKey: id("a") };
    const { first, final } = await run(params);
    expect(first.payload.status).toBe("accepted");
    expect(final).toMatchObject({ ok: false, error: { code: "UNAVAILABLE" } });
    expect(final.payload).toEqual({ runId: id("a"), status: "error", summary: final.error.message });
    expect((await run(params)).first.error).toEqual(final.error);
    expect(framesOf(gateway.client, id("a")).filter(({ state }) => state === "error")).toHaveLength(1);
  });

  test("ends with a timeout after the seconds it was given", async () => {
    const { sessionKey, id } = freshKey();
    const message = "SLOW:300 a b c d e f g h i j";
    const { final } = await run({ sessionKey, message, idempotencyKey: id("a"), timeout: 1 });
    expect(final.payload).toMatchObject({
      status: "timeout",
      summary: "aborted",
      timeoutPhase: "provider",
      result: { payloads: [{ isError: true }] },
    });
  });

  test("takes a model, a level and a prompt for one run", async () => {
    const { model } = gateway;
    const { sessionKey, id } = freshKey();
    const extra = { provider: "mock", model: "think-1", thinking: "low", extraSystemPrompt: "Answer in rhyme." };
    await run({ sessionKey, message: "hello", idempotencyKey: id("a"), ...extra });
    const { body } = model.calls.at(-1)!;
    expect(body.model).toBe("think-1");
    expect(JSON.stringify(body)).toContain("Answer in rhyme.");
    expect(JSON.stringify(body)).toContain('"reasoning_effort":"low"');
    await run({ sessionKey, message: "hello", idempotencyKey: id("b") });
    expect(model.calls.at(-1)!.body.model).toBe("mock-1");
  });

  test("refuses a level that the model does not have", async () => {
    const { sessionKey, id } = freshKey();
    const { final } = await run({ sessionKey, message: "x", idempotencyKey: id("a"), thinking: "high" });
    expect(final.error.message).toBe('Thinking level "high" is not supported for mock/mock-1. Use one of: off.');
    const odd = await run({ sessionKey, message: "x", idempotencyKey: id("b"), thinking: "gigantic" });
    expect(odd.final.error.message).toBe("Invalid thinking level. Use one of: off.");
  });

  test("/new alone is answered at once, with text it runs that", async () => {
    const { sessionKey, id } = freshKey();
    const { first } = await run({ sessionKey, message: "/new", idempotencyKey: id("a") });
    expect(first.payload).toMatchObject({ status: "ok", result: { payloads: [{ isStatusNotice: true }] } });
    const { final } = await run({ sessionKey, message: "/reset now say hi", idempotencyKey: id("b") });
    expect(final.payload.result.payloads[0].text).toBe("echo: now say hi");
  });
});

describe("the session of a run", () => {
  const keyOf = async (params: object) => (await run(params)).final.payload.result.meta.agentMeta.sessionFile;

  test("is one of its own when none is named", async () => {
    const { id } = freshKey();
    const { first, final } = await run({ message: "x", idempotencyKey: id("a") });
    expect(first.payload.sessionKey).toBeUndefined();
    const { sessionFile, sessionId } = final.payload.result.meta.agentMeta;
    expect([sessionFile, sessionId]).toEqual([`agent:main:explicit:${id("a")}`, id("a")]);
  });

  test("is the main one for an agent or a recipient", async () => {
    const { id } = freshKey();
    expect(await keyOf({ message: "x", agentId: "main", idempotencyKey: id("a") })).toBe("agent:main:main");
    expect(await keyOf({ message: "x", to: "+490000", idempotencyKey: id("b") })).toBe("agent:main:main");
  });

  test("is found by its id, or made under it", async () => {
    const { services } = gateway;
    const { sessionKey, id } = freshKey();
    const { sessionId } = await services.sessions.ensure(sessionKey, { createdVia: "operator" });
    expect(await keyOf({ message: "x", sessionId, idempotencyKey: id("a") })).toBe(sessionKey);
    expect(await keyOf({ message: "x", sessionId: `own-${id("s")}`, idempotencyKey: id("b") })).toBe(
      `agent:main:explicit:own-${id("s")}`,
    );
  });

  test("KNOWN_ATTACKS 61: an id is a key of the database and never a path", async () => {
    const { id } = freshKey();
    const key = await keyOf({ message: "x", sessionId: "../../../../tmp/pwn", idempotencyKey: id("a") });
    expect(key).toBe("agent:main:explicit:../../../../tmp/pwn");
    expect(await transcript(gateway, key)).toEqual(["user: x", "assistant: echo: x"]);
    expect(await Bun.file("/tmp/pwn").exists()).toBe(false);
  });
});

test("a client of wire version 3 may name its default channel where nothing is delivered", async () => {
  const old = await gateway.connect({ minProtocol: 3, maxProtocol: 3 });
  const call = { sessionKey: freshKey().sessionKey, message: "from then", channel: "whatsapp" };
  const { first, final } = await run({ ...call, idempotencyKey: "then" }, old);
  expect([first.payload.status, final.payload.status]).toEqual(["accepted", "ok"]);
  const refused = await run({ ...call, idempotencyKey: "now" });
  expect(refused.first.error.message).toBe("invalid agent params: unknown channel: whatsapp");
});

describe("agent refuses", () => {
  const refusals: [string, object, string][] = [
    ["an unknown agent", { agentId: "ghost" }, 'invalid agent params: unknown agent id "ghost"'],
    ["an unknown channel", { channel: "pigeon" }, "invalid agent params: unknown channel: pigeon"],
    [
      "delivery to nowhere",
      { deliver: true },
      "Channel is required (no configured channels detected). Run openclaw channels add to configure one, or pass --channel <channel> after enabling a channel. Use openclaw channels list --all to see available channel ids.",
    ],
    [
      "a run without persistence",
      { modelRun: true },
      "invalid agent params: modelRun is not available in this gateway",
    ],
    [
      "a prompt mode without it",
      { promptMode: "none" },
      'promptMode="none" requires modelRun=true so the run cannot mutate a durable session.',
    ],
    ["KNOWN_ATTACKS 27: another root", { cwd: "/etc" }, "cwd is reserved for plugin-owned subagent runs"],
  ];
  test.each(refusals)("%s", async (_name, params, message) => {
    const { sessionKey, id } = freshKey();
    const base = "agentId" in params ? {} : { sessionKey };
    const { first } = await run({ ...base, message: "x", idempotencyKey: id("a"), ...params });
    expect(first.error).toMatchObject({ code: "INVALID_REQUEST", message });
  });

  test.each(["workspaceDir", "spawnedBy"])("KNOWN_ATTACKS 27: %s", async (name) => {
    const { id } = freshKey();
    const { first } = await run({ message: "x", idempotencyKey: id("a"), [name]: "/etc" });
    expect(first.error.message).toContain(`unexpected property '${name}'`);
  });

  test("a reader, and a writer who chooses the model", async () => {
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    const writer = await gateway.connect({ scopes: ["operator.write"] });
    const { sessionKey, id } = freshKey();
    const params = { sessionKey, message: "x", idempotencyKey: id("a") };
    expect((await run(params, reader)).first.error.message).toBe("missing scope: operator.write");
    expect((await run({}, reader)).first.error.message).toBe("missing scope: operator.write");
    for (const choice of [{ model: "mock/think-1" }, { provider: "mock", model: "think-1" }]) {
      expect((await run({ ...params, ...choice }, writer)).first.error.message).toBe(
        "provider/model overrides are not authorized for this caller.",
      );
    }
    expect((await run(params, writer)).final.payload.status).toBe("ok");
  });
});

describe("KNOWN_ATTACKS 28: where a message comes from is not the sender's to say", () => {
  test.each([
    [{ systemInputProvenance: { kind: "internal_system" } }, "system provenance fields require admin scope"],
    [{ systemProvenanceReceipt: "x" }, "system provenance fields require admin scope"],
    [{ suppressCommandInterpretation: true }, "system provenance fields require admin scope"],
    [{ originatingChannel: "telegram", originatingTo: "1" }, "originating route fields require admin scope"],
  ])("%j", async (fields, message) => {
    const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    const { sessionKey, id } = freshKey();
    const { error } = await writer.request("chat.send", {
      sessionKey,
      message: "x",
      idempotencyKey: id("a"),
      ...fields,
    });
    expect(error).toMatchObject({ code: "INVALID_REQUEST", message });
  });

  test("a writer's message is not marked as the owner's", async () => {
    const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    const { sessionKey, id } = freshKey();
    await writer.call("chat.send", { sessionKey, message: "x", idempotencyKey: id("a") });
    await chatEnd(gateway.client, id("a"));
    const [stored] = await gateway.services.sessions.recent(sessionKey, 5);
    expect(stored!.meta?.senderIsOwner).toBeUndefined();
  });
});

describe("agent.wait", () => {
  test("tells how a run ended, while it is waited for and later", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    const running = run({ sessionKey, message: "SLOW:30 a b", idempotencyKey: id("a") });
    const waited = await client.call("agent.wait", { runId: id("a"), timeoutMs: 5000 });
    expect(waited).toEqual({
      runId: id("a"),
      status: "ok",
      startedAt: expect.any(Number),
      endedAt: expect.any(Number),
      stopReason: "stop",
      livenessState: "working",
      terminalReceipt: expect.objectContaining({ runId: id("a"), terminalDisposition: "visible" }),
      terminalReply: { disposition: "visible", text: "echo: a b" },
    });
    await running;
    const { startedAt: _, ...later } = waited;
    expect(await client.call("agent.wait", { runId: id("a") })).toEqual(later);
  });

  test("gives up after its time, also on a run that nobody knows", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    expect(await client.call("agent.wait", { runId: "nope", timeoutMs: 0 })).toEqual({
      runId: "nope",
      status: "timeout",
    });
    await client.call("chat.send", { sessionKey, message: "SLOW:50 a b c", idempotencyKey: id("a") });
    expect(await client.call("agent.wait", { runId: id("a"), timeoutMs: 1 })).toEqual({
      runId: id("a"),
      status: "timeout",
    });
    await chatEnd(client, id("a"));
  });
});
