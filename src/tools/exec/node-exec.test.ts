import { afterEach, expect, test } from "bun:test";
import { startTestGateway, type TestClient } from "../../gateway/testing.ts";
import { answerNext, connectApproved, type TestNode, type TestNodeSpec } from "../../nodes/testing.ts";
import type { ToolContext, ToolResult } from "../types.ts";
import { textOf } from "./testing.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const COMMANDS = ["system.run", "system.run.prepare"];

async function start(exec: object = {}) {
  const gateway = await startTestGateway({ config: { tools: { exec } } as never });
  ends.push(() => gateway.stop());
  const tool = gateway.services.toolRegistry.find("exec")!;
  return {
    gateway,
    node: (spec: TestNodeSpec = {}) => connectApproved(gateway, { commands: COMMANDS, ...spec }),
    exec: (command: string, args: object = {}, context: Partial<ToolContext> = {}): Promise<ToolResult> =>
      tool.run(
        { command, host: "node", ...args },
        {
          agentId: "main",
          sessionKey: "agent:main:main",
          sessionId: "s1",
          runId: "r1",
          toolCallId: "c1",
          workspace: gateway.stateDir,
          isOwner: true,
          origin: "owner",
          isSandboxed: false,
          signal: new AbortController().signal,
          onUpdate: () => {},
          ...context,
        },
      ),
  };
}

const OPEN = { security: "full", ask: "off" };
const planOf = (command: string) => ({
  argv: ["/bin/sh", "-lc", command],
  cwd: null,
  commandText: `/bin/sh -lc "${command}"`,
  commandPreview: command,
  agentId: "main",
  sessionKey: "agent:main:main",
});

/** Answers the request to say what would be run. */
async function prepare(node: TestNode, command: string, execPolicy: object = OPEN): Promise<void> {
  const asked = await answerNext(node, {
    ok: true,
    payloadJSON: JSON.stringify({ plan: planOf(command), execPolicy }),
  });
  expect(asked.command).toBe("system.run.prepare");
}

/** Answers the request to run; gives its params. */
async function answerRun(node: TestNode, payload: object, result: object = { ok: true }) {
  const request = (await node.client.event("node.invoke.request", ({ command }) => command === "system.run")).payload;
  await node.client.call("node.invoke.result", {
    id: request.id,
    nodeId: node.id,
    ...result,
    ...("error" in result ? {} : { payloadJSON: JSON.stringify(payload) }),
  });
  return JSON.parse(request.paramsJSON);
}

const asked = async (client: TestClient) => (await client.event("exec.approval.requested")).payload;

test("a command runs on the only node that can, in a shell there, and its answer is told", async () => {
  const { node: connect, exec } = await start();
  const node = await connect();
  const running = exec("uname", { workdir: "/srv", env: { FOO: "1" }, timeoutSeconds: 5 });
  await prepare(node, "uname");
  const params = await answerRun(node, {
    exitCode: 3,
    timedOut: false,
    success: false,
    stdout: "Linux\n",
    stderr: "e\n",
  });
  expect(params).toMatchObject({
    command: ["/bin/sh", "-lc", "uname"],
    rawCommand: "uname",
    cwd: "/srv",
    env: { FOO: "1" },
    timeoutMs: 5000,
    agentId: "main",
    sessionKey: "agent:main:main",
    suppressNotifyOnExit: true,
  });
  expect(params).not.toHaveProperty("approved");
  const result = await running;
  expect(textOf(result)).toBe("Linux\ne\n\n(Command exited with code 3)");
  expect(result.details).toMatchObject({ exitCode: 3, host: "node", node: { id: node.id, name: "Test Node" } });
});

test("timeouts, errors of the node and refusals of its policy are told", async () => {
  const { node: connect, exec } = await start();
  const node = await connect({ commands: ["system.run"] });
  const timedOut = exec("sleep 9", { timeoutSeconds: 1 });
  await answerRun(node, { exitCode: 124, timedOut: true, success: false, stdout: "", stderr: "", error: null });
  expect(await timedOut).toMatchObject({ isError: true, details: { timedOut: true, exitCode: null } });
  const failed = exec("x");
  const { payload } = await node.client.event("node.invoke.request", ({ paramsJSON }) => paramsJSON.includes('"x"'));
  const error = { code: "UNAVAILABLE", message: "SYSTEM_RUN_DENIED: security=deny" };
  await node.client.call("node.invoke.result", { id: payload.id, nodeId: node.id, ok: false, error });
  expect((await failed).details!.error).toBe("SYSTEM_RUN_DENIED: security=deny");
});

test("of several nodes one is chosen by id, name or configuration, and never another one", async () => {
  const { node: connect, exec } = await start();
  const first = await connect({ displayName: "First", commands: ["system.run"] });
  const second = await connect({ displayName: "Second", commands: ["system.run"] });
  await connect({ displayName: "Phone", commands: ["canvas.snapshot"], platform: "linux" });
  expect((await exec("x")).details!.error).toBe(
    "exec host=node: several nodes can run commands (First, Second); choose one with node.",
  );
  expect((await exec("x", { node: "Phone" })).details!.error).toContain(
    "no connected node that runs commands is called",
  );
  for (const [name, node] of [
    ["second", second],
    [first.id, first],
  ] as const) {
    const running = exec("x", { node: name });
    await answerRun(node, { exitCode: 0, success: true, stdout: "ok", stderr: "" });
    expect(textOf(await running)).toBe("ok");
  }
});

test("82: variables that steer programs are refused before any node hears of them", async () => {
  const { node: connect, exec } = await start();
  const node = await connect();
  expect((await exec("x", { env: { LD_PRELOAD: "/x" } })).details!.error).toContain("'LD_PRELOAD' is forbidden");
  expect(node.client.events("node.invoke.request")).toEqual([]);
});

test("70: what people have approved is what the node is asked to run, once", async () => {
  const { gateway, node: connect, exec } = await start({ mode: "ask" });
  const client = await gateway.connect({ caps: ["approvals"] });
  const node = await connect();
  const running = exec("uname -a");
  await prepare(node, "uname -a");
  const { id, request } = await asked(client);
  expect(request).toMatchObject({ host: "node", nodeId: node.id, command: '/bin/sh -lc "uname -a"' });
  await client.call("exec.approval.resolve", { id, decision: "allow-once" });
  const params = await answerRun(node, { exitCode: 0, success: true, stdout: "Linux\n", stderr: "" });
  expect(params).toMatchObject({
    command: ["/bin/sh", "-lc", "uname -a"],
    approved: true,
    approvalDecision: "allow-once",
    runId: id,
  });
  expect(textOf(await running)).toBe("Linux");
});

test("the node's own policy makes stricter, and nothing runs that was denied", async () => {
  const { gateway, node: connect, exec } = await start();
  const node = await connect();
  const denied = exec("x");
  await prepare(node, "x", { security: "deny", ask: "off" });
  expect((await denied).details!.error).toBe("exec denied: host=node security=deny");
  node.client.close();
  const client = await gateway.connect({ caps: ["approvals"] });
  const other = await connect();
  const running = exec("x");
  await prepare(other, "x", { security: "full", ask: "always" });
  await client.call("exec.approval.resolve", { id: (await asked(client)).id, decision: "deny" });
  expect(textOf(await running)).toContain("user-denied): x");
  expect(other.client.events("node.invoke.request")).toHaveLength(1);
});

test("an abort tells the node that nobody waits any more", async () => {
  const { node: connect, exec } = await start();
  const node = await connect({ commands: ["system.run"] });
  const abort = new AbortController();
  const running = exec("sleep 60", {}, { signal: abort.signal });
  const { payload } = await node.client.event("node.invoke.request");
  abort.abort(new Error("stopped"));
  await expect(running).rejects.toThrow("stopped");
  expect((await node.client.event("node.invoke.cancel")).payload).toEqual({ invokeId: payload.id, nodeId: node.id });
});

test("86: a sandboxed session reaches no node", async () => {
  const { node: connect, exec } = await start({ host: "node" });
  const node = await connect();
  expect((await exec("x", {}, { isSandboxed: true })).details!.error).toContain("this session runs in a sandbox");
  expect(node.client.events("node.invoke.request")).toEqual([]);
});
