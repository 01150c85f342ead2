import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chatEnd, freshKey } from "../../agents/testing/chat-gateway.ts";
import { startToolGateway, type ToolGateway } from "../../agents/testing/tool-gateway.ts";
import type { TestClient } from "../../gateway/testing.ts";

let gateway: ToolGateway;
beforeAll(async () => {
  gateway = await startToolGateway(TWO_AGENTS);
});
afterAll(() => gateway.stop());

const TWO_AGENTS = {
  agents: { defaults: { model: { primary: "mock/mock-1" } }, entries: { main: { default: true }, work: {} } },
};

/** Has the agent of a session call one tool, and gives what the tool returned. */
async function use(
  { client, services }: ToolGateway,
  name: string,
  args: object,
  sessionKey = freshKey().sessionKey,
  by: TestClient = client,
): Promise<Record<string, any>> {
  const runId = `${sessionKey}-${Math.random()}`;
  await by.call("chat.send", { sessionKey, message: `TOOL:${name} ${JSON.stringify(args)}`, idempotencyKey: runId });
  await chatEnd(by, runId);
  const messages = await services.sessions.recent(sessionKey, 100);
  const result = messages.findLast(({ role }) => role === "toolResult")!;
  const text = (result.content as { text: string }[])[0]!.text;
  return text.startsWith("{") ? JSON.parse(text) : { text, ...(result.extra?.details as object) };
}

async function talkIn({ client }: ToolGateway, text: string, key = freshKey().sessionKey): Promise<string> {
  const id = `talk-${Math.random()}`;
  await client.call("chat.send", { sessionKey: key, message: text, idempotencyKey: id });
  await chatEnd(client, id);
  return key;
}

const keysOf = ({ sessions }: Record<string, any>): string[] => sessions.map(({ key }: { key: string }) => key);

describe("sessions_list", () => {
  test("gives pages of rows, and what was said only when asked", async () => {
    const a = await talkIn(gateway, "the first");
    const first = await use(gateway, "sessions_list", { limit: 1 });
    expect(first).toMatchObject({ count: 1, hasMore: true, nextOffset: 1, limitApplied: 1 });
    expect(first.sessions[0]).toMatchObject({ agentId: "main", kind: "other", channel: "unknown", archived: false });
    const all = await use(gateway, "sessions_list", { includeLastMessage: true, messageLimit: 2 });
    const row = all.sessions.find(({ key }: { key: string }) => key === a);
    expect(row.messages.map(({ role }: { role: string }) => role)).toEqual(["user", "assistant"]);
    expect(JSON.stringify(await use(gateway, "sessions_list", {}))).not.toContain("echo: the first");
  });

  test("filters by kind, agent and words", async () => {
    await talkIn(gateway, "hello", "agent:work:main");
    expect(keysOf(await use(gateway, "sessions_list", { agentId: "work" }))).toEqual(["agent:work:main"]);
    expect(keysOf(await use(gateway, "sessions_list", { kinds: ["main"] }))).toEqual(["agent:work:main"]);
    expect((await use(gateway, "sessions_list", { search: "nobody says this" })).count).toBe(0);
  });
});

describe("sessions_history", () => {
  test("reads another session, without its tools unless asked", async () => {
    const other = await talkIn(gateway, 'TOOL:probe_say {"text":"inside"}');
    const plain = await use(gateway, "sessions_history", { sessionKey: other });
    expect(plain.messages.map(({ role }: { role: string }) => role)).toEqual(["user", "assistant"]);
    expect(plain).toMatchObject({ sessionKey: other, truncated: false, pendingInputs: { items: [], total: 0 } });
    const full = await use(gateway, "sessions_history", { sessionKey: other, includeTools: true });
    expect(full.messages.map(({ role }: { role: string }) => role)).toEqual([
      "user",
      "assistant",
      "toolResult",
      "assistant",
    ]);
  });

  test("cuts long texts, pages, and says when there is no session", async () => {
    const other = await talkIn(gateway, `long ${"x".repeat(9000)}`);
    const read = await use(gateway, "sessions_history", { sessionKey: other, limit: 2, offset: 0 });
    expect(read).toMatchObject({ truncated: true, contentTruncated: true, hasMore: false, totalMessages: 2 });
    expect((await use(gateway, "sessions_history", { sessionKey: "agent:main:none" })).error).toContain(
      "No session found",
    );
  });
});

describe("120: reach", () => {
  const visible = async (visibility: string, config: object = {}) => {
    const own = await startToolGateway({ ...TWO_AGENTS, tools: { sessions: { visibility }, ...config } });
    const other = await talkIn(own, "other");
    const work = await talkIn(own, "work", "agent:work:main");
    const key = freshKey().sessionKey;
    const list = keysOf(await use(own, "sessions_list", {}, key));
    const read = await Promise.all([other, work].map((each) => use(own, "sessions_history", { sessionKey: each })));
    await own.stop();
    return { list: list.sort(), all: [key, other, work], denied: read.map(({ error }) => error !== undefined) };
  };

  test("`all` sees every session, `agent` its agent's, `self` none but its own", async () => {
    const all = await visible("all");
    expect(all).toMatchObject({ list: [...all.all].sort(), denied: [false, false] });
    const agent = await visible("agent");
    expect(agent).toMatchObject({ list: agent.all.slice(0, 2).sort(), denied: [false, true] });
    const self = await visible("self");
    expect(self).toMatchObject({ list: [self.all[0]!], denied: [true, true] });
  });

  test("`tree` from the main session sees its agent's sessions, from another only what it spawned", async () => {
    const tree = await visible("tree");
    expect(tree).toMatchObject({ list: [tree.all[0]!], denied: [true, true] });
    const own = await startToolGateway({ ...TWO_AGENTS, tools: { sessions: { visibility: "tree" } } });
    const other = await talkIn(own, "other");
    const list = keysOf(await use(own, "sessions_list", {}, "agent:main:main"));
    expect(list.sort()).toEqual(["agent:main:main", other].sort());
    await own.stop();
  });

  test("agents reach each other only where `tools.agentToAgent` lets both", async () => {
    expect((await visible("all", { agentToAgent: { enabled: false } })).denied).toEqual([false, true]);
    expect((await visible("all", { agentToAgent: { allow: ["main"] } })).denied).toEqual([false, true]);
    expect((await visible("all", { agentToAgent: { allow: ["main", "w*"] } })).denied).toEqual([false, false]);
  });

  test("a turn of somebody who is not the owner reads nothing but its own session, by key, id or search", async () => {
    const secret = await talkIn(gateway, "the combination is 4711");
    const { sessionId } = (await gateway.services.sessions.find(secret))!;
    const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    const key = freshKey().sessionKey;
    for (const name of [secret, sessionId, ` ${secret.toUpperCase()} `]) {
      const read = await use(gateway, "sessions_history", { sessionKey: name }, key, writer);
      expect(read.error).toContain("No session that this one may see");
    }
    expect(keysOf(await use(gateway, "sessions_list", {}, key, writer))).toEqual([key]);
    expect(
      (await use(gateway, "sessions_search", { query: "combination" }, key, writer)).results.map(
        ({ sessionKey }: Record<string, string>) => sessionKey,
      ),
    ).not.toContain(secret);
    expect((await use(gateway, "session_status", { sessionKey: secret }, key, writer)).error).toContain("may see");
    expect((await use(gateway, "sessions_send", { sessionKey: secret, message: "x" }, key, writer)).error).toContain(
      "may see",
    );
    const missing = await use(gateway, "sessions_history", { sessionKey: "agent:main:none" }, key, writer);
    expect(missing.error).toContain("No session that this one may see");
  });
});

describe("sessions_send", () => {
  test("121: the other agent is told who wrote, its reply comes back, and the transcript says so", async () => {
    const target = await talkIn(gateway, "hello");
    const from = freshKey().sessionKey;
    const sent = await use(gateway, "sessions_send", { sessionKey: target, message: "what is new?" }, from);
    expect(sent).toMatchObject({ status: "ok", sessionKey: target, targetDisposition: "queued" });
    expect(sent.reply).toContain("echo: ");
    const heard = (await gateway.services.sessions.recent(target, 100)).findLast(({ role }) => role === "user")!;
    expect(heard).toMatchObject({
      content: "what is new?",
      meta: {
        provenance: {
          kind: "inter_session",
          sourceSessionKey: from,
          sourceTool: "sessions_send",
          chain: [from],
          forOwner: true,
        },
      },
    });
    expect(heard.meta!.senderIsOwner).toBeUndefined();
    const asked = gateway.model.calls
      .flatMap(({ body }) => body.messages!)
      .map(({ content }) => JSON.stringify(content));
    expect(asked.some((text) => text.includes(`Message of the session ${from}`) && text.includes("what is new?"))).toBe(
      true,
    );
    await talkIn(gateway, "and later", target);
    expect(JSON.stringify(gateway.model.calls.at(-1)!.body.messages)).toContain(`Message of the session ${from}`);
  });

  test("does not wait when told so, leaves a note without a run, and steers only what is at work", async () => {
    const target = await talkIn(gateway, "hello");
    const accepted = await use(gateway, "sessions_send", { sessionKey: target, message: "go", timeoutSeconds: 0 });
    expect(accepted.status).toBe("accepted");
    const noted = await use(gateway, "sessions_send", { sessionKey: target, message: "a note", mode: "notify" });
    expect(noted).toMatchObject({ status: "queued", runStarted: false });
    await gateway.services.runs.wait(accepted.runId, 5000, new AbortController().signal);
    const steered = await use(gateway, "sessions_send", { sessionKey: target, message: "go", mode: "steer" });
    expect(steered.error).toContain("not at work");
  });

  test("refuses itself, what is archived, what is not there, and what comes in a circle", async () => {
    const own = freshKey().sessionKey;
    expect((await use(gateway, "sessions_send", { sessionKey: "current", message: "x" }, own)).error).toContain(
      "itself",
    );
    expect((await use(gateway, "sessions_send", { label: "no such", message: "x" })).error).toContain(
      "No session found",
    );
    expect((await use(gateway, "sessions_send", { message: "x" })).error).toContain("sessionKey, label or agentId");
  });

  test("two sessions do not wait for each other, and a message does not go on for ever", async () => {
    const [a, b] = [await talkIn(gateway, "a"), await talkIn(gateway, "b")];
    const ring = (depth: number): string =>
      depth === 0
        ? "end"
        : `TOOL:sessions_send ${JSON.stringify({ sessionKey: depth % 2 ? b : a, message: ring(depth - 1) })}`;
    await talkIn(gateway, ring(8), b);
    const results = async () => {
      const all = [
        ...(await gateway.services.sessions.recent(a, 200)),
        ...(await gateway.services.sessions.recent(b, 200)),
      ];
      return JSON.stringify(all.filter(({ role }) => role === "toolResult").map(({ content }) => content));
    };
    for (let tries = 0; tries < 200 && !(await results()).includes("too often already"); tries++) await Bun.sleep(20);
    expect((await results()).match(/too often already/g)).toHaveLength(1);
  }, 20_000);
});

describe("session_status", () => {
  test("tells the state, and chooses the model for its owner alone", async () => {
    const { sessionKey } = freshKey();
    const status = await use(gateway, "session_status", {}, sessionKey);
    expect(status).toMatchObject({ ok: true, sessionKey, changedModel: false });
    expect(status.text).toContain("Model: mock/mock-1");
    expect(await use(gateway, "session_status", { model: "mock/think-1" }, sessionKey)).toMatchObject({
      changedModel: true,
    });
    expect((await gateway.services.sessions.find(sessionKey))!.modelOverride).toBe("mock/think-1");
    expect((await use(gateway, "session_status", { model: "nobody/none" }, sessionKey)).error).toContain("No model");
    const writer = await gateway.connect({ scopes: ["operator.read", "operator.write"] });
    const refused = await use(gateway, "session_status", { model: "default" }, sessionKey, writer);
    expect(refused.error).toContain("Only its owner");
  });
});

test("agents_list names the agents that may be given tasks, as upstream does", async () => {
  expect(await use(gateway, "agents_list", {})).toEqual({
    requester: "main",
    allowAny: false,
    agents: [{ id: "main", configured: true, model: "mock/mock-1", agentRuntime: { id: "auto", source: "implicit" } }],
  });
  const open = { ...TWO_AGENTS.agents, defaults: { ...TWO_AGENTS.agents.defaults, subagents: { allowAgents: ["*"] } } };
  const own = await startToolGateway({ agents: open });
  const listed = await use(own, "agents_list", {});
  expect(listed.allowAny).toBe(true);
  expect(listed.agents.map(({ id }: { id: string }) => id)).toEqual(["main", "work"]);
  await own.stop();
});
