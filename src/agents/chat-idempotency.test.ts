import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChatGateway, chatEnd, framesOf, freshKey, startChatGateway, transcript } from "./testing/chat-gateway.ts";

let gateway: ChatGateway;
beforeAll(async () => {
  gateway = await startChatGateway();
});
afterAll(() => gateway.stop());

const conflict = { code: "INVALID_REQUEST", details: { reason: "chat-request-conflict" } };

describe("a repeated chat.send", () => {
  test("of a finished run answers ok, without a new run or event", async () => {
    const { client, model } = gateway;
    const { sessionKey, id } = freshKey();
    const params = { sessionKey, message: "once", idempotencyKey: id("a") };
    await client.call("chat.send", params);
    await chatEnd(client, id("a"));
    const before = { calls: model.count, frames: framesOf(client, id("a")).length };
    expect(await client.call("chat.send", params)).toEqual({ runId: id("a"), status: "ok" });
    expect(await client.call("chat.send", { ...params, sessionKey: sessionKey.toUpperCase() })).toEqual({
      runId: id("a"),
      status: "ok",
    });
    expect({ calls: model.count, frames: framesOf(client, id("a")).length }).toEqual(before);
    expect(await transcript(gateway, sessionKey)).toEqual(["user: once", "assistant: echo: once"]);
  });

  test("of a run at work answers in_flight, of a stopped one that it was aborted", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    const params = { sessionKey, message: "SLOW:200 a b c d e f", idempotencyKey: id("a") };
    await client.call("chat.send", params);
    expect(await client.call("chat.send", params)).toEqual({ runId: id("a"), status: "in_flight" });
    await client.event("chat", ({ runId, state }) => runId === id("a") && state === "delta");
    await client.call("chat.abort", { sessionKey });
    expect(await client.call("chat.send", params)).toEqual({
      runId: id("a"),
      status: "timeout",
      summary: "aborted",
      stopReason: "rpc",
      endedAt: expect.any(Number),
    });
  });

  test("of a failed run fails again, in the same words", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    const params = { sessionKey, message: "FAIL:400 no", idempotencyKey: id("a") };
    await client.call("chat.send", params);
    await client.event("chat", ({ runId, seq, state }) => runId === id("a") && state === "error" && seq === 1);
    const { ok, error, payload } = await client.request("chat.send", params);
    expect(ok).toBe(false);
    const notice = framesOf(client, id("a")).at(-1)!.errorMessage;
    expect(error).toMatchObject({ code: "UNAVAILABLE", message: notice });
    expect(payload).toEqual({ runId: id("a"), status: "error", summary: notice });
  });

  test.each([
    ["another text", { message: "other" }],
    ["another session", { sessionKey: "agent:main:elsewhere" }],
    [
      "an image",
      {
        attachments: [
          {
            content: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
          },
        ],
      },
    ],
  ])("with %s is a conflict", async (_name, change) => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    const params = { sessionKey, message: "once", idempotencyKey: id("a") };
    await client.call("chat.send", params);
    expect((await client.request("chat.send", { ...params, ...change })).error).toMatchObject(conflict);
    await chatEnd(client, id("a"));
    expect((await client.request("chat.send", { ...params, ...change })).error).toMatchObject(conflict);
  });

  test("of a command does not run it again", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    const params = { sessionKey, message: "/status", idempotencyKey: id("a") };
    await client.call("chat.send", params);
    await chatEnd(client, id("a"));
    expect(await client.call("chat.send", params)).toEqual({ runId: id("a"), status: "ok" });
    expect((await transcript(gateway, sessionKey)).length).toBe(2);
  });

  test("many at the same time make one run", async () => {
    const { client, model } = gateway;
    const { sessionKey, id } = freshKey();
    const params = { sessionKey, message: "together", idempotencyKey: id("a") };
    const before = model.count;
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.call("chat.send", params)));
    expect(answers.filter(({ status }) => status === "started")).toHaveLength(1);
    await chatEnd(client, id("a"));
    expect(model.count - before).toBe(1);
    expect(await transcript(gateway, sessionKey)).toEqual(["user: together", "assistant: echo: together"]);
  });
});

test("keys are honoured over a restart", async () => {
  const stateDir = mkdtempSync(join(tmpdir(), "chela-restart-"));
  const { sessionKey, id } = freshKey();
  const params = { sessionKey, message: "before", idempotencyKey: id("a") };
  const first = await startChatGateway({ stateDir });
  await first.client.call("chat.send", params);
  await chatEnd(first.client, id("a"));
  const agentParams = { sessionKey, message: "by program", idempotencyKey: id("b") };
  await first.client.call("agent", agentParams);
  const final = await first.client.until(() =>
    first.client.frames.find(({ payload }) => payload?.summary === "completed"),
  );
  await first.stop();

  const second = await startChatGateway({ stateDir });
  expect(await second.client.call("chat.send", params)).toEqual({ runId: id("a"), status: "ok" });
  expect((await second.client.request("chat.send", { ...params, message: "after" })).error).toMatchObject(conflict);
  expect(await second.client.call("agent", agentParams)).toEqual(final.payload);
  expect(await second.client.call("agent.wait", { runId: id("b"), timeoutMs: 0 })).toMatchObject({
    status: "ok",
    terminalReply: { disposition: "visible", text: "echo: by program" },
  });
  expect(second.model.count).toBe(0);
  await second.stop();
  rmSync(stateDir, { recursive: true });
});
