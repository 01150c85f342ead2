import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { connectApproved, connectNode, type TestNode } from "./testing.ts";

let gateway: TestGateway;
let operator: TestClient;

beforeEach(async () => {
  gateway = await startTestGateway();
  operator = await gateway.connect();
});
afterEach(() => gateway.stop());

const tell = ({ client }: TestNode, event: string, payload: unknown) => client.call("node.event", { event, payload });
const describeNode = ({ id }: TestNode) => operator.call("node.describe", { nodeId: id });

describe("node.host.stats", () => {
  const stats = { cpuCount: 8, loadAverage: [1.25, 1.1, 0.9], memoryTotalBytes: 100, memoryFreeBytes: 40 };

  test("are shown with the node and told to readers, also when the node is gone", async () => {
    const node = await connectApproved(gateway, { commands: ["system.notify"] });
    const params = { event: "node.host.stats", payloadJSON: JSON.stringify(stats) };
    const answer = await node.client.call("node.event", params);
    expect(answer).toEqual({ ok: true, event: "node.host.stats", handled: true, reason: "updated" });
    const hostStats = { ...stats, updatedAtMs: expect.any(Number) };
    expect((await operator.event("node.hostStats")).payload).toEqual({ nodeId: node.id, hostStats });
    expect((await describeNode(node)).hostStats).toEqual(hostStats);
    node.client.close();
    await operator.event("presence", ({ presence }) =>
      presence.some(({ deviceId, reason }: { deviceId?: string; reason: string }) => {
        return deviceId === node.id && reason === "disconnect";
      }),
    );
    expect(await describeNode(node)).toMatchObject({ connected: false, hostStats });
  });

  test.each([
    [{ ...stats, cpuCount: 0 }],
    [{ ...stats, memoryFreeBytes: 101 }],
    [{ ...stats, loadAverage: [1, 2] }],
    [{ ...stats, diskTotalBytes: 10 }],
    [{ ...stats, unknown: 1 }],
    [[]],
    [undefined],
  ])("of the form %j are not taken", async (payload) => {
    const node = await connectApproved(gateway);
    const answer = await tell(node, "node.host.stats", payload);
    expect(answer).toMatchObject({ handled: false, reason: "invalid_payload" });
    expect((await describeNode(node)).hostStats).toBeUndefined();
  });
});

test("a node that wakes in the background is noted as seen, for the reason it tells if that is a known one", async () => {
  const node = await connectApproved(gateway);
  for (const [trigger, lastSeenReason] of [
    ["silent_push", "silent_push"],
    ["weird", "background"],
  ]) {
    const answer = await tell(node, "node.presence.alive", { trigger });
    expect(answer).toEqual({ ok: true, event: "node.presence.alive", handled: true, reason: "persisted" });
    const { paired } = await operator.call("device.pair.list");
    expect(paired).toMatchObject([{ deviceId: node.id, lastSeenReason }]);
  }
  expect(await tell(node, "node.presence.alive", "x")).toMatchObject({ handled: false, reason: "invalid_payload" });
});

describe("node.presence.activity", () => {
  const mac = (more = {}) => connectApproved(gateway, { platform: "macos", commands: ["system.notify"], ...more });

  test("says which Mac was used last, by the gateway's clock, until its connection ends", async () => {
    const [first, second] = [await mac(), await mac()];
    const report = (node: TestNode, idleSeconds: number) =>
      tell(node, "node.presence.activity", { idleSeconds, source: "app" });
    expect(await report(first, 0)).toMatchObject({ handled: true, reason: "updated" });
    await report(second, 600);
    const before = Date.now();
    const shown = await describeNode(second);
    expect(shown.active).toBeUndefined();
    expect(shown.lastActiveAtMs).toBeLessThanOrEqual(before - 600_000);
    expect(await describeNode(first)).toMatchObject({ active: true });
    first.client.close();
    const gone = await operator.event("node.presence", ({ lastActiveAtMs }) => lastActiveAtMs === null);
    expect(gone.payload).toEqual({ nodeId: first.id, lastActiveAtMs: null, presenceUpdatedAtMs: null });
    expect(await describeNode(second)).toMatchObject({ active: true });
    expect(await tell(second, "node.presence.activity", { action: "clear" })).toMatchObject({ reason: "cleared" });
    expect((await describeNode(second)).lastActiveAtMs).toBeUndefined();
  });

  test.each([
    [{ idleSeconds: 1 }, "permission_required"],
    [{ idleSeconds: 1, source: "system" }, "permission_required"],
    [{ idleSeconds: -1, source: "app" }, "invalid_payload"],
    [{ idleSeconds: 2_592_001, source: "app" }, "invalid_payload"],
    [{ idleSeconds: 1, source: "x" }, "invalid_payload"],
  ])("of the form %j is refused as %s", async (payload, reason) => {
    expect(await tell(await mac(), "node.presence.activity", payload)).toMatchObject({ handled: false, reason });
  });

  test("of the whole system takes the system's own permission, as it was approved; other platforms have none", async () => {
    const permitted = await mac({ permissions: { accessibility: true } });
    expect(await tell(permitted, "node.presence.activity", { idleSeconds: 1 })).toMatchObject({ reason: "updated" });
    const linux = await connectApproved(gateway);
    const answer = await tell(linux, "node.presence.activity", { idleSeconds: 1, source: "app" });
    expect(answer).toMatchObject({ handled: false, reason: "stale_connection" });
  });
});

describe("work for a node that sleeps", () => {
  test("waits over a restart, the most urgent first, and is handed out once", async () => {
    const { client, device, id } = await connectApproved(gateway);
    client.close();
    const enqueue = (more: object) => operator.call("node.pending.enqueue", { nodeId: id, ...more });
    const status = await enqueue({ type: "status.request" });
    expect(status).toMatchObject({ nodeId: id, revision: 1, queued: { priority: "normal" }, wakeTriggered: false });
    expect(status.queued.expiresAtMs - status.queued.createdAtMs).toBe(86_400_000);
    const location = await enqueue({ type: "location.request", priority: "high", expiresInMs: 60_000 });
    expect(await enqueue({ type: "status.request", priority: "high" })).toEqual({ ...status, revision: 2 });

    await gateway.gateway.stop();
    const next = await startTestGateway({ stateDir: gateway.stateDir });
    const node = await connectNode(next, { device });
    const first = await node.client.call("node.pending.drain", { maxItems: 1 });
    expect(first).toEqual({ nodeId: id, revision: 3, items: [location.queued], hasMore: true });
    const second = await node.client.call("node.pending.drain");
    expect(second).toEqual({ nodeId: id, revision: 4, items: [status.queued], hasMore: false });
    const third = await node.client.call("node.pending.drain");
    expect(third).toMatchObject({ revision: 0, items: [{ id: "baseline-status", priority: "default" }] });
    await next.stop();
  });

  test("is not for a node that is not approved, and takes the right to write", async () => {
    const node = await connectNode(gateway);
    const params = { nodeId: node.id, type: "status.request" };
    expect((await operator.request("node.pending.enqueue", params)).error).toEqual({
      code: "UNAVAILABLE",
      message: "node pairing changed while pending work was active",
      retryable: true,
      details: { code: "PAIRING_CHANGED" },
    });
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    expect((await reader.request("node.pending.enqueue", params)).error).toMatchObject({ code: "FORBIDDEN" });
  });
});

describe("what a node offers", () => {
  test("are tools of commands that it may be asked for, as long as it is connected", async () => {
    const node = await connectApproved(gateway, { commands: ["system.which"] });
    const tool = { pluginId: "p", name: "tool_a", description: "d", command: "system.which" };
    const tools = [tool, { ...tool, name: "tool_b", command: "system.run" }];
    expect(await node.client.call("node.pluginTools.update", { tools })).toEqual({ nodeId: node.id, tools: [tool] });
    expect((await describeNode(node)).nodePluginTools).toEqual([tool]);
  });

  test("is no room for runners", async () => {
    const node = await connectNode(gateway, { commands: ["system.which"] });
    const none = { protocolFeatures: ["x"], workerHost: { enabled: false } };
    const waiting = await node.client.request("node.runnerInventory.update", none);
    expect(waiting.error).toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining("is awaiting operator approval; run `openclaw nodes approve "),
    });
    const { pending } = await operator.call("node.pair.list");
    await operator.call("node.pair.approve", { requestId: pending[0].requestId });
    expect(await node.client.call("node.runnerInventory.update", none)).toEqual({ nodeId: node.id });
    expect((await operator.event("node.runnerInventory.changed")).payload).toEqual({ nodeId: node.id });
    const some = { ...none, workerHost: { enabled: true } };
    expect((await node.client.request("node.runnerInventory.update", some)).error).toMatchObject({
      code: "INVALID_REQUEST",
      message: "invalid node runner inventory",
    });
  });
});

test("a node that connects hears the waking words, and later ones when they change", async () => {
  await operator.call("voicewake.set", { triggers: ["hey you"] });
  const node = await connectNode(gateway);
  expect((await node.client.event("voicewake.changed")).payload).toEqual({ triggers: ["hey you"] });
  const { payload } = await node.client.event("voicewake.routing.changed");
  expect(payload).toEqual(await operator.call("voicewake.routing.get"));
  const at = node.client.frames.length;
  await operator.call("voicewake.set", { triggers: ["you there"] });
  await node.client.event("voicewake.changed", ({ triggers }) => triggers[0] === "you there", at);
  expect(operator.events("voicewake.routing.changed")).toEqual([]);
});
