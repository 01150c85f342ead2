import { afterAll, beforeAll, describe, expect, test } from "bun:test";
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

const SLOW = "SLOW:100 a b c d e f g h";

/** Sends a slow message and waits until some of its answer is there. */
async function busy(sessionKey: string, runId: string, client = gateway.client): Promise<void> {
  await client.call("chat.send", { sessionKey, message: SLOW, idempotencyKey: runId });
  await gateway.client.event(
    "chat",
    ({ runId: id, state, message }) => {
      return id === runId && state === "delta" && message.content[0].text.length > 6;
    },
    0,
  );
}

describe("chat.abort", () => {
  test("ends a run in the middle: what was said stays, marked, and is there before the answer", async () => {
    const { client, services } = gateway;
    const { sessionKey, id } = freshKey();
    await busy(sessionKey, id("a"));
    expect(await client.call("chat.abort", { sessionKey, runId: id("a") })).toEqual({
      ok: true,
      aborted: true,
      runIds: [id("a")],
    });
    const end = framesOf(client, id("a")).at(-1)!;
    const partial = end.message.content[0].text;
    expect(end).toMatchObject({ state: "aborted", stopReason: "rpc", agentId: "main" });
    expect("echo: a b c d e f g h").toStartWith(partial);
    const stored = (await services.sessions.recent(sessionKey, 10)).at(-1)!;
    expect(stored).toMatchObject({
      role: "assistant",
      content: [{ type: "text", text: partial }],
      provider: "openclaw",
      model: "gateway-injected",
      idempotencyKey: `${id("a")}:assistant`,
      extra: { openclawAbort: { aborted: true, origin: "rpc", runId: id("a") } },
    });
    const { entry } = (await services.sessions.repository.find(sessionKey))!;
    expect(entry).toMatchObject({ status: "killed", abortedLastRun: true, lastRunId: id("a") });
    expect(kinds(client.frames, id("a")).slice(-4)).toEqual([
      "chat/aborted",
      "agent/lifecycle/end",
      "agent/lifecycle/model",
      "agent/lifecycle/error",
    ]);
  });

  test("stops the call at the provider", async () => {
    const { client, model } = gateway;
    const { sessionKey, id } = freshKey();
    await busy(sessionKey, id("a"));
    const call = model.calls.at(-1)!;
    await client.call("chat.abort", { sessionKey });
    while (!call.aborted) await Bun.sleep(5);
    // Nothing follows the last frame, however long one waits: the word after next would have come by now.
    await Bun.sleep(250);
    expect(framesOf(client, id("a")).at(-1)!.state).toBe("aborted");
  });

  test("of a session ends what runs and what waits; what waited stays visible as cancelled", async () => {
    const { client, services } = gateway;
    const { sessionKey, id } = freshKey();
    await busy(sessionKey, id("a"));
    const send = (name: string, queueMode: string) =>
      client.call("chat.send", { sessionKey, message: `text ${name}`, idempotencyKey: id(name), queueMode });
    await send("b", "steer");
    await send("c", "followup");
    const { runIds } = await client.call("chat.abort", { sessionKey });
    expect(runIds).toEqual([id("a"), id("b"), id("c")]);
    expect(framesOf(client, id("b")).at(-1)).toEqual({
      runId: id("b"),
      sessionKey,
      seq: 1,
      state: "aborted",
      stopReason: "rpc",
    });
    expect(
      services.runs
        .pendingInputs(sessionKey)
        .map(({ runId, state }) => [runId, state])
        .sort(),
    ).toEqual([
      [id("b"), "cancelled"],
      [id("c"), "cancelled"],
    ]);
    expect((await transcript(gateway, sessionKey)).filter((line) => line.startsWith("user"))).toEqual([
      `user: ${SLOW}`,
    ]);
  });

  test("takes back one waiting message and leaves the run alone", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    await busy(sessionKey, id("a"));
    await client.call("chat.send", { sessionKey, message: "no", idempotencyKey: id("b") });
    expect((await client.call("chat.abort", { sessionKey, runId: id("b") })).runIds).toEqual([id("b")]);
    expect((await chatEnd(client, id("a"))).payload).toMatchObject({
      state: "final",
      message: { content: [{ text: "echo: a b c d e f g h" }] },
    });
  });

  test("without a run says so", async () => {
    const { client } = gateway;
    const nothing = { ok: true, aborted: false, runIds: [] };
    const { sessionKey } = freshKey();
    expect(await client.call("chat.abort", { sessionKey })).toEqual(nothing);
    expect(await client.call("chat.abort", { sessionKey, runId: "nope" })).toEqual(nothing);
  });

  test("/stop as a message does the same", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    await busy(sessionKey, id("a"));
    expect(await client.call("chat.send", { sessionKey, message: " /STOP ", idempotencyKey: id("b") })).toEqual({
      ok: true,
      aborted: true,
      runIds: [id("a")],
    });
    expect(framesOf(client, id("a")).at(-1)).toMatchObject({ state: "aborted", stopReason: "stop" });
    expect(await client.call("chat.send", { sessionKey, message: "/stop", idempotencyKey: id("c") })).toEqual({
      ok: true,
      aborted: false,
      runIds: [],
    });
  });

  test("lets others than administrators stop only what they started", async () => {
    const { client } = gateway;
    const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    const { sessionKey, id } = freshKey();
    await busy(sessionKey, id("a"));
    const refusal = async (params: object) => (await writer.request("chat.abort", params)).error;
    expect(await refusal({ sessionKey, runId: id("a") })).toMatchObject({ message: "unauthorized" });
    expect(await refusal({ sessionKey: "agent:main:other", runId: id("a") })).toMatchObject({
      message: "runId does not match sessionKey",
    });
    expect((await writer.call("chat.abort", { sessionKey })).aborted).toBe(false);
    await client.call("chat.abort", { sessionKey });
    await busy(sessionKey, id("b"), writer);
    expect((await writer.call("chat.abort", { sessionKey, runId: id("b") })).aborted).toBe(true);
  });
});

test("whenever a run is stopped, it ends once, its key says how, and the session goes on", async () => {
  const { client, services } = gateway;
  const { sessionKey, id } = freshKey();
  for (let n = 0; n < 60; n++) {
    const runId = id(`${n}`);
    const params = { sessionKey, message: `SLOW:1 n${n} a b c d`, idempotencyKey: runId };
    const sent = client.call("chat.send", params);
    // From before the acknowledgement, through every phase, to after the end.
    if (n % 3 === 0) await sent;
    if (n % 4 > 0) await Bun.sleep(n % 20);
    await client.call("chat.abort", { sessionKey });
    await sent;
    const { state } = (await chatEnd(client, runId)).payload;
    const ends = framesOf(client, runId).filter((payload) => ["final", "aborted", "error"].includes(payload.state));
    expect(ends).toHaveLength(1);
    const { outcome } = (await services.runs.find(runId))!;
    expect([state, outcome?.status]).toEqual(state === "final" ? ["final", "ok"] : ["aborted", "aborted"]);
  }
  expect(services.runs.activeRunIds(sessionKey)).toEqual([]);
  await client.call("chat.send", { sessionKey, message: "still here", idempotencyKey: id("last") });
  expect((await chatEnd(client, id("last"))).payload.state).toBe("final");
}, 20_000);

test("a gateway that stops ends its runs and leaves them readable", async () => {
  const other = await startChatGateway();
  const { sessionKey, id } = freshKey();
  const { client, services } = other;
  await client.call("chat.send", { sessionKey, message: SLOW, idempotencyKey: id("a") });
  await client.event("chat", ({ state }) => state === "delta");
  const stopped = services.runs.stop();
  expect(
    (await client.request("chat.send", { sessionKey, message: "late", idempotencyKey: id("b") })).error,
  ).toMatchObject({
    code: "UNAVAILABLE",
    details: { reason: "stopping" },
  });
  await stopped;
  expect(framesOf(client, id("a")).at(-1)).toMatchObject({ state: "aborted", stopReason: "restart" });
  expect((await services.runs.find(id("a")))?.outcome?.status).toBe("interrupted");
  await other.stop();
});
