import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chatEnd, freshKey } from "../agents/testing/chat-gateway.ts";
import { startTestGateway, type TestClient, type TestGateway } from "../gateway/testing.ts";
import { ableModel } from "../models/testing/models.ts";
import { startWireServer } from "../models/testing/wire-server.ts";
import { USED } from "../models/testing/wires.ts";

const PER_CALL = USED.input + USED.output;
let gateway: TestGateway;
let client: TestClient;
let now = Date.parse("2026-11-20T10:00:00Z");
const server = startWireServer(() => ({ do: "say", said: { text: "Good day." } }));
afterEach(async () => {
  await gateway.stop();
});

async function start(budgets: object, over: { stateDir?: string; agents?: object } = {}) {
  const models = [
    ableModel("m-1", { reasoning: false, cost: { input: 0, output: 1000, cacheRead: 0, cacheWrite: 0 } }),
  ];
  const config = {
    agents: { defaults: { model: { primary: "p/m-1" }, ...over.agents } },
    models: {
      discovery: { enabled: false },
      providers: { p: { baseUrl: server.baseUrl("openai-completions"), apiKey: "k", models } },
    },
    budgets,
  } as never;
  gateway = await startTestGateway({
    config,
    clock: { now: () => now },
    ...(over.stateDir ? { stateDir: over.stateDir } : {}),
  });
  client = await gateway.connect();
}

let asked = 0;
const send = async (sessionKey: string, message = "hello") => {
  const runId = `budget-${++asked}`;
  await client.call("chat.send", { sessionKey, message, idempotencyKey: runId });
  return (await chatEnd(client, runId)).payload;
};
/** How many calls reached the provider while this was done. */
const calls = async (work: () => Promise<unknown>) => {
  const before = server.calls.length;
  await work();
  return server.calls.length - before;
};
describe("a run that would pass a budget", () => {
  test("stops before the call, with a message, an event and a failed session", async () => {
    await start({ day: { tokens: 10 } });
    const { sessionKey } = freshKey();
    let end: Record<string, unknown> = {};
    expect(await calls(async () => (end = await send(sessionKey)))).toBe(0);
    expect(end.state).toBe("error");
    expect(end.errorMessage).toContain("The budget for today is used up: 0 tokens of 10 tokens are spent.");
    expect(end.errorMessage).toContain("budgets.day");
    const event = await client.event("budget.exceeded", () => true, 0);
    expect(event.payload).toMatchObject({
      agentId: "main",
      sessionKey,
      scope: "day",
      unit: "tokens",
      limit: 10,
      spent: 0,
    });
    const { session } = await client.call("sessions.describe", { key: sessionKey });
    expect([session.status, session.lastRunError]).toEqual(["failed", end.errorMessage]);
  });

  test.each(["agent", "day", "session"] as const)(
    "of the %s: what was spent counts, also after a restart",
    async (scope) => {
      const stateDir = mkdtempSync(join(tmpdir(), "chela-budgets-"));
      const budgets = { [scope]: { usd: (USED.output * 1000 * 2.5) / 1e6 + 0.256 } };
      await start(budgets, { stateDir });
      const { sessionKey } = freshKey();
      expect((await send(sessionKey)).state).toBe("final");
      expect((await send(sessionKey)).state).toBe("final");
      expect((await send(sessionKey)).state).toBe("final");
      expect((await send(sessionKey)).state).toBe("error");
      await gateway.stop();
      await start(budgets, { stateDir });
      expect(await calls(() => send(sessionKey))).toBe(0);
      const other = await send(freshKey().sessionKey);
      expect(other.state).toBe(scope === "session" ? "final" : "error");
      rmSync(stateDir, { recursive: true });
    },
  );

  test("of a day: the next day is another one, in the user's time zone", async () => {
    now = Date.parse("2026-11-20T22:30:00Z");
    await start({ day: { usd: 0.26 } }, { agents: { userTimezone: "Europe/Berlin" } });
    expect((await send(freshKey().sessionKey)).state).toBe("final");
    expect((await send(freshKey().sessionKey)).state).toBe("error");
    now = Date.parse("2026-11-20T23:00:01Z");
    expect((await send(freshKey().sessionKey)).state).toBe("final");
  });

  test("of one agent has its own limit in place of everybody's", async () => {
    await start({ agent: { tokens: 1 }, agents: { main: { tokens: 1_000_000 } } });
    expect((await send(freshKey().sessionKey)).state).toBe("final");
  });

  test("lets the answer be no longer than what is left", async () => {
    await start({ day: { usd: 0.5 } });
    await send(freshKey().sessionKey);
    expect(server.calls.at(-1)!.body.max_tokens).toBe(500);
    await send(freshKey().sessionKey);
    expect(server.calls.at(-1)!.body.max_tokens).toBe(500 - USED.output);
  });

  test("runs at the same time do not pass it together", async () => {
    await start({ day: { usd: 0.3 } });
    const made = await calls(() => Promise.all(Array.from({ length: 8 }, () => send(freshKey().sessionKey))));
    expect(made).toBeLessThanOrEqual(6);
    const { usd } = await spent();
    expect(usd).toBeLessThanOrEqual(0.3);
  });

  test("a call that fails gives back what was kept for it", async () => {
    await start({ day: { usd: 0.3 } });
    const { budgets } = gateway.services;
    const call = {
      agentId: "main",
      sessionKey: "k",
      sessionId: "s",
      runId: "r",
      kind: "turn",
      promptTokens: () => 1,
      cost: { input: 0, output: 1000 },
    } as const;
    const first = await budgets.admit(call);
    await expect(budgets.admit(call)).rejects.toThrow("budget for today");
    first.release();
    (await budgets.admit(call)).release();
  });
});

/** What the ledger has, without going through the product. */
const spent = async () =>
  gateway.services.store.db
    .query("SELECT coalesce(sum(tokens), 0) AS tokens, coalesce(sum(cost), 0) AS usd FROM spending")
    .get() as {
    tokens: number;
    usd: number;
  };

describe("what is counted", () => {
  test("is every call, summaries included, by kind", async () => {
    await start({});
    const { sessionKey } = freshKey();
    await send(sessionKey, "a long story ".repeat(9000));
    await send(sessionKey, "more of it ".repeat(9000));
    expect((await spent()).tokens).toBe(2 * PER_CALL);
    const { compacted } = await client.call("sessions.compact", { key: sessionKey });
    const kinds = gateway.services.store.db.query("SELECT DISTINCT kind FROM spending ORDER BY kind").all();
    expect(kinds).toEqual(compacted ? [{ kind: "compaction" }, { kind: "turn" }] : [{ kind: "turn" }]);
    expect(compacted).toBe(true);
  });

  test("with what messages had cost before budgets were kept", async () => {
    await start({});
    await send(freshKey().sessionKey);
    const { db } = gateway.services.store;
    db.exec("DROP TABLE spending");
    (await import("../store/migrations/0032-spending.ts")).spending.up(db);
    expect((await spent()).tokens).toBe(PER_CALL);
  });
});

describe("heartbeats", () => {
  const heartbeat = () => gateway.services.heartbeatTurns.poll("main", "job-1", true);

  test("have a budget of their own that leaves other turns alone", async () => {
    await start({ heartbeat: { usd: 0.26 } }, { agents: { heartbeat: { every: "1h", target: "none" } } });
    expect((await heartbeat()).status).toBe("ok");
    let result: unknown;
    expect(await calls(async () => (result = await heartbeat()))).toBe(0);
    expect(result).toMatchObject({ status: "error", error: expect.stringContaining("heartbeats for today") });
    expect((await send(freshKey().sessionKey)).state).toBe("final");
    now += 86_400_000;
    expect((await heartbeat()).status).toBe("ok");
  });

  test("have one even when none is configured", async () => {
    await start({}, { agents: { heartbeat: { every: "1h", target: "none" } } });
    expect(gateway.services.config.current.budgets?.heartbeat?.usd).toBe(5);
    const cost = { tokens: 1, usd: 4.9 };
    const call = { agentId: "main", sessionId: "s", kind: "heartbeat" } as const;
    const { SpendingRepository } = await import("./spending-repository.ts");
    await new SpendingRepository(gateway.services.store, 100).add(call, cost, now);
    expect(await calls(heartbeat)).toBe(0);
  });
});
