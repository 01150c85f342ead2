import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ChatGateway, chatEnd, freshKey, startChatGateway } from "../testing/chat-gateway.ts";

async function say({ client }: ChatGateway): Promise<void> {
  const { sessionKey, id } = freshKey();
  await client.call("chat.send", { sessionKey, message: "hello", idempotencyKey: id("a") });
  await chatEnd(client, id("a"));
}

test("the first turn gives an empty workspace the files that an agent starts with", async () => {
  const gateway = await startChatGateway();
  const workspace = gateway.services.agents.required("main").workspace;
  expect(existsSync(workspace)).toBe(false);
  await say(gateway);
  expect(readdirSync(workspace)).toEqual(
    expect.arrayContaining(["AGENTS.md", "BOOTSTRAP.md", "IDENTITY.md", "SOUL.md", "USER.md"]),
  );
  await gateway.stop();
});

test("a workspace that holds anything stays as it is, and so does one whose owner brings his own files", async () => {
  const gateway = await startChatGateway();
  const workspace = gateway.services.agents.required("main").workspace;
  mkdirSync(workspace, { recursive: true });
  writeFileSync(join(workspace, "note.txt"), "mine");
  await say(gateway);
  expect(readdirSync(workspace)).toEqual(["note.txt"]);
  await gateway.stop();

  const other = await startChatGateway({
    config: { agents: { defaults: { model: { primary: "mock/mock-1" }, skipBootstrap: true } } } as never,
  });
  await say(other);
  expect(existsSync(other.services.agents.required("main").workspace)).toBe(false);
  await other.stop();
});
