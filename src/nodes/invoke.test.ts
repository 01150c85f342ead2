import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { answerNext, connectApproved, connectNode, type TestNode } from "./testing.ts";

let gateway: TestGateway;
let operator: TestClient;
let node: TestNode;

const COMMANDS = ["system.which", "system.notify", "fs.listDir", "browser.proxy"];

beforeEach(async () => {
  gateway = await startTestGateway();
  operator = await gateway.connect();
  node = await connectApproved(gateway, { commands: COMMANDS });
});
afterEach(() => gateway.stop());

let keys = 0;
const call = (more: Record<string, unknown> = {}) => ({
  nodeId: node.id,
  command: "system.which",
  idempotencyKey: `key-${++keys}`,
  timeoutMs: 5000,
  ...more,
});
const ask = (more?: Record<string, unknown>) => operator.request("node.invoke", call(more));

describe("an invocation", () => {
  test("goes to the connection of that node alone, and its result comes back", async () => {
    const other = await connectApproved(gateway, { commands: COMMANDS });
    const answer = ask({ params: { bins: ["sh"] }, idempotencyKey: "mine" });
    const request = await answerNext(node, { ok: true, payloadJSON: '{"bins":{"sh":"/bin/sh"}}' });
    expect(request).toEqual({
      id: expect.any(String),
      nodeId: node.id,
      command: "system.which",
      paramsJSON: '{"bins":["sh"]}',
      timeoutMs: expect.any(Number),
      idempotencyKey: "mine",
    });
    expect(request.timeoutMs).toBeGreaterThan(0);
    expect(request.timeoutMs).toBeLessThanOrEqual(5000);
    expect((await answer).payload).toEqual({
      ok: true,
      nodeId: node.id,
      command: "system.which",
      payload: { bins: { sh: "/bin/sh" } },
      payloadJSON: '{"bins":{"sh":"/bin/sh"}}',
    });
    for (const { client } of [other, { client: operator }]) expect(client.events("node.invoke.request")).toEqual([]);
  });

  test.each([
    [{ payload: { a: 1 } }, { payload: { a: 1 }, payloadJSON: null }],
    [{ payload: null }, { payload: null, payloadJSON: null }],
    [{}, { payloadJSON: null }],
    [{ payloadJSON: "{oops" }, { payload: { payloadJSON: "{oops" }, payloadJSON: "{oops" }],
  ])("with the result %j is answered with %j", async (result, answer) => {
    const answered = ask();
    await answerNext(node, { ok: true, ...result });
    expect((await answered).payload).toEqual({ ok: true, nodeId: node.id, command: "system.which", ...answer });
  });

  test.each([
    [{ code: "BOOM", message: "it broke" }, "BOOM: it broke"],
    [undefined, "node invoke failed"],
  ])("that the node fails with %j says so", async (error, message) => {
    const answered = ask();
    await answerNext(node, { ok: false, error });
    expect((await answered).error).toEqual({
      code: "UNAVAILABLE",
      message,
      details: { nodeError: error ?? null, nodeCommandDispatched: true },
    });
  });

  test("that takes too long ends, is called off at the node, and a late result is ignored", async () => {
    const { error } = await ask({ timeoutMs: 1 });
    const nodeError = { code: "TIMEOUT", message: "node invoke timed out" };
    expect(error).toEqual({
      code: "UNAVAILABLE",
      message: "TIMEOUT: node invoke timed out",
      details: { nodeError, nodeCommandDispatched: true },
    });
    const { id } = (await node.client.event("node.invoke.request")).payload;
    expect((await node.client.event("node.invoke.cancel")).payload).toEqual({ invokeId: id, nodeId: node.id });
    const late = await node.client.call("node.invoke.result", { id, nodeId: node.id, ok: true });
    expect(late).toEqual({ ok: true, ignored: true });
  });

  test("ends when the node's connection does", async () => {
    const answered = ask();
    await node.client.event("node.invoke.request");
    node.client.close();
    expect((await answered).error).toMatchObject({
      message: "DISCONNECTED: node disconnected (system.which)",
      details: { nodeCommandDispatched: true },
    });
  });

  test("of a node that was tidying up is asked for again, in the same time", async () => {
    const answered = ask();
    const first = await answerNext(node, { ok: false, error: { code: "NODE_NOT_READY", message: "cleaning" } });
    const at = node.client.frames.length;
    const second = await answerNext(node, { ok: true, payload: 1 }, at);
    expect(second.id).not.toBe(first.id);
    expect(second.idempotencyKey).toBe(first.idempotencyKey);
    expect(second.timeoutMs).toBeLessThanOrEqual(first.timeoutMs);
    expect((await answered).payload.payload).toBe(1);
  });

  test("with a key that is under way or just ended is not done again; one that failed is", async () => {
    const both = [ask({ idempotencyKey: "same" }), ask({ idempotencyKey: "same" })];
    await answerNext(node, { ok: true, payload: "once" });
    for (const answered of both) expect((await answered).payload.payload).toBe("once");
    expect((await ask({ idempotencyKey: "same" })).payload.payload).toBe("once");
    expect(node.client.events("node.invoke.request")).toHaveLength(1);

    const failing = ask({ idempotencyKey: "failing" });
    let at = node.client.frames.length - 1;
    await node.client.until(() => node.client.events("node.invoke.request").length === 2);
    await answerNext(node, { ok: false }, at);
    expect((await failing).ok).toBe(false);
    at = node.client.frames.length;
    const again = ask({ idempotencyKey: "failing" });
    await answerNext(node, { ok: true, payload: "now" }, at);
    expect((await again).payload.payload).toBe("now");
  });
});

describe("an invocation is refused", () => {
  test("for a node that is not there, or of which nothing is approved", async () => {
    const waiting = await connectNode(gateway, { commands: COMMANDS });
    for (const nodeId of ["nobody", waiting.id]) {
      expect((await ask({ nodeId })).error).toEqual({
        code: "UNAVAILABLE",
        message: "node pairing changed while invocation was active",
        retryable: true,
        details: { code: "PAIRING_CHANGED" },
      });
    }
    expect(waiting.client.events("node.invoke.request")).toEqual([]);
  });

  test("for a node that is not connected", async () => {
    await operator.call("node.list");
    node.client.close();
    type Entry = { deviceId?: string; reason: string };
    const isGone = ({ deviceId, reason }: Entry): boolean => deviceId === node.id && reason === "disconnect";
    await operator.event("presence", ({ presence }) => presence.some(isGone));
    const nodeError = { code: "NOT_CONNECTED", message: "node not connected" };
    expect((await ask()).error).toEqual({
      code: "UNAVAILABLE",
      message: "node not connected",
      details: { code: "NOT_CONNECTED", nodeError, nodeCommandDispatched: false },
    });
  });

  test.each([
    ["nope.cmd", '"nope.cmd" is not in the allowlist for platform "linux"', "command not allowlisted"],
    ["camera.snap", '"camera.snap" requires explicit gateway.nodes.commands.allow opt-in', "command not allowlisted"],
    ["system.run", '"system.run" is not in the allowlist for platform "linux"', "command not allowlisted"],
    ["location.get", 'the node (platform: linux) does not support "location.get"', "command not declared by node"],
  ])("for %s", async (command, why, reason) => {
    expect((await ask({ command })).error).toEqual({
      code: "INVALID_REQUEST",
      message: `node command not allowed: ${why}`,
      details: { reason, command },
    });
  });

  test.each([
    ["system.which", "operator.write"],
    ["fs.listDir", "operator.admin"],
    ["browser.proxy", "operator.admin"],
    ["terminal.upload", "operator.admin"],
  ])("of %s to who lacks %s", async (command, missingScope) => {
    const scopes = missingScope === "operator.admin" ? ["operator.write"] : ["operator.read"];
    const weak = await gateway.connect({ scopes });
    const { error } = await weak.request("node.invoke", call({ command }));
    expect(error).toMatchObject({ code: "FORBIDDEN", details: { missingScope } });
  });

  test("when profiles of a browser are to be changed", async () => {
    const { error } = await ask({ command: "browser.proxy", params: { method: "post", path: "profiles/create" } });
    expect(error.message).toBe("node.invoke cannot mutate persistent browser profiles via browser.proxy");
  });
});

describe("the configuration", () => {
  test("takes a command away, also from a node that had it, and allows another", async () => {
    await gateway.stop();
    const commands = { allow: ["camera.snap"], deny: ["system.which"] };
    gateway = await startTestGateway({ config: { gateway: { nodes: { commands } } } as never });
    operator = await gateway.connect();
    node = await connectApproved(gateway, { commands: ["camera.snap", "system.which", "system.notify"] });
    expect(await operator.call("node.describe", { nodeId: node.id })).toMatchObject({
      commands: ["camera.snap", "system.notify"],
    });
    expect((await ask()).error.details).toEqual({ reason: "command not allowlisted", command: "system.which" });
    const answered = ask({ command: "camera.snap" });
    await answerNext(node, { ok: true, payload: "picture" });
    expect((await answered).payload.payload).toBe("picture");
  });
});

test("an app in the background gets its push-to-talk when it comes back, and other commands say why not", async () => {
  const platform = "iOS 18.4";
  node = await connectApproved(gateway, { platform, caps: ["talk"], commands: ["talk.ptt.start", "camera.list"] });
  const error = { code: "NODE_BACKGROUND_UNAVAILABLE", message: "needs foreground" };
  const talk = ask({ command: "talk.ptt.start", params: { a: 1 } });
  await answerNext(node, { ok: false, error });
  const queued = (await talk).error;
  expect(queued).toMatchObject({
    code: "UNAVAILABLE",
    message: "node command queued until iOS returns to foreground",
    retryable: true,
    details: { code: "QUEUED_UNTIL_FOREGROUND", nodeId: node.id, command: "talk.ptt.start", nodeError: error },
  });
  const { queuedActionId: id } = queued.details;
  const action = { id, command: "talk.ptt.start", paramsJSON: '{"a":1}', enqueuedAtMs: expect.any(Number) };
  expect(await node.client.call("node.pending.pull")).toEqual({ nodeId: node.id, actions: [action] });
  const acked = await node.client.call("node.pending.ack", { ids: [id, "other"] });
  expect(acked).toEqual({ nodeId: node.id, ackedIds: [id, "other"], remainingCount: 0 });
  expect((await node.client.call("node.pending.pull")).actions).toEqual([]);

  const at = node.client.frames.length;
  const camera = ask({ command: "camera.list" });
  await answerNext(node, { ok: false, error }, at);
  expect((await camera).error).toMatchObject({ code: "INVALID_REQUEST", message: "needs foreground" });
});
