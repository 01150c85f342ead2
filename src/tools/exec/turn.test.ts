import { afterEach, expect, test } from "bun:test";
import { freshKey } from "../../agents/testing/chat-gateway.ts";
import { startToolGateway, steps, type ToolGateway } from "../../agents/testing/tool-gateway.ts";
import { until } from "./testing.ts";

let gateway: ToolGateway;
afterEach(() => gateway.stop());

/** The texts of tool results in a session, oldest first. */
async function results(sessionKey: string): Promise<string[]> {
  const { messages } = await gateway.client.call("chat.history", { sessionKey });
  return messages
    .filter(({ role }: { role: string }) => role === "toolResult")
    .map(({ content }: { content: { text: string }[] }) => content[0]!.text);
}

test("a turn runs commands, and one that it left running wakes the session when it ends", async () => {
  gateway = await startToolGateway();
  const { services, client } = gateway;
  const call = (command: string, args: object = {}) => [{ name: "exec", args: { command, ...args } }];
  const { sessionKey } = await gateway.say(steps(call("echo one"), call("sleep 2; echo two", { background: true })));
  const [first, second] = await results(sessionKey);
  expect(first).toBe("one");
  expect(second).toStartWith("Command still running (session ");
  const preflight = await client.call("gateway.restart.preflight");
  expect(preflight).toMatchObject({ safe: false, counts: { backgroundExecSessions: 1 } });
  expect(preflight.summary).toContain("1 active background exec session(s)");
  await until(() => JSON.stringify(gateway.model.calls).includes("Exec completed ("));
  const told = JSON.stringify(gateway.model.calls.at(-1));
  expect(told).toContain(", code 0) :: two");
  expect(told).toContain("From outside this system");
  expect(services.processes.backgroundAtWork).toBe(0);
});

test("a session that starts over forgets its ended commands", async () => {
  gateway = await startToolGateway();
  const { services, client } = gateway;
  const { sessionKey } = await gateway.say(steps([{ name: "exec", args: { command: "true", background: true } }]));
  await until(() => services.processes.list("main")[0]?.ending != null);
  await client.call("sessions.reset", { key: sessionKey });
  expect(services.processes.list("main")).toEqual([]);
});

test("an abort of the run ends what it runs", async () => {
  gateway = await startToolGateway();
  const { services, client } = gateway;
  const { sessionKey, id } = freshKey();
  const message = steps([{ name: "exec", args: { command: "sleep 60" } }]);
  await client.call("chat.send", { sessionKey, message, idempotencyKey: id("a") });
  await until(() => services.processes.running().length > 0);
  const [running] = services.processes.running();
  await client.call("chat.abort", { sessionKey, runId: id("a") });
  expect(await running!.ended).toMatchObject({ reason: "aborted" });
});
