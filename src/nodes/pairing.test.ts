import { afterEach, describe, expect, test } from "bun:test";
import { startTestGateway, TestDevice, type TestGateway, type TestGatewayOptions } from "../gateway/testing.ts";
import { connectApproved, connectNode, requestOf } from "./testing.ts";

let gateway: TestGateway | undefined;
afterEach(() => gateway?.stop());

async function start(options?: TestGatewayOptions): Promise<TestGateway> {
  gateway = await startTestGateway(options);
  return gateway;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

describe("a node that connects for the first time", () => {
  test("is paired as a device, and its surface waits for an approval", async () => {
    const gateway = await start();
    const operator = await gateway.connect();
    const spec = { caps: ["system"], commands: ["system.which", "device.info", "system.notify"] };
    const node = await connectNode(gateway, { ...spec, permissions: { camera: true, screen: false }, pathEnv: "/bin" });
    const request = await requestOf(operator, node.id);
    expect(request).toEqual({
      requestId: expect.stringMatching(UUID),
      nodeId: node.id,
      clientId: "node-host",
      clientMode: "node",
      displayName: "Test Node",
      platform: "linux",
      version: "1.2.3",
      deviceFamily: "Linux",
      caps: ["system"],
      // What the platform may not do is not even asked for.
      commands: ["system.which", "system.notify"],
      permissions: { camera: true, screen: false },
      requiredApproveScopes: ["operator.pairing", "operator.admin"],
      silent: true,
      ts: expect.any(Number),
    });
    expect((await operator.event("node.pair.requested")).payload).toEqual(request);
    const described = await operator.call("node.describe", { nodeId: node.id });
    expect(described).toMatchObject({
      caps: [],
      commands: [],
      pathEnv: "/bin",
      permissions: { screen: false },
      approvalState: "pending-approval",
      pendingRequestId: request.requestId,
      pendingDeclaredCommands: ["system.notify", "system.which"],
      paired: true,
      connected: true,
    });
    const { ts: _, ...row } = described;
    expect((await operator.call("node.list")).nodes).toEqual([row]);
  });

  test("shows the waiting surface with its device as well", async () => {
    const gateway = await start();
    const node = await connectNode(gateway, { commands: ["system.notify"] });
    const { paired } = await (await gateway.connect()).call("device.pair.list");
    const device = paired.find(({ deviceId }: { deviceId: string }) => deviceId === node.id);
    expect(device.pendingNodeSurface).toMatchObject({
      requestId: expect.stringMatching(UUID),
      revision: expect.stringMatching(UUID),
      commands: ["system.notify"],
      silent: true,
    });
    expect(device.nodeSurface).toBeUndefined();
  });
});

describe("an approval", () => {
  test("gives the live connection its commands at once and tells operators and that node", async () => {
    const gateway = await start();
    const operator = await gateway.connect();
    const [node, other] = [
      await connectNode(gateway, { commands: ["system.which", "system.run"], caps: ["system"] }),
      await connectNode(gateway, { commands: ["system.which"] }),
    ];
    const { requestId } = await requestOf(operator, node.id);
    const answer = await operator.call("node.pair.approve", { requestId });
    expect(answer).toMatchObject({ requestId, node: { nodeId: node.id, commands: ["system.which", "system.run"] } });
    const resolved = { requestId, nodeId: node.id, decision: "approved", ts: expect.any(Number) };
    expect((await operator.event("node.pair.resolved")).payload).toEqual(resolved);
    expect((await node.client.event("node.pair.resolved")).payload).toEqual(resolved);
    const described = await operator.call("node.describe", { nodeId: node.id });
    expect(described).toMatchObject({ approvalState: "approved", commands: ["system.run", "system.which"] });
    expect(described.pendingRequestId).toBeUndefined();
    expect((await operator.call("node.pair.list")).paired).toMatchObject([{ nodeId: node.id }]);
    expect(other.client.events("node.pair.resolved")).toEqual([]);
  });

  test.each([
    [[], ["operator.pairing"]],
    [["system.notify"], ["operator.pairing", "operator.write"]],
    [
      ["system.notify", "system.which"],
      ["operator.pairing", "operator.admin"],
    ],
  ])("of %p takes %p", async (commands, scopes) => {
    const gateway = await start();
    const node = await connectNode(gateway, { commands });
    const admin = await gateway.connect();
    const request = await requestOf(admin, node.id);
    expect(request.requiredApproveScopes).toEqual(scopes);
    const { requestId } = request;
    if (scopes.length > 1) {
      const weak = await gateway.connect({ scopes: ["operator.pairing"] });
      const refused = await weak.request("node.pair.approve", { requestId });
      expect(refused.error).toMatchObject({
        code: "FORBIDDEN",
        message: `missing scope: ${scopes[1]}`,
        details: { code: "MISSING_SCOPE", missingScope: scopes[1], requiredScopes: scopes },
      });
    }
    const exact = await gateway.connect({ scopes });
    expect((await exact.call("node.pair.approve", { requestId })).node.nodeId).toBe(node.id);
    const again = await exact.request("node.pair.approve", { requestId });
    expect(again.error).toMatchObject({ code: "INVALID_REQUEST", message: "unknown requestId" });
  });

  test("outlives the node's connection and a restart", async () => {
    const first = await start();
    const node = await connectApproved(first, { commands: ["system.notify"], caps: ["system"] });
    node.client.close();
    const stateDir = first.stateDir;
    await first.gateway.stop();
    const second = await startTestGateway({ stateDir });
    const operator = await second.connect();
    const described = await operator.call("node.describe", { nodeId: node.id });
    expect(described).toMatchObject({ connected: false, approvalState: "approved", commands: ["system.notify"] });
    const operatorEvents = operator.frames.length;
    await connectNode(second, { device: node.device, commands: ["system.notify"], caps: ["system"] });
    expect(await requestOf(operator, node.id)).toBeUndefined();
    expect(operator.frames.slice(operatorEvents).filter(({ event }) => event?.startsWith("node.pair"))).toEqual([]);
    await second.stop();
  });
});

describe("85: a node that comes back", () => {
  test("with more keeps what was approved, and the rest waits", async () => {
    const gateway = await start();
    const operator = await gateway.connect();
    const approved = { commands: ["system.notify"], caps: ["a"], permissions: { mic: false } };
    const { device, id, client } = await connectApproved(gateway, approved);
    client.close();
    const wider = { commands: ["system.notify", "system.run"], caps: ["a", "b"], permissions: { mic: true } };
    await connectNode(gateway, { device, ...wider });
    const described = await operator.call("node.describe", { nodeId: id });
    expect(described).toMatchObject({
      approvalState: "pending-reapproval",
      caps: ["a"],
      commands: ["system.notify"],
      permissions: { mic: false },
      pendingDeclaredCommands: ["system.notify", "system.run"],
      pendingDeclaredPermissions: { mic: true },
    });
    const request = await requestOf(operator, id);
    expect(request.silent).toBeUndefined();
    expect(request.requiredApproveScopes).toEqual(["operator.pairing", "operator.admin"]);
  });

  test("with another platform does not come in, whatever it declares", async () => {
    const gateway = await start();
    const { device, client } = await connectApproved(gateway, { platform: "linux", commands: ["system.run"] });
    client.close();
    const attempt = connectNode(gateway, { device, platform: "macos", commands: ["system.run"] });
    expect(attempt).rejects.toMatchObject({ code: "NOT_PAIRED" });
    await attempt.catch(() => {});
  });

  test("with less needs nobody, and can do less", async () => {
    const gateway = await start();
    const operator = await gateway.connect();
    const { device, id, client } = await connectApproved(gateway, { commands: ["system.notify", "system.which"] });
    client.close();
    await connectNode(gateway, { device, commands: ["system.notify"] });
    expect(await operator.call("node.describe", { nodeId: id })).toMatchObject({
      approvalState: "approved",
      commands: ["system.notify"],
    });
  });

  test("with the same keeps its request, with something else gets another one", async () => {
    const gateway = await start();
    const operator = await gateway.connect();
    const first = await connectNode(gateway, { commands: ["system.notify"] });
    const { requestId } = await requestOf(operator, first.id);
    first.client.close();
    const { device } = first;
    const second = await connectNode(gateway, { device, commands: ["system.notify"], displayName: "New Name" });
    expect(await requestOf(operator, first.id)).toMatchObject({ requestId, displayName: "New Name" });
    second.client.close();
    await connectNode(gateway, { device, commands: ["system.notify", "system.run"] });
    const next = await requestOf(operator, first.id);
    expect(next.requestId).not.toBe(requestId);
    expect((await operator.event("node.pair.resolved")).payload).toMatchObject({ requestId, decision: "rejected" });
    expect(operator.events("node.pair.requested").map(({ payload }) => payload.requestId)).toEqual([
      requestId,
      next.requestId,
    ]);
  });

  test("covered by what was approved clears the request that waits", async () => {
    const gateway = await start();
    const operator = await gateway.connect();
    const { device, id, client } = await connectApproved(gateway, { commands: ["system.notify"] });
    client.close();
    (await connectNode(gateway, { device, commands: ["system.notify", "system.run"] })).client.close();
    const { requestId } = await requestOf(operator, id);
    await connectNode(gateway, { device, commands: ["system.notify"] });
    expect(await requestOf(operator, id)).toBeUndefined();
    const gone = await operator.event("node.pair.resolved", (payload) => payload.requestId === requestId);
    expect(gone.payload.decision).toBe("rejected");
  });
});

test("a rejected surface leaves the node without commands until it asks again", async () => {
  const gateway = await start();
  const operator = await gateway.connect();
  const node = await connectNode(gateway, { commands: ["system.notify"] });
  const { requestId } = await requestOf(operator, node.id);
  expect(await operator.call("node.pair.reject", { requestId })).toEqual({ requestId, nodeId: node.id });
  expect((await operator.event("node.pair.resolved")).payload).toMatchObject({ requestId, decision: "rejected" });
  expect(await operator.call("node.describe", { nodeId: node.id })).toMatchObject({
    approvalState: "unapproved",
    commands: [],
  });
  expect(node.client.events("node.pair.resolved")).toEqual([]);
});

describe("removing a node", () => {
  test("forgets it and closes its connection", async () => {
    const gateway = await start();
    const operator = await gateway.connect();
    const node = await connectApproved(gateway, { commands: ["system.notify"] });
    expect(await operator.call("node.pair.remove", { nodeId: node.id })).toEqual({ nodeId: node.id });
    expect(await node.client.ended()).toEqual({ code: 4001, reason: "device removed" });
    const removed = await operator.event("node.pair.resolved", ({ decision }) => decision === "removed");
    expect(removed.payload).toEqual({ requestId: "", nodeId: node.id, decision: "removed", ts: expect.any(Number) });
    expect((await operator.call("node.list")).nodes).toEqual([]);
    expect((await operator.call("device.pair.list")).paired).toEqual([]);
    const again = await operator.request("node.pair.remove", { nodeId: node.id });
    expect(again.error).toMatchObject({ code: "INVALID_REQUEST", message: "unknown nodeId" });
  });

  test("that is an operator as well takes only the role, and an administrator", async () => {
    const gateway = await start();
    const device = new TestDevice();
    const asNode = await connectApproved(gateway, { device, commands: ["system.notify"] });
    const client = { id: "cli", mode: "cli", platform: "linux", deviceFamily: "Linux" };
    const asOperator = await gateway.connect({ client, identity: device, scopes: ["operator.read"] });
    const weak = await gateway.connect({ scopes: ["operator.pairing"] });
    const refused = await weak.request("node.pair.remove", { nodeId: device.id });
    expect(refused.error).toMatchObject({ code: "INVALID_REQUEST", message: "device pairing removal denied" });
    const admin = await gateway.connect();
    await admin.call("node.pair.remove", { nodeId: device.id });
    expect(await asNode.client.ended()).toEqual({ code: 4001, reason: "device removed" });
    expect(await asOperator.call("sessions.list")).toBeDefined();
    const { paired } = await admin.call("device.pair.list");
    expect(paired).toMatchObject([{ deviceId: device.id, roles: ["operator"] }]);
    expect(paired[0].nodeSurface).toBeUndefined();
  });
});

test("a name that an operator gives stays when the node tells another", async () => {
  const gateway = await start();
  const operator = await gateway.connect();
  const { device, id, client } = await connectApproved(gateway, { commands: ["system.notify"] });
  expect(await operator.call("node.rename", { nodeId: id, displayName: "  Kitchen " })).toEqual({
    nodeId: id,
    displayName: "Kitchen",
  });
  client.close();
  await connectNode(gateway, { device, commands: ["system.notify"], displayName: "Told" });
  expect(await operator.call("node.describe", { nodeId: id })).toMatchObject({ displayName: "Kitchen" });
  for (const [params, message] of [
    [{ nodeId: id, displayName: "  " }, "displayName required"],
    [{ nodeId: "nobody", displayName: "x" }, "unknown nodeId"],
  ] as const) {
    expect((await operator.request("node.rename", params)).error).toMatchObject({ code: "INVALID_REQUEST", message });
  }
});

test("the list has connected nodes first, then goes by name", async () => {
  const gateway = await start();
  const operator = await gateway.connect();
  for (const displayName of ["beta", "Alpha"]) await connectNode(gateway, { displayName });
  const gone = await connectNode(gateway, { displayName: "Aaa" });
  gone.client.close();
  type Entry = { deviceId?: string; reason: string };
  const isGone = ({ deviceId, reason }: Entry): boolean => deviceId === gone.id && reason === "disconnect";
  await operator.event("presence", ({ presence }) => presence.some(isGone));
  const { nodes } = await operator.call("node.list");
  const names = nodes.filter(({ connected }: { connected: boolean }) => connected).map(nameOf);
  expect(names).toEqual(["Alpha", "beta"]);
  expect(nameOf(nodes[2])).toBe("Aaa");
});

const nameOf = ({ displayName }: { displayName: string }): string => displayName;
