import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ChatGateway, startChatGateway } from "../agents/testing/chat-gateway.ts";
import { startTestGateway, type TestClient } from "../gateway/testing.ts";
import { useTemporaryHome } from "../platform/testing-home.ts";

useTemporaryHome();
let gateway: ChatGateway;
let client: TestClient;
beforeAll(async () => {
  gateway = await startChatGateway();
  client = await gateway.connect();
});
afterAll(() => gateway.stop());

const say = (sessionId: string, message?: string, more: object = {}) =>
  client.call("openclaw.chat", { sessionId, ...(message !== undefined && { message }), ...more });
const turns = async () =>
  (await client.call("openclaw.chat.history")).turns.map(({ role, text }: any) => `${role}: ${text}`);

test("it greets with how the gateway is set up, and nothing of that is kept", async () => {
  const { reply, action, question } = await say("a");
  expect(reply).toContain("Answers come from mock/mock-1.");
  expect(action).toBe("none");
  expect(question.options.map(({ reply }: any) => reply)).toEqual(["talk to agent", "status"]);
  expect(await turns()).toEqual([]);
});

test("it answers with the model, which hears what was said before in the same conversation alone", async () => {
  expect(await say("b", "first words")).toEqual({ sessionId: "b", reply: "echo: first words", action: "none" });
  await say("c", "elsewhere");
  await say("b", "second words");
  const heard = JSON.stringify(gateway.model.calls.at(-1));
  expect(heard).toContain("first words");
  expect(heard).not.toContain("elsewhere");
  expect(await turns()).toEqual([
    "user: first words",
    "assistant: echo: first words",
    "user: elsewhere",
    "assistant: echo: elsewhere",
    "user: second words",
    "assistant: echo: second words",
  ]);
  expect((await client.call("openclaw.chat.history", { limit: 1 })).turns).toHaveLength(1);
});

test("a reset forgets one conversation", async () => {
  await say("b", undefined, { reset: true });
  expect(await turns()).toEqual(["user: elsewhere", "assistant: echo: elsewhere"]);
});

test("it hands over to the agent, and tells its state without the model", async () => {
  const calls = gateway.model.calls.length;
  expect(await say("d", "Talk to agent")).toMatchObject({ action: "open-agent" });
  expect((await say("d", "status")).reply).toContain("No channel is configured.");
  expect(gateway.model.calls).toHaveLength(calls);
});

test("a credential that was written is not kept, and is not in the answer", async () => {
  const key = `sk-ant-api03-${"a1B2".repeat(20)}`;
  const { reply } = await say("e", `my key is ${key}`);
  expect(reply).not.toContain(key);
  expect(JSON.stringify(await turns())).not.toContain(key);
});

test("what it cannot do is refused", async () => {
  const refusal = async (params: object) =>
    (await client.request("openclaw.chat", { sessionId: "f", ...params })).error?.message;
  expect(await refusal({ wizardAnswer: { stepId: "x" } })).toBe("no step of a setup is open in this conversation");
  expect(await refusal({ delegation: { agentId: "main" } })).toContain("on behalf of an agent");
  expect(await refusal({ message: "x".repeat(8001) })).toContain("8000 characters");
  const reader = await gateway.connect({ scopes: ["operator.write"] });
  expect((await reader.request("openclaw.chat", { sessionId: "f" })).error.details.code).toBe("MISSING_SCOPE");
});

test("without a model it says what to do", async () => {
  const bare = await startTestGateway({ config: { models: { mode: "replace" } } as never });
  const other = await bare.connect();
  const { reply } = await other.call("openclaw.chat", { sessionId: "a", message: "hello?" });
  expect(reply).toContain("No model is set up yet");
  await bare.stop();
});
