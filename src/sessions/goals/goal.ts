import type { SessionGoal, SessionsGoalAnswer } from "../../../generated/types.ts";
import { type GatewayError, invalidRequest } from "../../platform/errors.ts";
import type { SessionEntry } from "../entry.ts";

export type GoalAction = SessionsGoalAnswer["action"];
export type GoalChange = Exclude<GoalAction, "start" | "clear">;

/** What a session counts its tokens by. */
type Counted = Pick<SessionEntry, "totalTokens" | "totalTokensFresh">;

/** Milliseconds that a goal operation may be ahead of this gateway's clock, and that it can be repeated for. */
const MAX_AHEAD_MS = 300_000;
export const RECEIPT_TTL_MS = 86_400_000;

/** The refusal of a goal operation, with the word by which clients tell refusals apart (measured on 2026.9.6). */
export const goalRefused = (reason: "invalid" | "expired" | "goal-rebound" | "operation-conflict", message: string) =>
  invalidRequest(message, { code: "GOAL_OPERATION_REJECTED", reason });

export const operationConflict = (): GatewayError =>
  goalRefused("operation-conflict", "Goal operation ID was already used for a different request.");

export const goalRebound = (): GatewayError =>
  goalRefused("goal-rebound", "Goal changed or was cleared; refresh before trying again.");

/** @throws GatewayError for an operation that is too old to be known again, or from the future */
export function checkIssued(issuedAtMs: number, now: number): void {
  if (issuedAtMs > now + MAX_AHEAD_MS) {
    throw goalRefused("invalid", "Goal operation time is invalid; refresh and try again.");
  }
  if (issuedAtMs <= now - RECEIPT_TTL_MS) {
    throw goalRefused("expired", "Goal operation expired; review the current Goal before trying again.");
  }
}

/**
 * A goal as it begins. Tokens are counted from what the session has used so far; where that is not known, from the
 * next figure on (docs: tools/goal, token budgets).
 * @throws GatewayError when there is one already
 */
export function startedGoal(
  known: SessionGoal | undefined,
  { id, objective }: { id: string; objective: string },
  counted: Counted,
  now: number,
): SessionGoal {
  if (known !== undefined) throw goalRefused("invalid", "goal already exists");
  const tokenStartFresh = counted.totalTokensFresh === true && counted.totalTokens !== undefined;
  return {
    schemaVersion: 1,
    id,
    objective: withContent(objective),
    status: "active",
    createdAt: now,
    updatedAt: now,
    tokenStart: tokenStartFresh ? counted.totalTokens! : 0,
    tokenStartFresh,
    tokensUsed: 0,
    continuationTurns: 0,
  };
}

/** The times that statuses are remembered by. */
const MARKS: Partial<Record<SessionGoal["status"], "pausedAt" | "blockedAt" | "completedAt" | "budgetLimitedAt">> = {
  paused: "pausedAt",
  blocked: "blockedAt",
  complete: "completedAt",
  budget_limited: "budgetLimitedAt",
};

const STATUS = { pause: "paused", resume: "active", complete: "complete", block: "blocked" } as const;

/**
 * The goal after an operator's or agent's change. What is complete stays so: it can only be completed again, which keeps
 * the first time, or be cleared.
 * @throws GatewayError for a change that the goal's status does not allow, or an objective without content
 */
export function changedGoal(
  goal: SessionGoal,
  change: { action: GoalChange; objective?: string; note?: string },
  counted: Counted,
  now: number,
): SessionGoal {
  const { action, note } = change;
  if (goal.status === "complete" && action !== "complete") throw goalRefused("invalid", "goal is already complete");
  if (action === "edit") return { ...goal, objective: withContent(change.objective ?? ""), updatedAt: now };
  const status = STATUS[action];
  const mark = MARKS[status];
  return {
    ...goal,
    ...(action === "resume" && goal.status === "budget_limited" ? freshWindow(counted) : {}),
    status,
    updatedAt: now,
    ...(note ? { lastStatusNote: note } : {}),
    ...(mark !== undefined && goal.status !== status && { [mark]: now }),
  };
}

/**
 * The goal after a run of its session has ended and the session has counted tokens: a run that failed pauses it, one
 * that used the budget up ends its pursuit (docs: tools/goal, statuses).
 */
export function goalAfterRun(
  goal: SessionGoal,
  counted: Counted,
  { status, error }: { status?: string | null; error?: string | null },
  now: number,
): SessionGoal {
  const next = recounted(goal, counted);
  if (next.status !== "active") return next;
  if (status === "failed" || status === "timeout") {
    const note = `Paused because a run failed. Resume to go on. ${error ?? ""}`.trim();
    return { ...next, status: "paused", pausedAt: now, updatedAt: now, lastStatusNote: note };
  }
  if (next.tokenBudget !== undefined && next.tokensUsed >= next.tokenBudget) {
    return { ...next, status: "budget_limited", budgetLimitedAt: now, updatedAt: now };
  }
  return next;
}

function recounted(goal: SessionGoal, { totalTokens, totalTokensFresh }: Counted): SessionGoal {
  if (totalTokens === undefined || totalTokensFresh !== true) return goal;
  if (goal.tokenStartFresh !== true) return { ...goal, tokenStart: totalTokens, tokenStartFresh: true };
  // A context that was compacted counts fewer tokens than before; what was used stays used.
  return { ...goal, tokensUsed: Math.max(goal.tokensUsed, totalTokens - goal.tokenStart) };
}

function freshWindow({ totalTokens, totalTokensFresh }: Counted): Partial<SessionGoal> {
  if (totalTokens === undefined || totalTokensFresh !== true) return { tokensUsed: 0, tokenStartFresh: false };
  return { tokensUsed: 0, tokenStart: totalTokens, tokenStartFresh: true };
}

function withContent(objective: string): string {
  if (objective.trim() === "") throw goalRefused("invalid", "objective required");
  return objective;
}
