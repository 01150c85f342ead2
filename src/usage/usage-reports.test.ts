import { describe, expect, test } from "bun:test";
import { createSession } from "../sessions/create.ts";
import { deleteSession, resetSession } from "../sessions/lifecycle.ts";
import { ADMIN, refusal } from "../sessions/testing.ts";
import { usageLogs, usageTimeseries } from "./session-detail.ts";
import { answered, asked, testUsage } from "./testing.ts";

const HOUR = 3_600_000;
const KEY = "agent:main:a";
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

describe("usage.cost", () => {
  test("adds up tokens and dollars by day, days without any included", async () => {
    const { sessions, reports, clock } = testUsage();
    const now = clock.now();
    await sessions.append(KEY, [asked(now - 48 * HOUR), answered(now - 48 * HOUR), asked(now), answered(now)]);
    await sessions.append("agent:main:b", [answered(now)]);
    const { daily, totals, days } = await reports.cost({ days: 3 });
    expect(days).toBe(3);
    expect(daily).toMatchObject([
      { date: dayOf(now - 48 * HOUR), totalTokens: 15, totalCost: 3 },
      { date: dayOf(now - 24 * HOUR), totalTokens: 0, totalCost: 0 },
      { date: dayOf(now), input: 20, output: 10, totalTokens: 30, inputCost: 2, outputCost: 4, totalCost: 6 },
    ]);
    expect(totals).toMatchObject({ totalTokens: 45, totalCost: 9, missingCostEntries: 0 });
    const [yesterday] = (await reports.cost({ startDate: dayOf(now - 24 * HOUR), endDate: dayOf(now - 24 * HOUR) }))
      .daily;
    expect(yesterday).toMatchObject({ totalTokens: 0 });
  });

  test("counts days where they are asked for", async () => {
    const { sessions, reports } = testUsage();
    const late = Date.parse("2026-03-01T23:50:00Z");
    await sessions.append(KEY, [answered(late)]);
    const day = { startDate: "2026-03-02", endDate: "2026-03-02" };
    expect((await reports.cost(day)).totals).toMatchObject({ totalCost: 0 });
    const there = { ...day, mode: "specific", timeZone: "Asia/Kathmandu" };
    expect((await reports.cost(there)).totals).toMatchObject({ totalCost: 3 });
  });

  test("names models without a price", async () => {
    const { sessions, reports, clock } = testUsage();
    const free = answered(clock.now()).usage!;
    const usage = { ...free, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } };
    await sessions.append(KEY, [answered(clock.now(), { provider: "far", model: "away", usage })]);
    expect((await reports.cost({})).totals).toMatchObject({
      missingCostEntries: 1,
      missingCostByModel: { "far/away": 1 },
    });
  });

  test("keeps what was spent when its session is gone, and counts a fork's copies once", async () => {
    const { sessions, reports, clock } = testUsage();
    await createSession(sessions, { key: "a" }, ADMIN);
    await sessions.append(KEY, [asked(clock.now()), answered(clock.now(), { stopReason: "stop" })]);
    await createSession(sessions, { key: "fork", parentSessionKey: KEY, fork: true }, ADMIN);
    await resetSession(sessions, { key: KEY });
    await deleteSession(sessions, { key: KEY });
    expect((await reports.cost({})).totals).toMatchObject({ totalCost: 3 });
  });

  test("is of one agent unless all are meant", async () => {
    const { sessions, reports, clock } = testUsage({
      agents: { list: [{ id: "main", default: true }, { id: "work" }] },
    });
    await sessions.append(KEY, [answered(clock.now())]);
    await sessions.append("agent:work:a", [answered(clock.now())]);
    const cost = async (params: object) => (await reports.cost({ ...params })).totals!.totalCost;
    expect([await cost({}), await cost({ agentId: "work" }), await cost({ agentScope: "all" })]).toEqual([3, 3, 6]);
    expect(await cost({ agentId: "ghost" })).toBe(0);
    expect(await refusal(() => reports.cost({ agentId: "work", agentScope: "all" }))).toEqual({
      message: "agentScope=all cannot be combined with agentId",
    });
  });

  test("takes numbers that are none for nothing", async () => {
    const { sessions, reports, clock } = testUsage();
    const usage = { ...answered(1).usage!, input: 1.6, output: Number.NaN, totalTokens: Number.POSITIVE_INFINITY };
    await sessions.append(KEY, [answered(clock.now(), { usage })]);
    expect((await reports.cost({})).totals).toMatchObject({ input: 2, output: 0, totalTokens: 0 });
  });
});

describe("sessions.usage", () => {
  test("tells of each session and of all together", async () => {
    const { sessions, reports, clock } = testUsage();
    const now = clock.now();
    await createSession(sessions, { key: "idle" }, ADMIN);
    const call = { type: "toolCall" as const, id: "1", name: "read", arguments: {} };
    await sessions.append(KEY, [
      asked(now - 2000),
      answered(now - 500, { content: [call] }),
      { role: "toolResult", content: "x", timestamp: now - 400 },
      answered(now, { stopReason: "error" }),
    ]);
    const answer = await reports.sessions({});
    const [used, idle] = ["agent:main:a", "agent:main:idle"].map(
      (key) => answer.sessions.find((row) => row.key === key)!,
    );
    expect(idle!.usage).toBeNull();
    expect(used!.usage).toMatchObject({
      totalTokens: 30,
      totalCost: 6,
      firstActivity: now - 2000,
      lastActivity: now,
      durationMs: 2000,
      messageCounts: { total: 3, user: 1, assistant: 2, toolCalls: 1, toolResults: 1, errors: 1 },
      toolUsage: { totalCalls: 1, uniqueTools: 1, tools: [{ name: "read", count: 1 }] },
      modelUsage: [{ provider: "mock", model: "mock-1", count: 2 }],
      latency: { count: 1, avgMs: 1500, minMs: 1500, maxMs: 1500, p95Ms: 1500 },
      activityDates: [dayOf(now)],
    });
    expect(answer.totals).toMatchObject({ totalCost: 6 });
    expect(answer.aggregates).toMatchObject({
      sessionCount: 1,
      longestSessionDurationMs: 2000,
      messages: { total: 3 },
      tools: { totalCalls: 1, uniqueTools: 1, tools: [{ name: "read", count: 1 }] },
      byModel: [{ model: "mock-1", count: 2 }],
      byProvider: [{ provider: "mock", count: 2 }],
      byAgent: [{ agentId: "main" }],
      daily: [{ tokens: 30, cost: 6, messages: 3, toolCalls: 1, errors: 1 }],
    });
  });

  test("of one session counts that one alone, before and after a reset", async () => {
    const { sessions, reports, clock } = testUsage();
    await sessions.append(KEY, [answered(clock.now())]);
    await sessions.append("agent:main:b", [answered(clock.now())]);
    await resetSession(sessions, { key: KEY });
    await sessions.append(KEY, [answered(clock.now())]);
    const { sessions: rows, totals } = await reports.sessions({ key: "a", groupBy: "family" });
    expect(rows).toMatchObject([{ key: KEY, scope: "family", sessionFamilyKey: KEY, usage: { totalCost: 6 } }]);
    expect(totals).toMatchObject({ totalCost: 6 });
    expect((await reports.sessions({ key: "nowhere" })).sessions).toEqual([]);
  });
});

describe("the details of a session", () => {
  test("are a curve of its answers, with few points", async () => {
    const { sessions, clock } = testUsage();
    const now = clock.now();
    await sessions.append(KEY, [asked(now), answered(now + 1), answered(now + 2)]);
    expect((await usageTimeseries(sessions, { key: "a" })).points).toMatchObject([
      { timestamp: now + 1, totalTokens: 15, cost: 3, cumulativeTokens: 15, cumulativeCost: 3 },
      { timestamp: now + 2, totalTokens: 15, cost: 3, cumulativeTokens: 30, cumulativeCost: 6 },
    ]);
    await sessions.append(
      KEY,
      Array.from({ length: 999 }, (_, n) => answered(now + 3 + n)),
    );
    const { points } = await usageTimeseries(sessions, { key: "a" });
    expect(points.length).toBeLessThanOrEqual(200);
    expect(points.at(-1)).toMatchObject({ cumulativeTokens: 1001 * 15, cumulativeCost: 3003 });
    expect(await refusal(() => usageTimeseries(sessions, { key: "nowhere" }))).toEqual({
      message: "No transcript found for session: nowhere",
    });
  });

  test("and its newest messages with what they cost", async () => {
    const { sessions, clock } = testUsage();
    const now = clock.now();
    await sessions.append(KEY, [asked(now, "first"), asked(now + 1, "x".repeat(5000)), answered(now + 2)]);
    const { logs } = await usageLogs(sessions, { key: "a", limit: 2 });
    expect(logs).toMatchObject([
      { timestamp: now + 1, role: "user" },
      { timestamp: now + 2, role: "assistant", content: "answer", tokens: 15, cost: 3 },
    ]);
    expect(logs[0]!.content.length).toBe(2000);
    expect(await usageLogs(sessions, { key: "nowhere" })).toEqual({ logs: [] });
  });
});
