import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { answerNext, connectApproved, connectNode, type TestNode } from "./testing.ts";

let gateway: TestGateway;
let operator: TestClient;
let node: TestNode;

beforeEach(async () => {
  gateway = await startTestGateway();
  operator = await gateway.connect();
  node = await connectApproved(gateway, { commands: ["system.run", "system.which"] });
});
afterEach(() => gateway.stop());

let keys = 0;
const run = (params: unknown, command = "system.run") =>
  operator.request("node.invoke", { nodeId: node.id, command, params, idempotencyKey: `${++keys}`, timeoutMs: 5000 });

describe("70: a caller that says itself that a run was approved", () => {
  test.each([
    [{ approved: true, approvalDecision: "allow-once" }, { code: "MISSING_RUN_ID" }],
    [
      { approved: true, runId: "made-up" },
      { code: "UNKNOWN_APPROVAL_ID", runId: "made-up" },
    ],
    [
      { approvalDecision: "allow-always", runId: "x" },
      { code: "UNKNOWN_APPROVAL_ID", runId: "x" },
    ],
  ])("with %j is refused, and the node hears nothing", async (claim, details) => {
    const { error } = await run({ command: ["id"], ...claim });
    expect(error).toMatchObject({ code: "INVALID_REQUEST", details });
    expect(node.client.events("node.invoke.request")).toEqual([]);
  });

  test("in other words gets none of them to the node", async () => {
    const claims = { approved: false, approvalDecision: "yes", approvalId: "x", security: "full", ask: "off" };
    const answered = run({ command: ["id"], cwd: "/tmp", ...claims });
    const { paramsJSON } = await answerNext(node, { ok: true, payload: {} });
    expect(JSON.parse(paramsJSON)).toEqual({ command: ["id"], cwd: "/tmp", runId: expect.any(String) });
    expect((await answered).ok).toBe(true);
  });
});

test.each(["system.execApprovals.get", "system.execApprovals.set"])(
  "83: %s is not for node.invoke, whoever asks",
  async (command) => {
    const device = await connectApproved(gateway, { platform: "macos", commands: [command] });
    const params = { nodeId: device.id, command, params: {}, idempotencyKey: "k" };
    expect((await operator.request("node.invoke", params)).error).toMatchObject({
      code: "INVALID_REQUEST",
      message: "node.invoke does not allow system.execApprovals.*; use exec.approvals.node.*",
      details: { command },
    });
    expect(device.client.events("node.invoke.request")).toEqual([]);
  },
);

describe("84: a node", () => {
  test("starts no runs before it is approved, and none with rights after", async () => {
    const at = operator.frames.length;
    const stranger = await connectNode(gateway, { commands: ["system.run"] });
    for (const event of ["agent.request", "voice.transcript"]) {
      const payload = { sessionKey: "agent:main:main", message: "/new", text: "/new" };
      const { error } = await stranger.client.request("node.event", { event, payload });
      expect(error.details).toEqual({ code: "PAIRING_CHANGED" });
      expect(await node.client.call("node.event", { event, payload })).toEqual({ ok: true });
    }
    expect((await operator.call("sessions.list")).sessions).toEqual([]);
    expect(operator.frames.slice(at).filter(({ event }) => event === "agent" || event === "chat")).toEqual([]);
  });

  test("tells nothing of runs that it was not asked for, and of its own ones the end once", async () => {
    const unmatched = { ok: true, event: "exec.finished", handled: false, reason: "unmatched_exec_event" };
    const tell = (client: TestClient, runId: string, more = {}) =>
      client.call("node.event", { event: "exec.finished", payload: { sessionKey: "s", runId, exitCode: 0, ...more } });
    expect(await tell(node.client, "invented")).toEqual(unmatched);
    const other = await connectApproved(gateway, { commands: ["system.run"] });
    const answered = run({ command: ["id"], runId: "real", sessionKey: "s" });
    await answerNext(node, { ok: true, payload: {} });
    await answered;
    expect(await tell(other.client, "real")).toEqual(unmatched);
    expect(await tell(node.client, "real", { sessionKey: "another" })).toEqual(unmatched);
    const started = { event: "exec.started", payload: { sessionKey: "s", runId: "real" } };
    expect(await node.client.call("node.event", started)).toEqual({ ok: true });
    expect(await tell(node.client, "real")).toEqual({ ok: true });
    expect(await tell(node.client, "real")).toEqual(unmatched);
  });

  test("cannot answer for another one, or what nobody asked", async () => {
    const other = await connectApproved(gateway, { commands: ["system.which"] });
    const answered = run({ bins: [] }, "system.which");
    const { id } = (await node.client.event("node.invoke.request")).payload;
    const forged = { id, ok: true, payload: "forged" };
    expect(await other.client.call("node.invoke.result", { ...forged, nodeId: other.id })).toEqual({
      ok: true,
      ignored: true,
    });
    const mismatch = await other.client.request("node.invoke.result", { ...forged, nodeId: node.id });
    expect(mismatch.error).toMatchObject({ code: "INVALID_REQUEST", message: "nodeId mismatch" });
    const byOperator = await operator.request("node.invoke.result", { ...forged, nodeId: node.id });
    expect(byOperator.error.message).toBe("unauthorized role: operator");
    const unknown = { id: "unknown", nodeId: node.id, ok: true };
    expect(await node.client.call("node.invoke.result", unknown)).toEqual({ ok: true, ignored: true });
    await node.client.call("node.invoke.result", { id, nodeId: node.id, ok: true, payload: "real" });
    expect((await answered).payload.payload).toBe("real");
  });

  test("of which nothing is approved, or whose place another connection took, is not listened to", async () => {
    const waiting = await connectNode(gateway, { commands: ["system.which"] });
    const { client, device } = node;
    const newer = await connectNode(gateway, { device, commands: ["system.run", "system.which"] });
    for (const [method, params] of [
      ["node.event", { event: "node.presence.alive", payload: { trigger: "manual" } }],
      ["node.pending.drain", {}],
      ["node.pending.pull", {}],
      ["node.pending.ack", { ids: ["x"] }],
    ] as const) {
      for (const caller of [waiting.client, client]) {
        const { error } = await caller.request(method, params);
        expect(error).toMatchObject({ code: "UNAVAILABLE", retryable: true, details: { code: "PAIRING_CHANGED" } });
      }
      expect((await newer.client.request(method, params)).ok).toBe(true);
    }
  });
});
