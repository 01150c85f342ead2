import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ModelServer, startModelServer } from "../parity/model-server.ts";
import { chatEnd, freshKey, startChatGateway } from "./testing/chat-gateway.ts";
import { steps } from "./testing/tool-gateway.ts";
import { startVictim, withStateDir } from "./testing/victim.ts";

let model: ModelServer;
beforeAll(() => {
  model = startModelServer();
});
afterAll(() => model.close());

const SLEEP = { name: "exec", args: { command: "sleep 60" } };

test(
  "kill -9 between two calls: every result that the model could have seen is kept, and the session goes on",
  () =>
    withStateDir(async (stateDir) => {
      const { sessionKey, id } = freshKey();
      const { client, kill } = await startVictim(stateDir, model.baseUrl);
      const message = steps(
        [{ name: "write", args: { path: "kept.txt", content: "kept" } }],
        [{ name: "ls" }],
        [SLEEP],
      );
      await client.call("chat.send", { sessionKey, message, idempotencyKey: id("a") });
      await client.event("agent", ({ stream, data }) => stream === "item" && data.name === "exec", 0);
      await kill();

      const next = await startChatGateway({ stateDir });
      const before = (await next.services.sessions.recent(sessionKey, 50)).map(({ role, extra }) => [
        role,
        extra?.toolName,
      ]);
      expect(before).toEqual([
        ["user", undefined],
        ["assistant", undefined],
        ["toolResult", "write"],
        ["assistant", undefined],
        ["toolResult", "ls"],
        ["assistant", undefined],
        ["assistant", undefined],
      ]);
      await next.client.call("chat.send", { sessionKey, message: "hello", idempotencyKey: id("b") });
      const { payload } = await chatEnd(next.client, id("b"));
      expect(payload.message.content[0].text).toBe("echo: hello");
      // The call that was cut off is answered for the model, which else would be refused by its provider.
      const asked = next.model.calls.at(-1)!.body.messages!;
      const calls = asked.flatMap((each) => (each as { tool_calls?: { id: string }[] }).tool_calls ?? []).length;
      expect(asked.filter(({ role }) => role === "tool")).toHaveLength(calls);
      await next.stop();
    }),
  20_000,
);

test(
  "kill -9 while a subagent is at work: who gave the task is told at the next start, once",
  () =>
    withStateDir(async (stateDir) => {
      const { sessionKey, id } = freshKey();
      const { client, kill } = await startVictim(stateDir, model.baseUrl);
      const task = `STEPS: ${JSON.stringify([[SLEEP]])}`;
      const message = steps([{ name: "sessions_spawn", args: { task, label: "sleeper" } }]);
      await client.call("chat.send", { sessionKey, message, idempotencyKey: id("a") });
      await client.event("agent", ({ stream, data }) => stream === "item" && data.name === "exec", 0);
      await chatEnd(client, id("a"));
      await kill();

      for (let start = 0; start < 2; start++) {
        const next = await startChatGateway({ stateDir });
        const heard = async () => {
          const messages = await next.services.sessions.recent(sessionKey, 50);
          return messages.filter(({ content }) =>
            String(content).startsWith("[Subagent ended] sleeper\nstatus: interrupted"),
          );
        };
        for (let tries = 0; tries < 300 && (await heard()).length === 0; tries++) await Bun.sleep(10);
        expect(await heard()).toHaveLength(1);
        while (next.services.runs.activeRunIds(sessionKey).length > 0) await Bun.sleep(10);
        await next.stop();
      }
    }),
  20_000,
);
