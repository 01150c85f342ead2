import { describe, expect, test } from "bun:test";
import { chatEnd, freshKey } from "../../agents/testing/chat-gateway.ts";
import { startToolGateway, steps, type ToolGateway, waitingTool } from "../../agents/testing/tool-gateway.ts";
import type { Tool } from "../types.ts";

async function use({ client, services }: ToolGateway, name: string, args: object, sessionKey = freshKey().sessionKey) {
  const runId = `${sessionKey}-${Math.random()}`;
  while (services.runs.activeRunIds(sessionKey).length > 0) await Bun.sleep(5);
  await client.call("chat.send", {
    sessionKey,
    message: `TOOL:${name} ${JSON.stringify(args)}`,
    idempotencyKey: runId,
  });
  await chatEnd(client, runId);
  const messages = await services.sessions.recent(sessionKey, 100);
  const results = messages.filter(({ role }) => role === "toolResult");
  const { text } = (results.at(-1)!.content as { text: string }[])[0]!;
  return (text.startsWith("{") ? JSON.parse(text) : { error: text }) as Record<string, any>;
}

const textsOf = async ({ services }: Pick<ToolGateway, "services">, key: string, role: string): Promise<string[]> =>
  (await services.sessions.recent(key, 200)).flatMap((message) =>
    message.role !== role
      ? []
      : [typeof message.content === "string" ? message.content : JSON.stringify(message.content)],
  );

/** Waits until the session has been told of so many ends. */
async function told(gateway: Pick<ToolGateway, "services">, key: string, count = 1): Promise<string[]> {
  for (;;) {
    const heard = (await textsOf(gateway, key, "user")).filter((text) => text.startsWith("[Subagent ended]"));
    if (heard.length >= count) return heard;
    await Bun.sleep(10);
  }
}

describe("sessions_spawn", () => {
  test("gives the task to a session of its own, and its result comes back once", async () => {
    const gateway = await startToolGateway();
    const { sessionKey } = freshKey();
    const spawned = await use(gateway, "sessions_spawn", { task: "count the sheep", label: "sheep" }, sessionKey);
    expect(spawned).toMatchObject({ status: "accepted" });
    expect(spawned.childSessionKey).toMatch(/^agent:main:subagent:[0-9a-f-]{36}$/);
    const [heard] = await told(gateway, sessionKey);
    expect(heard).toContain("[Subagent ended] sheep\nstatus: ok");
    expect(heard).toContain("echo: ");
    const task = (await gateway.services.sessions.recent(spawned.childSessionKey, 10))[0]!;
    expect(task).toMatchObject({
      content: "[Subagent Task]\ncount the sheep",
      meta: { provenance: { kind: "inter_session", sourceSessionKey: sessionKey, sourceTool: "sessions_spawn" } },
    });
    const child = await gateway.services.sessions.find(spawned.childSessionKey);
    expect(child).toMatchObject({ spawnDepth: 1, agentId: "main" });
    const { tasks } = await use(gateway, "subagents", { action: "list" }, sessionKey);
    expect(tasks).toMatchObject([{ taskId: spawned.runId, label: "sheep", status: "ok" }]);
    expect(await told(gateway, sessionKey)).toHaveLength(1);
    await gateway.stop();
  });

  test("a result goes into the run that is at work, and a failure is told as such", async () => {
    const waiting = waitingTool("probe_wait");
    const gateway = await startToolGateway({}, [waiting.tool]);
    const { sessionKey, id } = freshKey();
    const message = steps([{ name: "sessions_spawn", args: { task: "FAIL:400 broken" } }], [{ name: "probe_wait" }]);
    await gateway.client.call("chat.send", { sessionKey, message, idempotencyKey: id("a") });
    await waiting.begun;
    for (let tries = 0; tries < 500 && gateway.services.runs.pendingInputs(sessionKey).length === 0; tries++)
      await Bun.sleep(5);
    waiting.letGo("done");
    await chatEnd(gateway.client, id("a"));
    const [heard] = await told(gateway, sessionKey);
    expect(heard).toContain("status: error");
    await gateway.stop();
  });

  test("is bound in depth and number, and knows only agents that it may give tasks to", async () => {
    const hold = waitingTool("probe_hold");
    const subagents = { maxSpawnDepth: 1, maxChildrenPerAgent: 2 };
    const agents = {
      defaults: { model: { primary: "mock/mock-1" }, subagents },
      entries: { main: { default: true }, work: {} },
    };
    const gateway = await startToolGateway({ agents }, [hold.tool]);
    const { sessionKey } = freshKey();
    const first = await use(gateway, "sessions_spawn", { task: "TOOL:probe_hold {}" }, sessionKey);
    await use(gateway, "sessions_spawn", { task: "TOOL:probe_hold {}" }, sessionKey);
    const third = await use(gateway, "sessions_spawn", { task: "x" }, sessionKey);
    expect(third).toMatchObject({ status: "forbidden" });
    expect(third.error).toContain("2 subagents at work");
    expect((await use(gateway, "sessions_spawn", { task: "x", agentId: "work" })).error).toContain(
      "may not be given to work",
    );
    expect((await use(gateway, "sessions_spawn", { task: "x", model: "no/such" })).error).toContain("No model");
    hold.letGo("done");
    await told(gateway, sessionKey, 2);
    // A leaf has no such tool at all.
    expect((await use(gateway, "sessions_spawn", { task: "x" }, first.childSessionKey)).error).toContain("not found");
    await gateway.stop();
  }, 20_000);
});

describe("86: a subagent has at most what its requester has", () => {
  const SANDBOXED = {
    defaults: { model: { primary: "mock/mock-1" }, sandbox: { mode: "off" }, subagents: { allowAgents: ["*"] } },
    entries: { main: { default: true, sandbox: { mode: "all" }, tools: { deny: ["probe_say"] } }, open: {} },
  };

  test("tools that were denied to it stay denied to its children, of another agent too", async () => {
    const gateway = await startToolGateway({ agents: SANDBOXED, tools: { sandbox: { tools: { deny: ["browser"] } } } });
    const { sessionKey } = freshKey();
    const spawned = await use(
      gateway,
      "sessions_spawn",
      { task: 'TOOL:probe_say {"text":"x"}', agentId: "open" },
      sessionKey,
    );
    expect(spawned.status).toBe("accepted");
    await told(gateway, sessionKey);
    expect(gateway.made).toEqual([]);
    expect(JSON.stringify(await textsOf(gateway, spawned.childSessionKey, "toolResult"))).toContain(
      "Tool probe_say not found",
    );
    // The agent itself has it, when nobody spawned it.
    await use(gateway, "probe_say", { text: "x" }, "agent:open:main");
    expect(gateway.made).toEqual(['probe_say {"text":"x"}']);
    await gateway.stop();
  });

  test("a sandbox is passed on, over a reset too", async () => {
    const seen: boolean[] = [];
    const look: Tool = {
      name: "probe_box",
      description: "Says whether it is in a sandbox.",
      parameters: { type: "object" },
      async run(_args, { isSandboxed }) {
        seen.push(isSandboxed);
        return { content: [{ type: "text", text: "ok" }] };
      },
    };
    const gateway = await startToolGateway(
      { agents: SANDBOXED, tools: { sandbox: { tools: { deny: ["browser"] } } } },
      [look],
    );
    const { sessionKey } = freshKey();
    const spawned = await use(gateway, "sessions_spawn", { task: "TOOL:probe_box {}", agentId: "open" }, sessionKey);
    await told(gateway, sessionKey);
    await gateway.client.call("sessions.reset", { key: spawned.childSessionKey });
    await use(gateway, "probe_box", {}, spawned.childSessionKey);
    await use(gateway, "probe_box", {}, "agent:open:main");
    expect(seen).toEqual([true, true, false]);
    await gateway.stop();
  });
});

describe("the end of a requester", () => {
  test("a stop of it stops its subagents, and nobody is told of them", async () => {
    const hold = waitingTool("probe_hold");
    const gateway = await startToolGateway({}, [hold.tool]);
    const { sessionKey } = freshKey();
    const spawned = await use(gateway, "sessions_spawn", { task: "TOOL:probe_hold {}" }, sessionKey);
    const { signal } = await hold.begun;
    await gateway.client.call("chat.abort", { sessionKey });
    expect(signal.aborted).toBe(true);
    const { tasks } = await use(gateway, "subagents", { action: "list" }, sessionKey);
    expect(tasks).toMatchObject([{ taskId: spawned.runId, status: "cancelled" }]);
    expect((await textsOf(gateway, sessionKey, "user")).some((text) => text.startsWith("[Subagent ended]"))).toBe(
      false,
    );
    await gateway.stop();
  });

  test("`subagents` cancels its own tasks and no others", async () => {
    const hold = waitingTool("probe_hold");
    const gateway = await startToolGateway({}, [hold.tool]);
    const { sessionKey } = freshKey();
    const { runId } = await use(gateway, "sessions_spawn", { task: "TOOL:probe_hold {}" }, sessionKey);
    const { signal } = await hold.begun;
    expect(await use(gateway, "subagents", { action: "cancel", taskId: runId })).toEqual({ cancelled: false });
    expect(signal.aborted).toBe(false);
    const waited = await use(gateway, "subagents", { action: "wait", taskIds: [runId], timeoutSeconds: 0 }, sessionKey);
    expect(waited.reason).toBe("timeout");
    expect(await use(gateway, "subagents", { action: "cancel", taskId: runId }, sessionKey)).toEqual({
      cancelled: true,
    });
    expect(signal.aborted).toBe(true);
    await gateway.stop();
  });
});
