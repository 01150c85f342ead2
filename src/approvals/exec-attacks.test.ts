import { afterEach, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../gateway/testing.ts";
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

const APPROVER = { caps: ["approvals"] };
type Client = Awaited<ReturnType<TestGateway["connect"]>>;
const ask = (client: Client, params: object) =>
  client.request("exec.approval.request", { command: "ls", twoPhase: true, requireDeliveryRoute: false, ...params });
const resolve = (client: Client, id: string, decision: string) =>
  client.request("exec.approval.resolve", { id, decision });
const shown = async (client: Client, id: string): Promise<string> =>
  (await client.call("exec.approval.get", { id })).commandText;

const plan = (argv: string[], commandText: string) => ({
  host: "node",
  nodeId: "n1",
  systemRunPlan: { argv, cwd: "/tmp", commandText, agentId: "main", sessionKey: "agent:main:main" },
});

describe("71: argv and text mismatch", () => {
  test("a node's plan is shown by what it runs", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    await ask(client, { id: "ap-1", command: "echo ok", ...plan(["rm", "-rf", "x y"], "echo ok") });
    expect(await shown(client, "ap-1")).toBe("rm -rf 'x y'");
    const [{ request }] = await client.call("exec.approval.list");
    expect(request.systemRunPlan).toMatchObject({ argv: ["rm", "-rf", "x y"], commandText: "rm -rf 'x y'" });
  });

  test("its own text stays when it says the same", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    await ask(client, { id: "ap-1", ...plan(["rm", "-rf", "x y"], 'rm -rf "x y"') });
    expect(await shown(client, "ap-1")).toBe('rm -rf "x y"');
  });

  test("a command of this machine that says something else than its arguments is refused", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    for (const commandArgv of [["rm", "-rf", "x"], ["echo", "ok", "more"], ["sh", "-c", "rm x"], ["echo ok"]]) {
      const { error } = await ask(client, { command: "echo ok", commandArgv });
      expect(error.message).toBe("command and commandArgv say different things");
    }
    for (const [command, commandArgv] of [
      ["ls | wc", ["/bin/bash", "-lc", "ls | wc"]],
      ["echo 'a b' c", ["echo", "a b", "c"]],
    ]) {
      expect((await ask(client, { command, commandArgv })).payload.status).toBe("accepted");
    }
    expect((await ask(client, { command: "ls | wc", commandArgv: ["ls", "|", "wc"] })).ok).toBe(false);
  });
});

test("72: the wrapper of a node's command is shown", async () => {
  const gateway = await start();
  const client = await gateway.connect();
  await ask(client, { id: "ap-1", ...plan(["./env", "sh", "-c", "jq --version"], "jq --version") });
  expect(await shown(client, "ap-1")).toBe("./env sh -c 'jq --version'");
  const { systemRunPlan, ...node } = plan(["sh", "-c", "rm x; jq --version"], "jq");
  for (const [id, commandPreview, preview] of [
    ["ap-2", "jq --version", "jq --version"],
    ["ap-3", "jq --help", null],
  ] as const) {
    await ask(client, { id, ...node, systemRunPlan: { ...systemRunPlan, commandPreview } });
    expect(await client.call("exec.approval.get", { id })).toMatchObject({
      commandText: "sh -c 'rm x; jq --version'",
      commandPreview: preview,
    });
  }
});

describe("73: approval truncated or dressed up", () => {
  test("what cannot be shown whole cannot be approved", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    for (const command of [`echo ${"a".repeat(70_000)}; rm x`, `echo ${"\u200b".repeat(3000)}`]) {
      const { error } = await ask(client, { command });
      expect(error.details).toEqual({ reason: "EXEC_APPROVAL_COMMAND_DISPLAY_LIMIT" });
    }
    const long = `echo ${"a".repeat(16_379)}`;
    expect((await ask(client, { id: "ap-1", command: long })).payload.status).toBe("accepted");
    expect(await shown(client, "ap-1")).toBe(long);
  });

  test("characters that hide or turn others are written out", async () => {
    const gateway = await start();
    const approver = await gateway.connect(APPROVER);
    const client = await gateway.connect();
    const command = "echo \u001b[31mhi\u202e\u200b\nrm\u00a0x\u3164\u{e0041}";
    await ask(client, { id: "ap-1", command, warningText: "see\u001b[1m\nthis" });
    const text = "echo \\u{1B}[31mhi\\u{202E}\\u{200B}\\u{A}rm\\u{A0}x\\u{3164}\\u{E0041}";
    expect(await shown(approver, "ap-1")).toBe(text);
    const { payload } = await approver.event("exec.approval.requested", () => true, 0);
    expect(payload.request).toMatchObject({ command: text, warningText: "see\\u{1B}[1m\nthis" });
  });
});

describe("76: double or late decision", () => {
  test("the first one counts, the same one again is fine", async () => {
    const gateway = await start();
    const approver = await gateway.connect(APPROVER);
    const runner = await gateway.connect();
    const first = await ask(runner, { id: "ap-1" });
    expect((await resolve(approver, "ap-1", "deny")).ok).toBe(true);
    expect((await resolve(approver, "ap-1", "allow-once")).error).toMatchObject({
      code: "INVALID_REQUEST",
      message: "approval already resolved",
      details: { reason: "APPROVAL_ALREADY_RESOLVED" },
    });
    expect((await resolve(runner, "ap-1", "deny")).payload).toEqual({ ok: true });
    expect((await runner.answer(first.id as string, 1)).payload.decision).toBe("deny");
    await approver.call("exec.approval.list");
    expect(approver.events("exec.approval.resolved")).toHaveLength(1);
  });

  test("of two at the same time one wins, and both hear which", async () => {
    const gateway = await start();
    const approvers = await Promise.all([gateway.connect(APPROVER), gateway.connect(APPROVER)]);
    const runner = await gateway.connect();
    for (let round = 0; round < 10; round++) {
      const id = `ap-${round}`;
      const first = await ask(runner, { id });
      const answers = await Promise.all([resolve(approvers[0]!, id, "allow-once"), resolve(approvers[1]!, id, "deny")]);
      expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
      const { decision } = (await runner.answer(first.id as string, 1)).payload;
      expect(decision).toBe(answers[0]!.ok ? "allow-once" : "deny");
    }
  });

  test("unknown words, unknown ids, ids in use and short beginnings of ids", async () => {
    const gateway = await start();
    const client = await gateway.connect();
    await ask(client, { id: "aaaaaaaa-1" });
    await ask(client, { id: "aaaaaaaa-2" });
    await ask(client, { id: "bbbbbbbb-1" });
    for (const word of ["allow-everything", "Allow-once", "true", "toString"]) {
      expect((await resolve(client, "bbbbbbbb-1", word)).error.message).toBe("invalid decision");
    }
    expect((await ask(client, { id: "bbbbbbbb-1" })).error.message).toBe("approval id already pending");
    for (const id of ["nope-nope", "bbbbbb", "b", "%"]) {
      const { error } = await resolve(client, id, "allow-once");
      expect(error).toMatchObject({ code: "INVALID_REQUEST", details: { reason: "APPROVAL_NOT_FOUND" } });
    }
    expect((await resolve(client, "aaaaaaaa", "deny")).error.message).toBe(
      "ambiguous approval id prefix; use the full id",
    );
    expect((await resolve(client, "bbbbbbbb", "allow-once")).ok).toBe(true);
    expect(await client.call("exec.approval.list")).toHaveLength(2);
  });

  test("an id cannot be used for something else after its decision", async () => {
    const clock = new ManualClock();
    const gateway = await start({ clock });
    const client = await gateway.connect();
    await ask(client, { id: "ap-1" });
    await resolve(client, "ap-1", "allow-once");
    expect((await ask(client, { id: "ap-1", command: "rm x" })).error.message).toBe("approval id already pending");
    clock.advance(15_001);
    expect((await ask(client, { id: "ap-1", command: "rm x" })).error).toMatchObject({
      code: "UNAVAILABLE",
      message: "approval request unavailable",
    });
    expect(await client.call("exec.approval.waitDecision", { id: "ap-1" })).toMatchObject({ decision: "allow-once" });
  });
});

describe("77: timeout fails open", () => {
  test("nobody's answer is no permission, and a late one changes nothing", async () => {
    const clock = new ManualClock();
    const gateway = await start({ clock });
    const approver = await gateway.connect(APPROVER);
    const runner = await gateway.connect();
    const first = await ask(runner, { id: "ap-1", timeoutMs: 5000 });
    clock.advance(4999);
    await gateway.services.approvals.expireDue();
    expect(await approver.call("exec.approval.list")).toHaveLength(1);
    clock.advance(1);
    expect(await approver.call("exec.approval.list")).toEqual([]);
    await gateway.services.approvals.expireDue();
    expect((await runner.answer(first.id as string, 1)).payload.decision).toBeNull();
    const { payload } = await approver.event("exec.approval.resolved", () => true, 0);
    expect(payload).toMatchObject({ id: "ap-1", decision: "deny", resolvedBy: null });
    expect(await approver.call("exec.approval.waitDecision", { id: "ap-1" })).toMatchObject({
      decision: null,
      terminalReason: "timeout",
    });
    expect((await resolve(approver, "ap-1", "allow-once")).error.message).toBe("approval already resolved");
  });

  test("an answer that comes before the timer does is late, too", async () => {
    const clock = new ManualClock();
    const gateway = await start({ clock });
    const runner = await gateway.connect();
    const first = await ask(runner, { id: "ap-1", timeoutMs: 5000 });
    clock.advance(5000);
    expect((await resolve(runner, "ap-1", "allow-once")).error.message).toBe("approval already resolved");
    expect((await runner.answer(first.id as string, 1)).payload.decision).toBeNull();
  });

  test("the timer ends it without anybody asking", async () => {
    const gateway = await start();
    const runner = await gateway.connect();
    const answer = await runner.call("exec.approval.request", {
      command: "ls",
      requireDeliveryRoute: false,
      timeoutMs: 1,
    });
    expect(answer.decision).toBeNull();
  });
});
