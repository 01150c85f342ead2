import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { TestClient } from "../../gateway/testing.ts";
import {
  type ChatGateway,
  chatEnd,
  framesOf,
  freshKey,
  startChatGateway,
  transcript,
} from "../testing/chat-gateway.ts";
import { Commands, isStop, scopeOf } from "./commands.ts";
import type { CommandScope } from "./types.ts";

const BUILT_IN = new Commands();
const parseCommand = (message: string) => BUILT_IN.parse(message);

let gateway: ChatGateway;
beforeAll(async () => {
  gateway = await startChatGateway();
});
afterAll(() => gateway.stop());

/** Sends a message and gives the text of its last frame. */
async function say(sessionKey: string, message: string, runId: string, client: TestClient = gateway.client) {
  await client.call("chat.send", { sessionKey, message, idempotencyKey: runId });
  const { payload } = await chatEnd(client, runId);
  return payload.message?.content[0].text as string;
}

describe("a message is a command", () => {
  test.each([
    ["/status", "status", ""],
    ["  /STATUS  ", "status", ""],
    ["/status: x", "status", "x"],
    ["/model mock/mock-1 -s", "model", "mock/mock-1 -s"],
    ["/t off", "think", "off"],
    ["/id", "whoami", ""],
    ["/new say\nhello", "new", "say\nhello"],
  ])("%j", (message, name, args) => {
    expect(parseCommand(message)).toMatchObject({ command: { name }, args });
  });

  test.each([
    "/unknown",
    "status",
    "/ status",
    "//status",
    "/stop now",
    "/statusx",
    "look: /status",
    "/__proto__",
    "/constructor",
  ])("not %j", (message) => expect(parseCommand(message)).toBeNull());

  test("and stop also as a word alone", () => {
    expect(["stop", "/stop", " STOP ", "/Stop"].every(isStop)).toBe(true);
    expect(["stop it", "/stop now", "stopp", "don't stop"].some(isStop)).toBe(false);
  });
});

describe("a command", () => {
  test("is answered in one final frame by the gateway, without a model call", async () => {
    const { client, model } = gateway;
    const { sessionKey, id } = freshKey();
    const before = model.count;
    await say(sessionKey, "/status", id("a"));
    expect(framesOf(client, id("a"))).toEqual([
      {
        runId: id("a"),
        sessionKey,
        seq: 1,
        state: "final",
        message: {
          role: "assistant",
          content: [{ type: "text", text: expect.stringContaining("Model: mock/mock-1") }],
          timestamp: expect.any(Number),
          stopReason: "stop",
          usage: expect.objectContaining({ input: 0, output: 0, totalTokens: 0 }),
          api: "openai-responses",
          provider: "openclaw",
          model: "gateway-injected",
          idempotencyKey: id("a"),
          excludeFromContext: true,
          __openclaw: { contextFreeCommand: true },
        },
      },
    ]);
    expect(framesOf(client, id("a"), "agent")).toEqual([]);
    expect(model.count).toBe(before);
  });

  test("works while a run is at work", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    await client.call("chat.send", { sessionKey, message: "SLOW:100 a b c d", idempotencyKey: id("a") });
    await client.event("chat", ({ runId, state }) => runId === id("a") && state === "delta", 0);
    expect(await say(sessionKey, "/status", id("b"))).toContain("Run: one is at work");
    expect((await chatEnd(client, id("a"))).payload.message.content[0].text).toBe("echo: a b c d");
  });

  test("that nobody knows goes to the model as text", async () => {
    const { sessionKey, id } = freshKey();
    expect(await say(sessionKey, "/doesnotexist now", id("a"))).toBe("echo: /doesnotexist now");
  });

  test("is text when an administrator asks for that", async () => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    const params = { sessionKey, message: "/status", idempotencyKey: id("a"), suppressCommandInterpretation: true };
    await client.call("chat.send", params);
    expect((await chatEnd(client, id("a"))).payload.message.content[0].text).toBe("echo: /status");
  });
});

test("/help and /commands name every command", async () => {
  const { sessionKey, id } = freshKey();
  const help = await say(sessionKey, "/help", id("a"));
  const list = await say(sessionKey, "/commands", id("b"));
  for (const { name, description } of gateway.services.commands.own()) {
    expect(help).toContain(`/${name}`);
    expect(list).toContain(description);
  }
});

test("/status and /usage tell what was really used", async () => {
  const { sessionKey, id } = freshKey();
  expect(await say(sessionKey, "/usage", id("a"))).toBe("No model has answered in this session yet.");
  await say(sessionKey, "one", id("b"));
  await say(sessionKey, "two", id("c"));
  expect(await say(sessionKey, "/usage", id("d"))).toContain("Answers: 2\nTokens: 20 in, 10 out\nCost: $0.0000");
  expect(await say(sessionKey, "/status", id("e"))).toContain("Context: 10/128k (0%)");
});

test("/model shows, sets and resets the session's model, and the next turn uses it", async () => {
  const { model } = gateway;
  const { sessionKey, id } = freshKey();
  expect(await say(sessionKey, "/model", id("a"))).toStartWith("Model: mock/mock-1\n");
  expect(await say(sessionKey, "/model think-1", id("b"))).toBe("This session uses mock/think-1 from now on.");
  await say(sessionKey, "hello", id("c"));
  expect(model.calls.at(-1)!.body.model).toBe("think-1");
  expect(await say(sessionKey, "/model status", id("d"))).toContain("Key: set");
  expect(await say(sessionKey, "/model status", id("d2"))).not.toContain("model-key");
  expect(await say(sessionKey, "/model default", id("e"))).toBe("This session uses its agent's model, mock/mock-1.");
  expect(await say(sessionKey, "/model nothing/here", id("f"))).toBe(
    'No model is called "nothing/here". /models lists what there is.',
  );
  expect(await say(sessionKey, "/model mock/mock-1 -g", id("g"))).toContain("openclaw.json");
});

test("/models lists providers and their models", async () => {
  const { sessionKey, id } = freshKey();
  expect(await say(sessionKey, "/models", id("a"))).toContain("- mock (3)");
  expect(await say(sessionKey, "/models mock", id("b"))).toContain("- mock/eye-1");
  expect(await say(sessionKey, "/models nope", id("c"))).toContain('No provider "nope" can be used');
});

test("/think takes the levels that the model has", async () => {
  const { services } = gateway;
  const { sessionKey, id } = freshKey();
  expect(await say(sessionKey, "/think low", id("a"))).toBe(
    'Thinking level "low" is not supported for mock/mock-1. Use one of: off.',
  );
  expect(await say(sessionKey, "/think banana", id("b"))).toContain('"banana" is no thinking level');
  await say(sessionKey, "/model think-1", id("c"));
  expect(await say(sessionKey, "/think high", id("d"))).toBe("Thinking is set to high.");
  expect((await services.sessions.find(sessionKey))?.thinkingLevel).toBe("high");
  expect(await say(sessionKey, "/think", id("e"))).toStartWith("Thinking: high\nLevels: default, off,");
  expect(await say(sessionKey, "/think default", id("f"))).toContain("at the default again");
});

describe("/new and /reset", () => {
  test("begin an empty transcript, with the model's memory gone", async () => {
    const { services, model } = gateway;
    const { sessionKey, id } = freshKey();
    await say(sessionKey, "remember me", id("a"));
    const before = await services.sessions.find(sessionKey);
    expect(await say(sessionKey, "/new", id("b"))).toBe("✅ New session started.");
    expect(framesOf(gateway.client, id("b"))[0].message.content[0].openclawStatusNotice).toBe(true);
    expect((await services.sessions.find(sessionKey))?.sessionId).toBe(before!.sessionId);
    expect((await transcript(gateway, sessionKey)).join()).not.toContain("remember me");
    await say(sessionKey, "hello", id("c"));
    expect(JSON.stringify(model.calls.at(-1)!.body)).not.toContain("remember me");
  });

  test("with text behind them go on with that text", async () => {
    const { sessionKey, id } = freshKey();
    await say(sessionKey, "before", id("a"));
    expect(await say(sessionKey, "/reset say something", id("b"))).toBe("echo: say something");
    expect(await transcript(gateway, sessionKey)).toEqual([
      "user: /reset say something",
      "assistant: echo: say something",
    ]);
  });

  test("stop what runs and forget what waits", async () => {
    const { client, services } = gateway;
    const { sessionKey, id } = freshKey();
    await client.call("chat.send", { sessionKey, message: "SLOW:100 a b c d e", idempotencyKey: id("a") });
    await client.event("chat", ({ runId, state }) => runId === id("a") && state === "delta", 0);
    await client.call("chat.send", { sessionKey, message: "later", idempotencyKey: id("b"), queueMode: "followup" });
    await say(sessionKey, "/new", id("c"));
    expect((await chatEnd(client, id("a"))).payload.state).toBe("aborted");
    expect(services.runs.pendingInputs(sessionKey)).toEqual([]);
  });
});

describe("KNOWN_ATTACKS 25 and 26: a command needs the scope of what it stands for", () => {
  const write = { scopes: ["operator.read", "operator.write"] };

  test.each(["/new", "/reset", "/new and go on"])("a writer cannot start a session over with %s", async (message) => {
    const { services } = gateway;
    const writer = await gateway.connect(write);
    const { sessionKey, id } = freshKey();
    await say(sessionKey, "keep me", id("a"));
    const before = await services.sessions.find(sessionKey);
    expect(await say(sessionKey, message, id("b"), writer)).toContain("needs the scope operator.admin");
    expect((await services.sessions.find(sessionKey))?.sessionId).toBe(before!.sessionId);
    const refused = await writer.request("agent", { sessionKey, message, idempotencyKey: id("c") });
    expect(refused.error.details).toEqual({
      code: "MISSING_SCOPE",
      missingScope: "operator.admin",
      requiredScopes: ["operator.admin"],
    });
    expect((await services.sessions.find(sessionKey))?.sessionId).toBe(before!.sessionId);
  });

  test("commands of other releases do nothing here: they are text", async () => {
    const writer = await gateway.connect(write);
    const { sessionKey, id } = freshKey();
    for (const [index, message] of ["/config set a 1", "/elevated full", "/allowlist add x"].entries()) {
      expect(await say(sessionKey, message, id(`${index}`), writer)).toBe(`echo: ${message}`);
    }
  });

  test("approvals are decided only with operator.approvals, settings changed with what sessions.patch needs", async () => {
    const { services } = gateway;
    const writer = await gateway.connect(write);
    const { sessionKey, id } = freshKey();
    await say(sessionKey, "hello", id("a"));
    expect(await say(sessionKey, "/approve X allow-once", id("b"), writer)).toContain("operator.approvals");
    for (const [index, message] of ["/send off", "/exec host=gateway", "/verbose full", "/restart"].entries()) {
      expect(await say(sessionKey, message, id(`w${index}`), writer)).toContain("needs the scope operator.admin");
    }
    const { entry } = (await services.sessions.repository.find(sessionKey))!;
    expect([entry.sendPolicy, entry.execHost, entry.verboseLevel]).toEqual([undefined, undefined, undefined]);
  });

  test("each names a scope that is at least that of chat.send's readers", () => {
    const admin = ["new", "reset", "compact", "restart", "pair", "verbose", "reasoning", "send", "exec"];
    for (const command of gateway.services.commands.own()) {
      const { name } = command;
      const needed = name === "approve" ? "operator.approvals" : admin.includes(name) ? "operator.admin" : undefined;
      expect([name, scopeOf({ command, args: "on" })]).toEqual([
        name,
        needed ?? (expect.stringMatching(/^operator\.(read|write)$/) as unknown as CommandScope),
      ]);
    }
  });

  test("a reader may not send at all, and the address of a provider is for administrators", async () => {
    const reader = await gateway.connect({ scopes: ["operator.read"] });
    const writer = await gateway.connect(write);
    const { sessionKey, id } = freshKey();
    const { error } = await reader.request("chat.send", { sessionKey, message: "/status", idempotencyKey: id("a") });
    expect(error.details.code).toBe("MISSING_SCOPE");
    expect(await say(sessionKey, "/model status", id("b"), writer)).not.toContain("127.0.0.1");
    expect(await say(sessionKey, "/model status", id("c"))).toContain("127.0.0.1");
  });
});
