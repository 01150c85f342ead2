import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestGateway, type TestClient, TestDevice, type TestGateway } from "../gateway/testing.ts";
import { ManualClock } from "../platform/clock.ts";
import { answerNext, connectApproved, connectNode, type TestNode } from "./testing.ts";

let stateDir: string;
let gateway: TestGateway;
let operator: TestClient;
let node: TestNode;
let clock: ManualClock;
const identity = new TestDevice();

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "chela-test-"));
  clock = new ManualClock(Date.now());
  gateway = await startTestGateway({ stateDir, clock });
  operator = await gateway.connect({ identity });
  node = await connectApproved(gateway, { commands: ["system.run"] });
});
afterEach(async () => {
  await gateway.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

const PLAN = {
  argv: ["echo", "a b"],
  cwd: "/srv",
  commandText: 'echo "a b"',
  agentId: "main",
  sessionKey: "agent:main:x",
};
const CLAIM = { approved: true, approvalDecision: "allow-once" };

interface Wish {
  decision?: string;
  plan?: object;
  env?: Record<string, string>;
}

/** Asks for a run on the node and decides about it, unless the decision is empty. */
async function approve(id: string, { decision = "allow-once", plan = PLAN, env }: Wish = {}): Promise<void> {
  const asked = { id, host: "node", nodeId: node.id, systemRunPlan: plan, requireDeliveryRoute: false };
  const { payload } = await operator.request("exec.approval.request", {
    ...asked,
    ...(env && { env }),
    twoPhase: true,
  });
  expect(payload.status).toBe("accepted");
  if (decision !== "") await operator.call("exec.approval.resolve", { id, decision });
}

let keys = 0;
const run = (params: object, { client = operator, nodeId = node.id, key = `run-${++keys}` } = {}) =>
  client.request("node.invoke", { nodeId, command: "system.run", params, idempotencyKey: key, timeoutMs: 5000 });
const refusal = async (...args: Parameters<typeof run>) => (await run(...args)).error?.details?.code;
const heard = ({ client }: TestNode): number => client.events("node.invoke.request").length;

/** Runs what was approved and gives the params that the node got. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into params freely
async function ran(params: object): Promise<any> {
  const from = node.client.frames.length;
  const answered = run(params);
  const { paramsJSON } = await answerNext(node, { ok: true, payload: {} }, from);
  expect((await answered).ok).toBe(true);
  return JSON.parse(paramsJSON);
}

test("an approved run reaches the node with its decision, once", async () => {
  await approve("ap-1");
  expect(await ran({ command: PLAN.argv, ...CLAIM, runId: "ap-1" })).toEqual({
    command: PLAN.argv,
    rawCommand: 'echo "a b"',
    systemRunPlan: { ...PLAN, commandPreview: null },
    cwd: "/srv",
    agentId: "main",
    sessionKey: "agent:main:x",
    runId: "ap-1",
    ...CLAIM,
  });
  expect(await refusal({ ...CLAIM, runId: "ap-1" })).toBe("APPROVAL_REQUIRED");
  expect(heard(node)).toBe(1);
});

test("a retry with the same key is the same run", async () => {
  await approve("ap-1");
  const both = [1, 2].map(() => run({ ...CLAIM, runId: "ap-1" }, { key: "k" }));
  await answerNext(node, { ok: true, payload: { exitCode: 0 } });
  const [first, second] = await Promise.all(both);
  expect(second!.payload).toEqual(first!.payload);
  expect(heard(node)).toBe(1);
});

test.each(["", "deny"])("without an allowing decision (%p) nothing runs", async (decision) => {
  await approve("ap-1", { decision });
  expect(await refusal({ ...CLAIM, runId: "ap-1" })).toBe("APPROVAL_REQUIRED");
  expect(await refusal({ approvalSource: "ask-fallback", runId: "ap-1" })).toBe("APPROVAL_REQUIRED");
  expect(heard(node)).toBe(0);
});

test("a permission ends with the time of its request", async () => {
  await approve("ap-1");
  clock.advance(31 * 60_000);
  expect(await refusal({ ...CLAIM, runId: "ap-1" })).toBe("APPROVAL_EXPIRED");
  expect(heard(node)).toBe(0);
});

test("a command that the node may not be asked for takes no permission", async () => {
  await approve("ap-1");
  const bare = await connectNode(gateway, { device: node.device, commands: [] });
  const { error } = await run({ ...CLAIM, runId: "ap-1" });
  expect(error.message).toStartWith("node command not allowed:");
  expect(heard(bare)).toBe(0);
  node = await connectNode(gateway, { device: node.device, commands: ["system.run"] });
  expect(await ran({ ...CLAIM, runId: "ap-1" })).toMatchObject({ command: PLAN.argv });
});

describe("71: a text that says something else than the arguments", () => {
  test.each([
    [{ command: ["rm", "-rf", "x"], rawCommand: "echo ok" }, "RAW_COMMAND_MISMATCH"],
    [{ command: ["sh", "-c", "rm x", "more"], rawCommand: "rm x" }, "RAW_COMMAND_MISMATCH"],
    [{ rawCommand: "echo ok" }, "MISSING_COMMAND"],
    [{ command: [], rawCommand: "echo ok" }, "MISSING_COMMAND"],
  ])("is refused: %j", async (params, code) => {
    expect(await refusal(params)).toBe(code);
    expect(heard(node)).toBe(0);
  });

  test.each([
    { command: ["echo", "a b"], rawCommand: 'echo "a b"' },
    { command: ["/bin/sh", "-lc", "ls | wc"], rawCommand: "ls | wc" },
  ])("but one that says the same is not: %j", async (params) => {
    expect(await ran(params)).toEqual({ ...params, runId: expect.any(String) });
  });
});

describe("74: an approval", () => {
  test("is good for no other node", async () => {
    await approve("ap-1");
    const other = await connectApproved(gateway, { commands: ["system.run"] });
    expect(await refusal({ ...CLAIM, runId: "ap-1" }, { nodeId: other.id })).toBe("APPROVAL_NODE_MISMATCH");
    expect(heard(other)).toBe(0);
  });

  test("is good for no other device and no other connection", async () => {
    await approve("ap-1");
    const device = await gateway.connect({ identity: new TestDevice() });
    expect(await refusal({ ...CLAIM, runId: "ap-1" }, { client: device })).toBe("APPROVAL_DEVICE_MISMATCH");
    operator = await gateway.connect();
    await approve("ap-2");
    const second = await gateway.connect();
    expect(await refusal({ ...CLAIM, runId: "ap-2" }, { client: second })).toBe("APPROVAL_CLIENT_MISMATCH");
    expect(heard(node)).toBe(0);
  });

  test("runs what was approved, in its folder and session, whatever the caller names", async () => {
    await approve("ap-1");
    const forged = {
      command: ["rm", "-rf", "/"],
      rawCommand: "ls",
      cwd: "/etc",
      agentId: "b",
      sessionKey: "agent:b:y",
    };
    const plan = { ...PLAN, argv: ["rm"], policySnapshot: {} };
    expect(await ran({ ...forged, systemRunPlan: plan, ...CLAIM, runId: "ap-1" })).toMatchObject({
      command: PLAN.argv,
      rawCommand: 'echo "a b"',
      systemRunPlan: PLAN,
      cwd: "/srv",
      agentId: "main",
      sessionKey: "agent:main:x",
    });
  });

  test("covers the environment that was named, and no other", async () => {
    await approve("ap-1");
    await approve("ap-2", { env: { LANG: "C" } });
    expect(await refusal({ ...CLAIM, runId: "ap-1", env: { LANG: "C" } })).toBe("APPROVAL_ENV_BINDING_MISSING");
    for (const env of [{ LANG: "D" }, { lang: "C" }, { LANG: "C", TZ: "UTC" }, {}]) {
      expect(await refusal({ ...CLAIM, runId: "ap-2", env })).toBe("APPROVAL_ENV_MISMATCH");
    }
    expect(heard(node)).toBe(0);
    expect((await ran({ ...CLAIM, runId: "ap-2", env: { LANG: "C" } })).env).toEqual({ LANG: "C" });
  });

  test("of this machine is none of a node, and one of a plugin is none of a command", async () => {
    const asked = { command: "ls", requireDeliveryRoute: false, twoPhase: true };
    await operator.request("exec.approval.request", { id: "ap-1", ...asked });
    await operator.call("exec.approval.resolve", { id: "ap-1", decision: "allow-once" });
    expect(await refusal({ ...CLAIM, runId: "ap-1" })).toBe("APPROVAL_NODE_BINDING_MISSING");
  });

  test("that was taken stays taken over a restart", async () => {
    await approve("ap-1");
    await approve("ap-2");
    await ran({ ...CLAIM, runId: "ap-1" });
    await gateway.stop();
    gateway = await startTestGateway({ stateDir, clock });
    operator = await gateway.connect({ identity });
    node = await connectNode(gateway, { device: node.device, commands: ["system.run"] });
    expect(await refusal({ ...CLAIM, runId: "ap-1" })).toBe("APPROVAL_REQUIRED");
    expect(heard(node)).toBe(0);
    expect(await ran({ ...CLAIM, runId: "ap-2" })).toMatchObject({ command: PLAN.argv });
  });
});

describe("75: a target that is changed after the approval", () => {
  const mutableFileOperand = { argvIndex: 1, path: "/srv/s.sh", sha256: "a".repeat(64) };
  const script = { ...PLAN, argv: ["sh", "./s.sh"], commandText: "sh ./s.sh" };

  test("does not match the pin, which reaches the node as it was approved", async () => {
    await approve("ap-1", { plan: { ...script, mutableFileOperand } });
    const swapped = { ...script, mutableFileOperand: { ...mutableFileOperand, sha256: "b".repeat(64) } };
    const { systemRunPlan } = await ran({ ...CLAIM, systemRunPlan: swapped, runId: "ap-1" });
    expect(systemRunPlan.mutableFileOperand).toEqual(mutableFileOperand);
  });

  test("and is not pinned cannot be allowed for all times", async () => {
    await approve("ap-1", { plan: script, decision: "" });
    const { error } = await operator.request("exec.approval.resolve", { id: "ap-1", decision: "allow-always" });
    expect(error.details.reason).toBe("APPROVAL_ALLOW_ALWAYS_UNAVAILABLE");
    await approve("ap-2", { plan: { ...script, mutableFileOperand }, decision: "allow-always" });
  });
});

test.each([
  "LD_PRELOAD",
  "ld_preload",
  "LD_PRELOAD ",
  "DYLD_INSERT_LIBRARIES",
  "NODE_OPTIONS",
  "BASH_ENV",
  "ENV",
  "SHELLOPTS",
  "GIT_SSH_COMMAND",
  "GIT_CONFIG_COUNT",
  "PAGER",
  "MAKEFLAGS",
  "RUSTC_WRAPPER",
  "HGRCPATH",
  "PATH",
  "A=B",
])("82: a run gets no variable %j, approved or not", async (name) => {
  const env = { [name]: "x" };
  expect(await refusal({ command: ["id"], env })).toBe("ENV_OVERRIDE_REJECTED");
  await approve("ap-1", { env });
  expect(await refusal({ ...CLAIM, runId: "ap-1", env })).toBe("ENV_OVERRIDE_REJECTED");
  expect(heard(node)).toBe(0);
});

test("80: allow-always lets the node keep that very command, and is no pass for another run", async () => {
  const plan = { ...PLAN, argv: ["sh", "-c", "cmd a # cmd b"], commandText: 'sh -c "cmd a # cmd b"' };
  await approve("ap-1", { plan, decision: "allow-always" });
  const { command, systemRunPlan, approvalDecision } = await ran({ ...CLAIM, command: ["cmd"], runId: "ap-1" });
  expect({ command, argv: systemRunPlan.argv, approvalDecision }).toEqual({
    command: plan.argv,
    argv: plan.argv,
    approvalDecision: "allow-always",
  });
  expect(await refusal({ ...CLAIM, command: plan.argv, runId: "ap-1" })).toBe("APPROVAL_REQUIRED");
});
