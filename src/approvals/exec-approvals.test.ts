import { afterEach, describe, expect, test } from "bun:test";
import { type ConnectSpec, startTestGateway, TestDevice, type TestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
async function start(...options: Parameters<typeof startTestGateway>): Promise<TestGateway> {
  const gateway = await startTestGateway(...options);
  ends.push(() => gateway.stop());
  return gateway;
}

const APPROVER: ConnectSpec = { client: { id: "cli", mode: "cli", displayName: "Ops" }, caps: ["approvals"] };
const COMMAND = { command: "rm -rf build", commandArgv: ["rm", "-rf", "build"], cwd: "/tmp", host: "gateway" };

/** Sends a request and gives its id on the wire, so that both answers can be waited for. */
async function ask(client: Awaited<ReturnType<TestGateway["connect"]>>, params: object) {
  const answer = client.request("exec.approval.request", { ...COMMAND, twoPhase: true, ...params });
  return answer;
}
const decision = (client: Awaited<ReturnType<TestGateway["connect"]>>, id: string) =>
  client.call("exec.approval.waitDecision", { id });

describe("an approval of a command", () => {
  test("is asked for, seen, listed and decided", async () => {
    const gateway = await start({ clock: new ManualClock() });
    const approver = await gateway.connect(APPROVER);
    const runner = await gateway.connect();
    const first = await ask(runner, { id: "ap-1", env: { B: "secret", A: "1" }, sessionKey: "agent:main:main" });
    const now = gateway.services.clock.now();
    const times = { createdAtMs: now, expiresAtMs: now + 1_800_000 };
    expect(first.payload).toEqual({ status: "accepted", id: "ap-1", deliveryRoute: "approval-client", ...times });

    const { payload } = await approver.event("exec.approval.requested", () => true, 0);
    expect(payload).toMatchObject({ approvalKind: "exec", id: "ap-1", ...times });
    expect(payload.request).toMatchObject({
      command: "rm -rf build",
      commandArgv: ["rm", "-rf", "build"],
      envKeys: ["A", "B"],
      cwd: "/tmp",
      host: "gateway",
      commandAnalysis: { commandCount: 1, nestedCommandCount: 0, riskKinds: [], warningLines: [] },
      allowedDecisions: ["allow-once", "allow-always", "deny"],
      sessionKey: "agent:main:main",
      systemRunPlan: null,
    });
    expect(JSON.stringify(payload)).not.toContain("secret");
    expect(await approver.call("exec.approval.list")).toEqual([
      { id: "ap-1", approvalKind: "exec", request: payload.request, ...times },
    ]);
    expect(await approver.call("exec.approval.get", { id: "ap-1" })).toEqual({
      id: "ap-1",
      commandText: "rm -rf build",
      commandPreview: null,
      allowedDecisions: ["allow-once", "allow-always", "deny"],
      host: "gateway",
      nodeId: null,
      agentId: null,
      expiresAtMs: times.expiresAtMs,
    });

    const waiting = decision(approver, "ap-1");
    expect(await approver.call("exec.approval.resolve", { id: "ap-1", decision: "allow-always" })).toEqual({
      ok: true,
    });
    const answer = { id: "ap-1", decision: "allow-always", ...times };
    expect(await runner.answer(first.id as string, 1)).toMatchObject({ ok: true, payload: answer });
    expect(await waiting).toEqual({ ...answer, terminalReason: "user" });
    const resolved = await approver.event("exec.approval.resolved", () => true, 0);
    expect(resolved.payload).toEqual({
      id: "ap-1",
      decision: "allow-always",
      resolvedBy: "Ops",
      ts: now,
      request: payload.request,
    });
    expect(await approver.call("exec.approval.list")).toEqual([]);
  });

  test("answers once when it is not asked for two phases", async () => {
    const gateway = await start();
    const approver = await gateway.connect(APPROVER);
    const runner = await gateway.connect();
    const answer = runner.request("exec.approval.request", { ...COMMAND, id: "ap-1" });
    await approver.event("exec.approval.requested", () => true, 0);
    await approver.call("exec.approval.resolve", { id: "ap-1", decision: "deny" });
    expect((await answer).payload).toMatchObject({ id: "ap-1", decision: "deny" });
  });

  test("goes to nobody without a client that shows approvals, and is refused at once", async () => {
    const gateway = await start();
    const runner = await gateway.connect();
    await gateway.connect({ ...APPROVER, caps: ["plugin-approvals"] });
    const approvals = { scopes: ["operator.approvals"], caps: ["approvals"] };
    const other = await gateway.connect(approvals);
    expect((await ask(runner, { id: "ap-1" })).payload).toMatchObject({ id: "ap-1", decision: null });
    expect(await decision(runner, "ap-1")).toMatchObject({ decision: null, terminalReason: "no-route" });
    await other.call("exec.approval.list");
    expect(other.events("exec.approval.requested")).toEqual([]);
  });

  test("waits for whoever looks when no route is demanded", async () => {
    const gateway = await start();
    const runner = await gateway.connect();
    const first = await ask(runner, { id: "ap-1", requireDeliveryRoute: false });
    expect(first.payload).toMatchObject({ status: "accepted", deliveryRoute: "none" });
    await runner.call("exec.approval.resolve", { id: "ap-1", decision: "allow-once" });
    expect((await runner.answer(first.id as string, 1)).payload).toMatchObject({ decision: "allow-once" });
  });

  test("is shown to nobody when delivery is suppressed", async () => {
    const gateway = await start();
    const approver = await gateway.connect(APPROVER);
    const runner = await gateway.connect();
    expect((await ask(runner, { suppressDelivery: true })).payload.decision).toBeNull();
    await ask(runner, { id: "ap-2", suppressDelivery: true, requireDeliveryRoute: false });
    expect(await approver.call("exec.approval.list")).toMatchObject([{ id: "ap-2" }]);
    expect(approver.events("exec.approval.requested")).toEqual([]);
  });

  test("goes on when its requester leaves", async () => {
    const gateway = await start();
    const approver = await gateway.connect(APPROVER);
    const runner = await gateway.connect();
    await ask(runner, { id: "ap-1" });
    runner.close();
    await runner.ended();
    expect(await approver.call("exec.approval.resolve", { id: "ap-1", decision: "allow-once" })).toEqual({ ok: true });
    expect(await decision(approver, "ap-1")).toMatchObject({ decision: "allow-once" });
  });
});

describe("who sees and decides", () => {
  const LIMITED = { scopes: ["operator.approvals"], caps: ["approvals"] };

  test("administrators and the requesting device, on any of its connections", async () => {
    const gateway = await start();
    const identity = new TestDevice();
    const runner = await gateway.connect({ ...LIMITED, identity });
    const sameDevice = await gateway.connect({ ...LIMITED, identity });
    const stranger = await gateway.connect({ ...LIMITED, identity: new TestDevice() });
    const admin = await gateway.connect();
    const first = await ask(runner, { id: "ap-1" });
    expect(first.payload.deliveryRoute).toBe("approval-client");
    expect(await stranger.call("exec.approval.list")).toEqual([]);
    for (const [method, params, message] of [
      ["exec.approval.get", { id: "ap-1" }, "unknown or expired approval id"],
      ["exec.approval.resolve", { id: "ap-1", decision: "deny" }, "unknown or expired approval id"],
      ["exec.approval.waitDecision", { id: "ap-1" }, "approval expired or not found"],
    ] as const) {
      expect((await stranger.request(method, params)).error.message).toBe(message);
    }
    for (const client of [runner, sameDevice, admin]) {
      expect(await client.call("exec.approval.list")).toMatchObject([{ id: "ap-1" }]);
    }
    await sameDevice.call("exec.approval.resolve", { id: "ap-1", decision: "allow-once" });
    expect((await runner.answer(first.id as string, 1)).payload.decision).toBe("allow-once");
    expect(stranger.events("exec.approval.resolved")).toEqual([]);
  });

  test("nobody without operator.approvals, whatever else they hold", async () => {
    const gateway = await start();
    const calls = [
      ["exec.approval.list", {}],
      ["exec.approval.get", { id: "x" }],
      ["exec.approval.request", COMMAND],
      ["exec.approval.resolve", { id: "x", decision: "deny" }],
      ["exec.approval.waitDecision", { id: "x" }],
    ] as const;
    for (const scopes of [["operator.read"], ["operator.write", "operator.pairing", "operator.questions"]]) {
      const client = await gateway.connect({ scopes });
      for (const [method, params] of calls) {
        expect((await client.request(method, params)).error).toMatchObject({
          code: "FORBIDDEN",
          message: "missing scope: operator.approvals",
        });
      }
    }
  });
});

describe("what is refused", () => {
  const refusals: [string, object, string][] = [
    ["no command", { command: undefined, commandArgv: undefined }, "command is required"],
    ["a blank command", { command: " ", commandArgv: undefined }, "command is required"],
    ["a node without a name", { host: "node" }, "nodeId is required for host=node"],
    ["a node without a plan", { host: "node", nodeId: "n" }, "systemRunPlan is required for host=node"],
    ["a reserved id", { id: "plugin:x" }, "approval ids starting with plugin: are reserved"],
    ["an id that is a path", { id: ".." }, "approval id must be 1-128 characters using only"],
    ["a request that is too large", { commandArgv: undefined, cwd: `/${"x".repeat(270_000)}` }, "request is too large"],
  ];
  for (const [name, params, message] of refusals) {
    test(name, async () => {
      const gateway = await start();
      const client = await gateway.connect();
      const { error } = await client.request("exec.approval.request", { ...COMMAND, ...params });
      expect(error).toMatchObject({ code: "INVALID_REQUEST", message: expect.stringContaining(message) });
    });
  }

  test("a decision that the request does not allow", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    await ask(client, { id: "ap-1", requireDeliveryRoute: false, unavailableDecisions: ["allow-always"] });
    const { error } = await client.request("exec.approval.resolve", { id: "ap-1", decision: "allow-always" });
    expect(error).toMatchObject({
      message: "allow-always is unavailable for this command",
      details: { reason: "APPROVAL_ALLOW_ALWAYS_UNAVAILABLE" },
    });
    expect(await client.call("exec.approval.get", { id: "ap-1" })).toMatchObject({
      allowedDecisions: ["allow-once", "deny"],
    });
  });
});
