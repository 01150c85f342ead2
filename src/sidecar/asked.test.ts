import { describe, expect, test } from "bun:test";
import { keyOf } from "./answer-repository.ts";
import { askedFrom, commandOf, mayAnswer } from "./asked.ts";
import { heardFrom } from "./heard.ts";

const asked = (request: object, id = "a") => askedFrom("exec", { id, request, expiresAtMs: 5 })!;

describe("an approval", () => {
  test.each([
    [null],
    ["x"],
    [{}],
    [{ id: "", request: {}, expiresAtMs: 1 }],
    [{ id: 7, request: {}, expiresAtMs: 1 }],
    [{ id: "a", request: null, expiresAtMs: 1 }],
    [{ id: "a", request: {}, expiresAtMs: "soon" }],
    [{ id: "a".repeat(300), request: {}, expiresAtMs: 1 }],
  ])("that cannot be read is none: %j", (payload) => {
    expect(askedFrom("exec", payload)).toBeNull();
  });

  test("tells its session, agent and run where the request does", () => {
    const request = { sessionKey: "agent:main:main", agentId: "main", runId: null, turnSourceChannel: "telegram" };
    expect(asked(request)).toEqual({
      ...{ kind: "exec", id: "a", expiresAtMs: 5, request },
      ...{ sessionKey: "agent:main:main", agentId: "main", channel: "telegram" },
    });
  });

  test("another request of the same id is another approval, whatever the order of its fields", () => {
    expect(keyOf(asked({ command: "ls", cwd: "/" }))).toBe(keyOf(asked({ cwd: "/", command: "ls" })));
    expect(keyOf(asked({ command: "ls" }))).not.toBe(keyOf(asked({ command: "rm" })));
  });

  test("allows every answer unless it says otherwise", () => {
    expect(mayAnswer(asked({}), "allow-once")).toBe(true);
    expect(mayAnswer(asked({ allowedDecisions: ["deny"] }), "allow-once")).toBe(false);
  });
});

describe("its command", () => {
  test("is the text, where it is to run", () => {
    expect(commandOf(asked({ command: "ls -la", cwd: "/work", host: "node", envKeys: ["LC_ALL"] }))).toEqual({
      action: { kind: "command", command: "ls -la", cwd: "/work", host: "node" },
      differs: false,
      variables: ["LC_ALL"],
    });
  });

  test("is what the arguments say when the text says something else", () => {
    const argv = ["rm", "-rf", "/"];
    const differing = commandOf(asked({ command: "ls", systemRunPlan: { argv, commandText: "ls", cwd: "/x" } }));
    expect(differing).toMatchObject({ differs: true, action: { command: "rm -rf /", argv, cwd: "/x" } });
    expect(commandOf(asked({ command: "rm -rf /", commandArgv: argv }))).toMatchObject({ differs: false });
    expect(commandOf(asked({ command: "a; b", commandArgv: ["sh", "-c", "a; b"] }))).toMatchObject({ differs: false });
  });

  test("may be missing", () => {
    expect(commandOf(asked({ command: " " }))).toBeNull();
  });
});

describe("a text", () => {
  const at = { sessionKey: "agent:main:main", agentId: "main", runId: "r" };

  test("of a person is the owner's only where the gateway says so", () => {
    const message = {
      role: "user",
      content: [
        { type: "text", text: "hello" },
        { type: "image", data: "x" },
      ],
    };
    const payload = { ...at, messageId: "m", message };
    expect(heardFrom("session.message", payload)).toMatchObject({ text: "hello", origin: "channel-stranger" });
    expect(heardFrom("session.message", { ...payload, senderIsOwner: true })).toMatchObject({ origin: "owner" });
  });

  test("of a tool comes with the end of its call", () => {
    const result = { content: [{ type: "text", text: "hi" }] };
    const data = { phase: "result", toolCallId: "t", result };
    for (const event of ["session.tool", "agent"]) {
      expect(heardFrom(event, { ...at, stream: "tool", data })).toMatchObject({ text: "hi", origin: "tool-result" });
    }
    expect(heardFrom("agent", { ...at, stream: "tool", data: { ...data, phase: "start" } })).toBeNull();
    expect(heardFrom("agent", { ...at, stream: "item", data })).toBeNull();
  });

  test("of an answer is the same by its message and by its chat event", () => {
    const message = { role: "assistant", content: [{ type: "text", text: "done" }] };
    const [one, other] = [
      heardFrom("session.message", { ...at, messageId: "m", message }),
      heardFrom("chat", { ...at, state: "final", message }),
    ];
    expect(one).toEqual(other!);
    expect(one).toMatchObject({ direction: "outbound", text: "done" });
    expect(heardFrom("chat", { ...at, state: "delta", message })).toBeNull();
  });

  test.each([
    ["session.message", { message: { role: "user", content: "x" }, messageId: "m" }],
    ["session.message", { ...at, messageId: "m", message: { role: "user", content: " " } }],
    ["session.message", { ...at, messageId: "m" }],
    ["chat", { ...at, state: "final" }],
    ["health", { ...at }],
  ])("is none in %s %j", (event, payload) => {
    expect(heardFrom(event, payload)).toBeNull();
  });

  test("deep nesting is not followed", () => {
    let content: unknown = "deep";
    for (let depth = 0; depth < 50_000; depth++) content = [content];
    expect(heardFrom("session.message", { ...at, messageId: "m", message: { role: "user", content } })).toBeNull();
  });
});
