import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChatGateway, chatEnd, freshKey, startChatGateway } from "../agents/testing/chat-gateway.ts";
import type { Payload } from "../gateway/testing.ts";
import { Store } from "../store/store.ts";
import { AuditRepository } from "./audit-repository.ts";
import type { NewAuditEvent } from "./events.ts";

let stateDir: string;
let gateway: ChatGateway;
beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "chela-audit-"));
  gateway = await startChatGateway({ stateDir });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(stateDir, { recursive: true });
});

async function run(message: string): Promise<{ runId: string; sessionKey: string }> {
  const { sessionKey, id } = freshKey();
  const runId = id("run");
  await gateway.client.call("chat.send", { sessionKey, message, idempotencyKey: runId });
  await chatEnd(gateway.client, runId);
  return { runId, sessionKey };
}
const list = async (params: object = {}): Promise<Payload> => gateway.client.call("audit.list", params);

describe("audit.list", () => {
  test("is empty before anything ran", async () => {
    expect(await list()).toEqual({ events: [] });
    expect(await gateway.client.call("audit.activity.list")).toEqual({ events: [] });
  });

  test("has a line for the begin and one for the end of a run, and nothing of what was said", async () => {
    const { runId, sessionKey } = await run("a private word");
    const { events } = await list({ runId });
    const common = {
      redaction: "metadata_only",
      agentId: "main",
      sessionKey,
      sessionId: expect.any(String),
      runId,
      kind: "agent_run",
      actor: { type: "agent", id: "main" },
      sequence: expect.any(Number),
      eventId: expect.any(String),
      sourceSequence: expect.any(Number),
      occurredAt: expect.any(Number),
    };
    expect(events).toEqual([
      { ...common, action: "agent.run.finished", status: "succeeded" },
      { ...common, action: "agent.run.started", status: "started" },
    ]);
    expect(JSON.stringify(await list())).not.toContain("private");
    const activity = await gateway.client.call("audit.activity.list", { runId });
    expect(activity.events).toEqual(
      events.map((event: Payload) => ({ ...event, schemaVersion: 1, eventType: "agent_run" })),
    );
  });

  test("tells a failed run from a stopped one", async () => {
    const { sessionKey, id } = freshKey();
    const stopped = id("stopped");
    await gateway.client.call("chat.send", { sessionKey, message: "SLOW:50 a b c d e f g h", idempotencyKey: stopped });
    await gateway.client.event("chat", (payload) => payload.runId === stopped && payload.state === "delta", 0);
    await gateway.client.call("chat.abort", { sessionKey, runId: stopped });
    const { runId: failed } = await run("FAIL:400 no");
    await gateway.client.event("agent", (payload) => payload.runId === failed && payload.data.phase === "error", 0);
    const ends = async (runId: string) => (await list({ runId })).events[0];
    expect(await ends(failed)).toMatchObject({ status: "failed", errorCode: "run_failed" });
    expect(await ends(stopped)).toMatchObject({ status: "cancelled", errorCode: "run_cancelled" });
    expect((await list({ status: "failed" })).events.map(({ runId }: Payload) => runId)).toEqual([failed]);
  });

  test("goes by pages, by agent, session and time, and over a restart", async () => {
    const all = (await list()).events;
    const first = await list({ limit: 2 });
    expect(first).toEqual({ events: all.slice(0, 2), nextCursor: String(all[1].sequence) });
    expect((await list({ limit: 500, cursor: first.nextCursor })).events).toEqual(all.slice(2));
    expect((await list({ agentId: "ghost" })).events).toEqual([]);
    const { sessionKey, occurredAt } = all.at(-1);
    expect((await list({ sessionKey, before: occurredAt })).events).toEqual([all.at(-1)]);
    await gateway.stop();
    gateway = await startChatGateway({ stateDir });
    expect((await list()).events).toEqual(all);
  });

  test.each([{ cursor: "x" }, { cursor: "0" }, { cursor: "1; DROP TABLE audit_events" }, { after: 2, before: 1 }])(
    "refuses %p",
    async (params) => {
      const { error } = await gateway.client.request("audit.list", params);
      expect(error).toEqual({ code: "INVALID_REQUEST", message: "invalid audit.list range or cursor" });
    },
  );

  test("activity of channels is none", async () => {
    for (const params of [{ kind: "message" }, { direction: "inbound" }, { channel: "telegram" }]) {
      expect(await gateway.client.call("audit.activity.list", params)).toEqual({ events: [] });
    }
  });
});

test("the ledger forgets what is above its bounds in number and age", async () => {
  const store = Store.open(":memory:");
  const repository = new AuditRepository(store, { maxRows: 3, maxAgeMs: 1000 });
  const line = (runId: string, occurredAt: number): NewAuditEvent => ({
    sourceSequence: 1,
    occurredAt,
    kind: "agent_run",
    action: "agent.run.started",
    status: "started",
    actor: { type: "agent", id: "main" },
    agentId: "main",
    runId,
  });
  const runs = async () => (await repository.list({ limit: 10 })).map(({ runId }) => runId);
  for (const runId of ["a", "b", "c", "d", "d"]) await repository.add(line(runId, 5000));
  expect(await runs()).toEqual(["d", "c", "b"]);
  await repository.add(line("e", 6001));
  expect(await runs()).toEqual(["e"]);
  await store.close();
});
