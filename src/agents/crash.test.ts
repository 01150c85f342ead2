import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ModelServer, startModelServer } from "../parity/model-server.ts";
import { type ChatGateway, chatEnd, freshKey, startChatGateway } from "./testing/chat-gateway.ts";
import { startVictim, withStateDir } from "./testing/victim.ts";

let model: ModelServer;
beforeAll(() => {
  model = startModelServer();
});
afterAll(() => model.close());

/** The user texts of a session that can still be read: in its transcript, and among those that wait. */
async function heard({ services }: ChatGateway, sessionKey: string): Promise<{ stored: string[]; pending: string[] }> {
  const messages = await services.sessions.recent(sessionKey, 1000);
  const pending = services.runs.pendingInputs(sessionKey);
  return {
    stored: messages.filter(({ role }) => role === "user").map(({ content }) => content as string),
    pending: pending.map(({ message }) => message.content as string),
  };
}

test(
  "a run that was cut off is marked at the next start, its message is kept, and its key says what happened",
  () =>
    withStateDir(async (stateDir) => {
      const { sessionKey, id } = freshKey();
      const { client, kill } = await startVictim(stateDir, model.baseUrl);
      const message = "SLOW:60000 a b c";
      await client.call("chat.send", { sessionKey, message, idempotencyKey: id("a") });
      await client.event("chat", ({ state }) => state === "delta", 0);
      await client.call("chat.send", {
        sessionKey,
        message: "behind it",
        idempotencyKey: id("b"),
        queueMode: "followup",
      });
      await kill();

      const next = await startChatGateway({ stateDir });
      expect(await heard(next, sessionKey)).toEqual({ stored: [message], pending: ["behind it"] });
      expect(next.services.runs.pendingInputs(sessionKey)[0]!.state).toBe("interrupted");
      const note = (await next.services.sessions.recent(sessionKey, 10)).at(-1)!;
      expect(note).toMatchObject({
        role: "assistant",
        provider: "openclaw",
        idempotencyKey: `${id("a")}:interrupted`,
        extra: { openclawAbort: { aborted: true, origin: "restart", runId: id("a") } },
      });
      const { entry } = (await next.services.sessions.repository.find(sessionKey))!;
      expect(entry).toMatchObject({ status: "failed", abortedLastRun: true, lastRunId: id("a") });
      const { events } = await next.client.call("audit.list", { runId: id("a") });
      expect(events).toMatchObject([
        { action: "agent.run.finished", status: "failed", errorCode: "run_failed", sessionKey },
        { action: "agent.run.started", status: "started" },
      ]);
      const replay = await next.client.request("chat.send", { sessionKey, message, idempotencyKey: id("a") });
      expect(replay.payload).toMatchObject({ runId: id("a"), status: "error" });
      expect(await next.client.call("agent.wait", { runId: id("a"), timeoutMs: 0 })).toMatchObject({ status: "error" });
      // The session goes on, and nothing is run a second time by itself.
      await next.client.call("chat.send", { sessionKey, message: "hello", idempotencyKey: id("c") });
      await chatEnd(next.client, id("c"));
      expect((await heard(next, sessionKey)).stored).toEqual([message, "hello"]);
      await next.stop();

      const third = await startChatGateway({ stateDir });
      expect((await third.services.sessions.recent(sessionKey, 10)).length).toBe(4);
      await third.stop();
    }),
  20_000,
);

test.each([40, 90, 170, 330])(
  "killed after %i ms under load: every acknowledged message is there, none twice, no session looks busy",
  (ms) =>
    withStateDir(async (stateDir) => {
      const rooms = Array.from({ length: 4 }, () => freshKey());
      const { client, kill } = await startVictim(stateDir, model.baseUrl);
      const acknowledged = new Map<string, string[]>(rooms.map(({ sessionKey }) => [sessionKey, []]));
      let sending = true;
      const first = Promise.withResolvers<void>();
      const load = rooms.map(async ({ sessionKey, id }, room) => {
        for (let n = 0; sending; n++) {
          const message = n % 5 === 4 ? `SLOW:5 r${room} n${n}` : `r${room} n${n}`;
          const params = {
            sessionKey,
            message,
            idempotencyKey: id(`k${ms}-${n}`),
            queueMode: n % 2 ? "steer" : "followup",
          };
          const answer = await client.request("chat.send", params).catch(() => null);
          if (answer === null) return;
          if (!answer.ok) continue;
          acknowledged.get(sessionKey)!.push(message);
          first.resolve();
        }
      });
      await first.promise;
      await Bun.sleep(ms);
      await kill();
      sending = false;
      await Promise.all(load);

      const next = await startChatGateway({ stateDir });
      for (const { sessionKey } of rooms) {
        const { stored, pending } = await heard(next, sessionKey);
        const all = [...stored, ...pending];
        expect(new Set(all).size).toBe(all.length);
        expect(acknowledged.get(sessionKey)!.filter((message) => !all.includes(message))).toEqual([]);
        expect((await next.services.sessions.repository.find(sessionKey))?.entry.status).not.toBe("running");
        expect(next.services.runs.activeRunIds(sessionKey)).toEqual([]);
      }
      expect([...acknowledged.values()].flat().length).toBeGreaterThan(0);
      expect(
        await next.services.store.read((db) => db.query("SELECT count(*) n FROM runs WHERE ended_at IS NULL").get()),
      ).toEqual({ n: 0 });
      await next.stop();
    }),
  20_000,
);
