import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";

let gateway: TestGateway;
let client: TestClient;
beforeAll(async () => {
  gateway = await startTestGateway();
  client = await gateway.connect();
});
afterAll(() => gateway.stop());

const file = (): string => readFileSync(gateway.services.config.path, "utf8");
const start = () => client.call("wizard.start", { mode: "local" });

/** Answers one step after the other. */
async function answerAll(answers: readonly unknown[]) {
  const { sessionId, step: first } = await start();
  let step = first!;
  const titles: (string | undefined)[] = [];
  for (const value of answers) {
    titles.push(step.title);
    const result = await client.call("wizard.next", { sessionId, answer: { stepId: step.id, value } });
    if (result.done) return { titles, result, sessionId };
    step = result.step!;
  }
  throw new Error(`the wizard asks more: ${step.title}`);
}

test("the wizard writes what was said, and the key into the store of secrets alone", async () => {
  const model = "anthropic/claude-sonnet-5";
  const { titles, result } = await answerAll([null, "~/work", "anthropic", "sk-ant-sesame-open", model, true]);
  expect(titles).toEqual(["OpenClaw setup", "Workspace", "Model provider", "API key", "Model", "Write this?"]);
  expect(result).toEqual({ done: true, status: "done", preparedModelRef: model });
  const { current } = gateway.services.config;
  expect(current.agents?.defaults).toMatchObject({ workspace: "~/work", model: { primary: model } });
  expect(current.models?.providers?.anthropic?.apiKey).toBe("sk-ant-sesame-open");
  expect(file()).not.toContain("sesame-open");
  expect(JSON.stringify(await client.call("config.get"))).not.toContain("sesame-open");
});

test("a no at the end, and a cancellation before it, write nothing", async () => {
  const before = file();
  const { result, sessionId } = await answerAll([null, "~/elsewhere", "", false]);
  expect(result).toEqual({ done: true, status: "cancelled", error: "cancelled" });
  expect((await client.request("wizard.status", { sessionId })).error.details).toEqual({ code: "WIZARD_NOT_FOUND" });
  const next = await start();
  await client.call("wizard.cancel", { sessionId: next.sessionId });
  expect(file()).toBe(before);
});

test("one session is open at a time, and a wrong answer asks again", async () => {
  const { sessionId, step } = await start();
  expect((await client.request("wizard.start", {})).error.details).toEqual({ code: "SETUP_ADMISSION_BUSY" });
  expect(await client.call("wizard.status", { sessionId })).toEqual({ status: "running" });
  const { step: second } = await client.call("wizard.next", { sessionId, answer: { stepId: step!.id } });
  const again = await client.call("wizard.next", { sessionId, answer: { stepId: second!.id, value: 7 } });
  expect(again).toMatchObject({ done: false, status: "running", error: "a path is needed", step: { id: second!.id } });
  const old = await client.request("wizard.next", { sessionId, answer: { stepId: step!.id } });
  expect(old.error.message).toBe("wizard: this step is not open");
  await client.call("wizard.cancel", { sessionId });
});
