import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ALL_SCOPES, startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { MOCK_CONFIG } from "../sessions/testing.ts";

let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  gateway = await startTestGateway({ config: MOCK_CONFIG });
  client = await gateway.connect({ scopes: ALL_SCOPES });
});
afterAll(() => gateway.stop());

/** Events about sessions and chats since frame `from`, by name and reason or state. */
const heard = ({ frames }: TestClient, from = 0): string[] =>
  frames
    .slice(from)
    .filter(({ event }) => event !== undefined && /^(session|chat)/.test(event))
    .map(({ event, payload }) => [event, payload.reason ?? payload.state].filter(Boolean).join(" "));

describe("the scope that a call needs", () => {
  test.each([
    ["sessions.patch", {}, "operator.write"],
    ["sessions.patch", { key: "z", label: "x", model: "mock/mock-1", thinkingLevel: "off" }, "operator.write"],
    ["sessions.patch", { key: "z", verboseLevel: "on" }, "operator.admin"],
    ["sessions.patch", { key: "z", sendPolicy: "deny" }, "operator.admin"],
    ["sessions.patch", { key: "z", unheardOf: 1 }, "operator.admin"],
    ["sessions.create", { bad: 1 }, "operator.write"],
    ["sessions.create", { key: "z", execNode: "n" }, "operator.admin"],
    ["sessions.create", { key: "z", permissionMode: "full" }, "operator.admin"],
    ["sessions.delete", {}, "operator.admin"],
    ["sessions.delete", { key: "z", archivedOnly: true }, "operator.write"],
  ] as const)("%s %j is %s, judged before anything else", async (method, params, scope) => {
    const lacking = scope === "operator.admin" ? ["operator.write"] : ["operator.read"];
    const other = await gateway.connect({ scopes: lacking });
    expect((await other.request(method, params)).error).toMatchObject({
      code: "FORBIDDEN",
      message: `missing scope: ${scope}`,
    });
    const holder = await gateway.connect({ scopes: [scope] });
    expect((await holder.request(method, params)).error?.code).not.toBe("FORBIDDEN");
  });

  test("a change by anybody but an administrator names its session first", async () => {
    const writer = await gateway.connect({ scopes: ["operator.write"] });
    for (const params of [{}, { key: 5 }, { key: " " }]) {
      expect((await writer.request("sessions.patch", params)).error).toEqual({
        code: "INVALID_REQUEST",
        message: "session mutation target is unavailable",
        details: { code: "SESSION_MUTATION_TARGET_REQUIRED", method: "sessions.patch" },
      });
    }
    expect((await client.request("sessions.patch", {})).error.message).toBe(
      "invalid sessions.patch params: must have required property 'key'",
    );
  });
});

describe("subscriptions", () => {
  test("to all sessions tell of every change, with a page only when one is asked for", async () => {
    const follower = await gateway.connect({ scopes: ["operator.read"] });
    expect(await follower.call("sessions.subscribe", {})).toEqual({ subscribed: true });
    expect(await follower.call("sessions.subscribe", { limit: 1 })).toMatchObject({
      subscribed: true,
      list: { limitApplied: 1 },
    });
    await client.call("sessions.create", { key: "sub", label: "Sub" });
    await client.call("sessions.patch", { key: "sub", label: "Sub 2" });
    await client.call("chat.inject", { sessionKey: "sub", message: "note" });
    await client.call("sessions.delete", { key: "sub" });
    await follower.event("sessions.changed", ({ reason }) => reason === "delete", 0);
    expect(heard(follower)).toEqual([
      "sessions.changed create",
      "sessions.changed patch",
      "chat final",
      "session.message",
      "sessions.changed delete",
      "sessions.changed delete",
    ]);
  });

  test("to one session tell what is said in it, until they are taken back", async () => {
    const follower = await gateway.connect({ scopes: ["operator.read"] });
    const key = "agent:main:one";
    expect(await follower.call("sessions.messages.subscribe", { key: " ONE " })).toEqual({ subscribed: true, key });
    for (const name of ["one", "two"]) await client.call("sessions.create", { key: name });
    await client.call("chat.inject", { sessionKey: "two", message: "not for it" });
    await client.call("chat.inject", { sessionKey: "one", message: "heard" });
    const { payload } = await follower.event("session.message", () => true, 0);
    expect(payload).toMatchObject({ sessionKey: key, messageSeq: 1, message: { content: [{ text: "heard" }] } });
    expect(await follower.call("sessions.messages.unsubscribe", { key: "one" })).toEqual({ subscribed: false, key });
    await client.call("chat.inject", { sessionKey: "one", message: "unheard" });
    await follower.call("sessions.list", { limit: 1 });
    expect(heard(follower).filter((name) => name === "session.message")).toHaveLength(1);
  });

  test("with approvals replay that none is pending", async () => {
    const answer = await client.call("sessions.messages.subscribe", { key: "main", includeApprovals: true });
    expect(answer).toMatchObject({
      key: "agent:main:main",
      approvalReplay: { sessionKey: "agent:main:main", approvals: [], truncated: false },
    });
  });
});

describe("chat", () => {
  test("an injected message is announced as a finished run, then as a message, and stays", async () => {
    await client.call("sessions.create", { key: "inj" });
    await client.call("sessions.messages.subscribe", { key: "inj" });
    const from = client.frames.length;
    const params = { sessionKey: "inj", message: "text", label: " note " };
    const { messageId } = await client.call("chat.inject", params);
    expect(heard(client, from)).toEqual(["chat final", "session.message"]);
    const { payload } = await client.event("chat", () => true, from);
    expect(payload).toMatchObject({
      runId: `inject-${messageId}`,
      sessionKey: "agent:main:inj",
      seq: 0,
      message: { content: [{ type: "text", text: "[note]\n\ntext" }], provider: "openclaw", model: "gateway-injected" },
    });
    const { messages } = await client.call("chat.history", { sessionKey: "inj" });
    expect(messages).toMatchObject([{ __openclaw: { id: messageId } }]);
  });

  test("nothing is injected into a session that is not there or archived", async () => {
    const missing = await client.request("chat.inject", { sessionKey: "gone", message: "x" });
    expect(missing.error.message).toBe("session not found");
    const { sessionId } = await client.call("sessions.create", { key: "shelved" });
    await client.call("sessions.patch", { key: "shelved", archived: true, expectedSessionId: sessionId });
    const archived = await client.request("chat.inject", { sessionKey: "shelved", message: "x" });
    expect(archived.error.message).toContain("is archived");
    expect(await client.call("sessions.get", { key: "shelved" })).toEqual({ messages: [] });
  });

  test("startup is a page without what depends on thinking; by short id also metadata and resolution", async () => {
    const { key } = await client.call("sessions.create", { displayName: "Started" });
    const page = await client.call("chat.startup", { sessionKey: key });
    expect(page).toMatchObject({ sessionKey: key, messages: [], totalMessages: 0 });
    for (const name of ["thinkingLevel", "metadata", "resolution"]) expect(page).not.toHaveProperty(name);
    expect(page.sessionInfo).not.toHaveProperty("thinkingLevels");
    const shortId = key.slice(-36, -28);
    const started = await client.call("chat.startup", { shortId, agentId: "main", limit: 1 });
    expect(started).toMatchObject({
      sessionKey: key,
      resolution: { ok: true, key, displayName: "Started" },
      metadata: { models: [{ id: "mock-1" }, { id: "think-1" }] },
    });
    expect(await client.call("chat.startup", { shortId: "deadbeef", agentId: "main" })).toEqual({
      resolution: { ok: false },
    });
  });

  test("metadata offers models and the commands that are understood", async () => {
    const { models, commands } = await client.call("chat.metadata", { sessionKey: "main" });
    expect(models[0]).toMatchObject({ id: "mock-1", provider: "mock", tags: ["default"], available: true });
    const named = Object.fromEntries(commands.map((command: { name: string }) => [command.name, command]));
    expect(named.stop).toMatchObject({ textAliases: ["/stop"], acceptsArgs: false, category: "session" });
    expect(named.model).toMatchObject({ acceptsArgs: true, args: [{ name: "model", type: "string" }] });
    expect((await client.request("chat.metadata", { agentId: "ghost" })).error.message).toBe(
      'unknown agent id "ghost"',
    );
  });
});

test("a new session starts its first turn; one that is refused leaves the session", async () => {
  const answer = await client.call("sessions.create", { key: "first", message: "/status" });
  expect(answer).toMatchObject({ ok: true, key: "agent:main:first", runStarted: true, status: "started" });
  await client.event("chat", ({ runId, state }) => runId === answer.runId && state === "final", 0);
  const refused = await client.call("sessions.create", { key: "second", message: "a\0b" });
  expect(refused).toMatchObject({ ok: true, runStarted: false, runError: { code: "INVALID_REQUEST" } });
  expect((await client.call("sessions.describe", { key: "second" })).session.key).toBe("agent:main:second");
});

test("sessions and what was said in them outlive the gateway", async () => {
  const stateDir = mkdtempSync(join(tmpdir(), "chela-restart-"));
  try {
    const before = await startTestGateway({ config: MOCK_CONFIG, stateDir });
    const first = await before.connect({ scopes: ALL_SCOPES });
    await first.call("sessions.create", { key: "s", label: "Stays" });
    await first.call("chat.inject", { sessionKey: "s", message: "kept" });
    const history = await first.call("chat.history", { sessionKey: "s" });
    await before.stop();
    const after = await startTestGateway({ config: MOCK_CONFIG, stateDir });
    const second = await after.connect({ scopes: ALL_SCOPES });
    const again = await second.call("chat.history", { sessionKey: "s" });
    expect(again.messages).toEqual(history.messages);
    expect(again.sessionId).toBe(history.sessionId);
    expect(await second.call("chat.history", { sessionKey: "s", cursor: history.deltaCursor })).toMatchObject({
      kind: "delta",
      messages: [],
    });
    expect(await second.call("sessions.list", { label: "Stays" })).toMatchObject({ totalCount: 1 });
    await after.stop();
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
});
