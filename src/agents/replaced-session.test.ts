import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ChatGateway, freshKey, startChatGateway, transcript } from "./testing/chat-gateway.ts";

let gateway: ChatGateway;
beforeAll(async () => {
  gateway = await startChatGateway();
});
afterAll(() => gateway.stop());

const replace = {
  "sessions.reset": (sessionKey: string) => gateway.client.request("sessions.reset", { key: sessionKey }),
  "sessions.delete": (sessionKey: string) => gateway.client.request("sessions.delete", { key: sessionKey }),
  "/new": (sessionKey: string) =>
    gateway.client.request("chat.send", { sessionKey, message: "/new", idempotencyKey: `${sessionKey}-new` }),
};

test.each(Object.keys(replace) as (keyof typeof replace)[])(
  "what is said while %s ends a run is answered in what comes after it, and is not lost",
  async (name) => {
    const { client } = gateway;
    const { sessionKey, id } = freshKey();
    await client.call("chat.send", { sessionKey, message: "SLOW:20000 one two three", idempotencyKey: id("a") });
    await client.event("chat", ({ runId, phase }) => runId === id("a") && phase === "starting_model", 0);
    const replaced = replace[name](sessionKey);
    // A command is carried out only when it has been acknowledged.
    if (name === "/new") await replaced;
    const said = client.call("chat.send", {
      sessionKey,
      message: "and now?",
      idempotencyKey: id("b"),
      queueMode: "followup",
    });
    await Promise.all([replaced, said]);
    await client.call("agent.wait", { runId: id("b") });
    const all = (await transcript(gateway, sessionKey)).filter(
      (line) => !line.includes("/new") && !line.includes("New session"),
    );
    expect(all).toEqual(["user: and now?", "assistant: echo: and now?"]);
  },
);

test("a deleted session leaves none of its words behind, and how its runs ended", async () => {
  const { client, services } = gateway;
  const { sessionKey, id } = freshKey();
  await client.call("chat.send", { sessionKey, message: "remember-the-word", idempotencyKey: id("a") });
  await client.call("agent.wait", { runId: id("a") });
  await client.call("agent", { sessionKey, message: "remember-the-word again", idempotencyKey: id("b") });
  await client.call("agent.wait", { runId: id("b") });
  const intent = { kind: "session-goal-start", version: 1, issuedAtMs: Date.now() };
  await client.call("chat.send", { sessionKey, message: "remember-the-word too", idempotencyKey: id("c"), intent });
  await client.call("agent.wait", { runId: id("c") });
  await client.call("sessions.delete", { key: sessionKey });
  const { db } = services.store;
  const tables = db.query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  for (const { name } of tables) {
    const rows = JSON.stringify(db.query(`SELECT * FROM "${name}"`).all());
    expect([name, rows.includes("remember-the-word")]).toEqual([name, false]);
  }
  expect(await client.call("agent.wait", { runId: id("a") })).toMatchObject({ status: "ok" });
});
