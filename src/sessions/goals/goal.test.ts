import { describe, expect, test } from "bun:test";
import { changedGoal, checkIssued, goalAfterRun, RECEIPT_TTL_MS, startedGoal } from "./goal.ts";

const FRESH = { totalTokens: 100, totalTokensFresh: true };
const goal = () => startedGoal(undefined, { id: "g", objective: " green " }, FRESH, 1000);

describe("a goal", () => {
  test("keeps its objective word by word and counts from what was used before", () => {
    expect(goal()).toMatchObject({ objective: " green ", status: "active", tokenStart: 100, tokensUsed: 0 });
    expect(() => startedGoal(goal(), { id: "h", objective: "x" }, FRESH, 1)).toThrow("goal already exists");
    expect(() => startedGoal(undefined, { id: "h", objective: "  " }, FRESH, 1)).toThrow("objective required");
  });

  test("counts from the next figure on where none was known", () => {
    const unknown = startedGoal(undefined, { id: "g", objective: "x" }, { totalTokens: 7 }, 1);
    expect(unknown).toMatchObject({ tokenStart: 0, tokenStartFresh: false });
    const next = goalAfterRun(unknown, FRESH, { status: "done" }, 2);
    expect(next).toMatchObject({ tokenStart: 100, tokenStartFresh: true, tokensUsed: 0 });
    expect(goalAfterRun(next, { ...FRESH, totalTokens: 160 }, { status: "done" }, 3).tokensUsed).toBe(60);
  });

  test("remembers when it was paused and blocked, and what was said of it last", () => {
    const paused = changedGoal(goal(), { action: "pause", note: "wait" }, FRESH, 2000);
    const blocked = changedGoal(paused, { action: "block", note: "" }, FRESH, 3000);
    expect(blocked).toMatchObject({ status: "blocked", pausedAt: 2000, blockedAt: 3000, lastStatusNote: "wait" });
    expect(changedGoal(blocked, { action: "block" }, FRESH, 4000).blockedAt).toBe(3000);
    expect(changedGoal(blocked, { action: "resume" }, FRESH, 5000)).toMatchObject({ status: "active", pausedAt: 2000 });
  });

  test("that is reached can only be reached again, which keeps the time", () => {
    const done = changedGoal(goal(), { action: "complete" }, FRESH, 2000);
    expect(changedGoal(done, { action: "complete", note: "yes" }, FRESH, 3000)).toMatchObject({
      completedAt: 2000,
      lastStatusNote: "yes",
    });
    for (const action of ["pause", "resume", "block", "edit"] as const) {
      expect(() => changedGoal(done, { action, objective: "x" }, FRESH, 3)).toThrow("goal is already complete");
    }
  });

  test("is paused by a run that fails, and not by one that is stopped", () => {
    expect(goalAfterRun(goal(), FRESH, { status: "failed", error: "no" }, 2)).toMatchObject({
      status: "paused",
      pausedAt: 2,
      lastStatusNote: expect.stringContaining("no"),
    });
    expect(goalAfterRun(goal(), FRESH, { status: "timeout" }, 2).status).toBe("paused");
    expect(goalAfterRun(goal(), FRESH, { status: "killed" }, 2).status).toBe("active");
  });

  test("ends at its budget, and gets it anew when it is taken up again", () => {
    const spent = goalAfterRun({ ...goal(), tokenBudget: 50 }, { ...FRESH, totalTokens: 150 }, { status: "done" }, 2);
    expect(spent).toMatchObject({ status: "budget_limited", budgetLimitedAt: 2, tokensUsed: 50 });
    const again = changedGoal(spent, { action: "resume" }, { ...FRESH, totalTokens: 150 }, 3);
    expect(again).toMatchObject({ status: "active", tokenStart: 150, tokensUsed: 0 });
  });

  test("takes no operation from the future, and none that it might have forgotten", () => {
    const now = 10 * RECEIPT_TTL_MS;
    checkIssued(now + 300_000, now);
    checkIssued(now - RECEIPT_TTL_MS + 1, now);
    expect(() => checkIssued(now + 300_001, now)).toThrow("time is invalid");
    expect(() => checkIssued(now - RECEIPT_TTL_MS, now)).toThrow("expired");
  });
});
