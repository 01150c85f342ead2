import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import type { TestClient } from "../gateway/testing.ts";
import { type ChatGateway, chatEnd, freshKey, startChatGateway, transcript } from "./testing/chat-gateway.ts";

let gateway: ChatGateway;
/** Holds write and nothing above it. */
let writer: TestClient;
beforeAll(async () => {
  gateway = await startChatGateway();
  writer = await gateway.connect({ scopes: ["operator.write"] });
});
afterAll(() => gateway.stop());

const MISSING_ADMIN = { code: "FORBIDDEN", details: { code: "MISSING_SCOPE", missingScope: "operator.admin" } };

describe("25: chat commands need the scope of what they do", () => {
  test.each(["/new", "/reset", "/new hello", "/RESET now"])("%s leaves the session as it is", async (command) => {
    const { sessionKey, id } = freshKey();
    const say = (message: string, name: string) =>
      writer.call("chat.send", { sessionKey, message, idempotencyKey: id(name) });
    await say("first", "a");
    await chatEnd(writer, id("a"));
    const before = await gateway.services.sessions.find(sessionKey);
    await say(command, "b");
    await chatEnd(writer, id("b"));
    expect((await gateway.services.sessions.find(sessionKey))?.sessionId).toBe(before!.sessionId);
    const lines = await transcript(gateway, sessionKey);
    expect(lines).toContain("user: first");
    expect(lines.at(-1)).toContain("operator.admin");
  });

  test.each([
    "/config set gateway.auth.mode none",
    "/debug set x y",
    "/elevated full",
    "/allowlist add x",
    "/mcp add x",
  ])("%s is only a message, for the model to read", async (message) => {
    const { sessionKey, id } = freshKey();
    await writer.call("chat.send", { sessionKey, message, idempotencyKey: id("a") });
    await chatEnd(writer, id("a"));
    expect(await transcript(gateway, sessionKey)).toEqual([`user: ${message}`, `assistant: echo: ${message}`]);
  });

  test.each([
    ["/approve x allow-once", "operator.approvals"],
    ["21: /pair approve x", "operator.admin"],
    ["21: /pair qr", "operator.admin"],
    ["/restart", "operator.admin"],
    ["/exec host=gateway", "operator.admin"],
  ])("%s does nothing without its scope", async (line, scope) => {
    const { sessionKey, id } = freshKey();
    const message = line.replace("21: ", "");
    await writer.call("chat.send", { sessionKey, message, idempotencyKey: id("a") });
    await chatEnd(writer, id("a"));
    expect((await transcript(gateway, sessionKey)).at(-1)).toContain(`needs the scope ${scope}`);
  });
});

describe("26: a reset needs administrator rights on every way", () => {
  test.each(["/reset", "/new", " /Reset hello"])("agent with %j", async (message) => {
    const { error } = await writer.request("agent", {
      message,
      sessionKey: "agent:main:main",
      idempotencyKey: message,
    });
    expect(error).toMatchObject(MISSING_ADMIN);
  });

  test.each([
    ["sessions.reset", { key: "agent:main:main" }],
    ["sessions.delete", { key: "agent:main:main" }],
  ])("%s", async (method, params) => {
    expect((await writer.request(method, params)).error).toMatchObject(MISSING_ADMIN);
  });
});

describe("27: a caller cannot move a run elsewhere", () => {
  test.each([
    { workspaceDir: "/etc" },
    { spawnedBy: "agent:main:main" },
    { workspace: "/" },
    { cwd: "/etc" },
    { lane: 5 },
  ])("%j is refused", async (extra) => {
    const params = { message: "x", sessionKey: "agent:main:main", idempotencyKey: JSON.stringify(extra), ...extra };
    expect((await writer.request("agent", params)).error.code).toBe("INVALID_REQUEST");
  });

  test("nor choose another model without administrator rights", async () => {
    const params = { message: "x", sessionKey: "agent:main:main", idempotencyKey: "m", model: "mock/think-1" };
    expect((await writer.request("agent", params)).error.message).toContain("not authorized");
  });
});

describe("28: where a message comes from is not for its sender to say", () => {
  test.each([
    { systemInputProvenance: { kind: "internal_system" } },
    { systemProvenanceReceipt: "x" },
    { suppressCommandInterpretation: true },
    { originatingChannel: "telegram", originatingTo: "1" },
  ])("%j", async (extra) => {
    const params = { sessionKey: "agent:main:main", message: "x", idempotencyKey: JSON.stringify(extra), ...extra };
    expect((await writer.request("chat.send", params)).error.message).toContain("require admin scope");
  });

  test("a client id that sounds like the gateway's own gives nothing", async () => {
    const params = {
      minProtocol: 4,
      maxProtocol: 4,
      scopes: ["operator.write"],
      client: { id: "cli", displayName: "acp" },
    };
    const client = await gateway.connect(params);
    expect((await client.request("sessions.reset", { key: "agent:main:main" })).error).toMatchObject(MISSING_ADMIN);
  });
});

describe("31: creating a session changes none that is there", () => {
  test("its model least of all, without administrator rights", async () => {
    const { sessionKey: key } = freshKey();
    await gateway.client.call("sessions.create", { key, model: "mock/mock-1" });
    expect((await writer.request("sessions.create", { key, model: "mock/think-1" })).error).toMatchObject(
      MISSING_ADMIN,
    );
    expect((await gateway.services.sessions.find(key))?.modelOverride).toBe("mock/mock-1");
    expect((await writer.request("sessions.create", { key, model: "mock/mock-1" })).ok).toBe(true);
    expect((await gateway.client.request("sessions.create", { key, model: "mock/think-1" })).ok).toBe(true);
  });

  test.each([
    { permissionMode: "full" },
    { execNode: "n" },
    { toolOverrides: { webSearch: true } },
    { thinkingLevel: "high" },
  ])("%j is for administrators, for new ones as well", async (setting) => {
    expect((await writer.request("sessions.create", { key: freshKey().sessionKey, ...setting })).error).toMatchObject(
      MISSING_ADMIN,
    );
  });

  test("nor may it work in a directory of its own choice", async () => {
    const { error } = await writer.request("sessions.create", { key: freshKey().sessionKey, cwd: "/etc" });
    expect(error).toMatchObject(MISSING_ADMIN);
  });
});

describe("41: keys that every object has", () => {
  test.each(["__proto__", "constructor", "agent:main:__proto__", "toString"])(
    "%s is a session key like any other",
    async (key) => {
      expect((await gateway.client.request("sessions.patch", { key, label: `label of ${key}` })).ok).toBe(true);
      expect((await gateway.client.call("sessions.describe", { key })).session.label).toBe(`label of ${key}`);
      expect(({} as { label?: unknown }).label).toBeUndefined();
    },
  );
});

describe("61: ids of sessions are names, never paths", () => {
  test.each(["../../../../tmp/chela-pwn", "/tmp/chela-pwn", "..\\..\\chela-pwn", "a/../../b"])(
    "sessionId %j opens no file",
    async (sessionId) => {
      const before = readdirSync(gateway.stateDir).sort();
      const id = `p-${sessionId}`;
      writer.send({ type: "req", id, method: "agent", params: { message: "x", sessionId, idempotencyKey: id } });
      const answer = await writer.answer(id);
      if (answer.ok) await writer.answer(id, 1);
      expect(readdirSync(gateway.stateDir).sort()).toEqual(before);
      expect(existsSync("/tmp/chela-pwn")).toBe(false);
    },
  );

  test("previews and histories of paths are those of sessions that do not exist", async () => {
    const keys = ["../../../etc/passwd", "agent:main:../../etc/shadow"];
    const { previews } = await gateway.client.call("sessions.preview", { keys });
    expect(previews).toMatchObject(keys.map((key) => ({ key, status: "missing", items: [] })));
    const history = await gateway.client.call("chat.history", { sessionKey: keys[1] });
    expect(history.messages).toEqual([]);
  });

  test("a session key with dots and slashes is a key like any other", async () => {
    const sessionKey = "agent:main:../../etc/passwd";
    await gateway.client.call("chat.send", { sessionKey, message: "x", idempotencyKey: "dots" });
    await chatEnd(gateway.client, "dots");
    expect(await transcript(gateway, sessionKey)).toEqual(["user: x", "assistant: echo: x"]);
  });
});

describe("118: a search is for text, not for patterns", () => {
  test.each(["(a+)+$", "%", "_", "[a-z]", "' OR 1=1 --", "\\", ".*"])(
    "%j finds only what contains it",
    async (search) => {
      const key = freshKey().sessionKey;
      const label = `find ${search} here ${key}`;
      await gateway.client.call("sessions.create", { key, label });
      const { sessions } = await gateway.client.call("sessions.list", { search: `${search} here ${key}` });
      expect(sessions.map((row: { label?: string }) => row.label)).toEqual([label]);
    },
  );
});

describe("119: one message costs a bounded number of calls", () => {
  test("however often the provider fails", async () => {
    const { sessionKey, id } = freshKey();
    const before = gateway.model.count;
    await gateway.client.call("chat.send", {
      sessionKey,
      message: "FAIL:503 again and again",
      idempotencyKey: id("a"),
    });
    const { payload } = await chatEnd(gateway.client, id("a"));
    expect(payload.state).toBe("error");
    expect(gateway.model.count - before).toBeLessThanOrEqual(8);
  }, 30_000);

  test("also when the answers are empty", async () => {
    const { sessionKey, id } = freshKey();
    const before = gateway.model.count;
    await gateway.client.call("chat.send", { sessionKey, message: "EMPTY:", idempotencyKey: id("a") });
    await chatEnd(gateway.client, id("a"));
    expect(gateway.model.count - before).toBeLessThanOrEqual(8);
  });
});
