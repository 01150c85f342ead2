import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ChatGateway, chatEnd, freshKey, startChatGateway } from "../testing/chat-gateway.ts";

let gateway: ChatGateway;
beforeAll(async () => {
  gateway = await startChatGateway();
});
afterAll(() => gateway.stop());

async function say(sessionKey: string, message: string, runId: string) {
  await gateway.client.call("chat.send", { sessionKey, message, idempotencyKey: runId });
  return (await chatEnd(gateway.client, runId)).payload.message?.content[0].text as string;
}

const entryOf = async (key: string) => (await gateway.services.sessions.repository.find(key))!.entry;

test("settings are kept as sessions.patch keeps them, shown when asked for, and taken back", async () => {
  const { sessionKey, id } = freshKey();
  expect(await say(sessionKey, "/verbose full", id("a"))).toBe("Verbose: full.");
  expect(await say(sessionKey, "/reason stream", id("b"))).toBe("Reasoning: stream.");
  expect(await say(sessionKey, "/name Harbour plan", id("c"))).toBe(
    'This session is called "Harbour plan" from now on.',
  );
  expect(await say(sessionKey, "/exec host=gateway node=box", id("d"))).toContain("host gateway, node box");
  expect(await entryOf(sessionKey)).toMatchObject({
    verboseLevel: "full",
    reasoningLevel: "stream",
    label: "Harbour plan",
    execHost: "gateway",
    execNode: "box",
  });
  expect(await say(sessionKey, "/v", id("e"))).toStartWith("Verbose: full\n");
  expect(await say(sessionKey, "/verbose loud", id("f"))).toContain("is none of on, off, full");
  expect(await say(sessionKey, "/verbose constructor", id("f2"))).toContain("is none of on, off, full");
  expect(await say(sessionKey, "/verbose default", id("g"))).toBe("Verbose: off, the default.");
  expect((await entryOf(sessionKey)).verboseLevel).toBeUndefined();
  expect(await say(sessionKey, "/exec host=moon", id("h"))).toContain("invalid execHost");
});

test("/name says when a name is taken", async () => {
  const { sessionKey, id } = freshKey();
  const other = freshKey();
  await say(other.sessionKey, "/name Taken once", other.id("a"));
  expect(await say(sessionKey, "/name Taken once", id("a"))).toStartWith("⚠️");
});

test("/send off closes the session to messages", async () => {
  const { client } = gateway;
  const { sessionKey, id } = freshKey();
  expect(await say(sessionKey, "/send off", id("a"))).toBe("Sending into this session: off.");
  const { error } = await client.request("chat.send", { sessionKey, message: "hello", idempotencyKey: id("b") });
  expect(error.message).toBe("send blocked by session policy");
});

test("/queue decides what becomes of messages while a run is at work", async () => {
  const { client, services } = gateway;
  const { sessionKey, id } = freshKey();
  expect(await say(sessionKey, "/queue", id("a"))).toStartWith("Current queue settings: mode=steer");
  expect(await say(sessionKey, "/queue interrupt", id("b"))).toBe("⚙️ Queue mode set to interrupt.");
  await client.call("chat.send", { sessionKey, message: "SLOW:100 a b c d e f", idempotencyKey: id("c") });
  await client.event("chat", ({ runId, state }) => runId === id("c") && state === "delta", 0);
  expect(await say(sessionKey, "now this", id("d"))).toBe("echo: now this");
  expect((await chatEnd(client, id("c"))).payload.state).toBe("aborted");
  expect((await services.sessions.find(sessionKey))?.queue?.mode).toBe("interrupt");
});

test("/reset soft keeps the conversation", async () => {
  const { model } = gateway;
  const { sessionKey, id } = freshKey();
  await say(sessionKey, "remember the harbour", id("a"));
  expect(await say(sessionKey, "/reset soft", id("b"))).toContain("is kept");
  expect(await say(sessionKey, "/reset soft go on", id("c"))).toBe("echo: go on");
  expect(JSON.stringify(model.calls.at(-1)!.body)).toContain("remember the harbour");
});

test("/steer alone says how it is used, and without a run begins one", async () => {
  const { sessionKey, id } = freshKey();
  expect(await say(sessionKey, "/steer", id("a"))).toBe("Usage: /steer <message>");
  expect(await say(sessionKey, "/tell go on", id("b"))).toBe("echo: go on");
});

test("/context, /tools, /tasks, /subagents and /tts tell what is there", async () => {
  const { services } = gateway;
  const { sessionKey, id } = freshKey();
  await say(sessionKey, "hello", id("a"));
  const facts = JSON.parse(await say(sessionKey, "/context json", id("b")));
  expect(facts.systemPromptChars).toBeGreaterThan(100);
  expect(await say(sessionKey, "/context list", id("c"))).toContain("- AGENTS.md: ");
  expect(await say(sessionKey, "/tools", id("d"))).toContain("session_status");
  expect(await say(sessionKey, "/tasks", id("e"))).toBe("This session has no tasks.");
  expect(await say(sessionKey, "/subagents", id("f"))).toContain("nothing to others");
  expect(await say(sessionKey, "/tts on", id("g"))).toContain("spoken from now on");
  expect((await services.speech.status()).enabled).toBe(true);
  expect(await say(sessionKey, "/tts provider nobody", id("h"))).toContain("Invalid provider");
});

test("/approve decides what waits", async () => {
  const { client } = gateway;
  const approver = await gateway.connect({ client: { id: "cli", mode: "cli" }, caps: ["approvals"] });
  const { sessionKey, id } = freshKey();
  const request = { id: "approve-me-1", command: "uname -a", sessionKey, timeoutMs: 60_000, twoPhase: true };
  await client.call("exec.approval.request", request);
  expect(await say(sessionKey, "/approve approve-me-1 maybe", id("a"))).toStartWith("Usage:");
  expect(await say(sessionKey, "/approve nobody-1 deny", id("b"))).toStartWith("⚠️");
  expect(await say(sessionKey, "/approve approve-me-1 deny", id("c"))).toBe("Decided: deny.");
  const { approval } = await client.call("approval.get", { id: "approve-me-1" });
  expect(approval.status).toBe("denied");
  await approver.close();
});

test("a skill is a command: it is listed, begins a turn that goes by it, and never takes another command's name", async () => {
  const { client, model } = gateway;
  const { sessionKey, id } = freshKey();
  const root = join(gateway.services.config.stateDir, "skills");
  for (const [folder, name] of [
    ["harbour", "harbour-log"],
    ["stop", "stop"],
  ] as const) {
    mkdirSync(join(root, folder), { recursive: true });
    const head = `---\nname: ${name}\ndescription: Writes the log.\n---\n`;
    writeFileSync(join(root, folder, "SKILL.md"), `${head}\n# Harbour log\n\nWrite one line for each ship.\n`);
  }
  const { commands } = await client.call("commands.list", {});
  const skills = commands.filter(({ source }: { source: string }) => source === "skill");
  expect(skills).toEqual([
    {
      name: "harbour_log",
      nativeName: "harbour_log",
      textAliases: ["/harbour_log"],
      description: "Writes the log.",
      category: "tools",
      source: "skill",
      scope: "both",
      acceptsArgs: true,
      skillDisplayName: "Harbour log",
      skillModelVisible: true,
    },
  ]);
  const metadata = await client.call("chat.metadata", {});
  expect(metadata.commands).toEqual(commands);
  await say(sessionKey, "/harbour_log the Ada came", id("a"));
  const told = JSON.stringify(model.calls.at(-1)!.body);
  expect(told).toContain("Write one line for each ship.");
  expect(told).toContain("Request: the Ada came");
  await say(sessionKey, "/skill harbour-log again", id("b"));
  expect(JSON.stringify(model.calls.at(-1)!.body)).toContain("Request: again");
  expect(await say(sessionKey, "/skill nobody", id("c"))).toContain("Skills: harbour-log");
});
