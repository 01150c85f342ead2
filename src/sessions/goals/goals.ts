import type { Database } from "bun:sqlite";
import type {
  SessionGoal,
  SessionsGoalAnswer,
  SessionsGoalClearParams,
  SessionsGoalUpdateParams,
} from "../../../generated/types.ts";
import { invalidRequest } from "../../platform/errors.ts";
import type { SessionEntry, StoredSession } from "../entry.ts";
import { findSession, putSession } from "../session-columns.ts";
import type { Sessions } from "../sessions.ts";
import {
  changedGoal,
  checkIssued,
  type GoalAction,
  type GoalChange,
  goalRebound,
  operationConflict,
  startedGoal,
} from "./goal.ts";
import { type GoalOperation, keepReceipt, receiptOf } from "./receipts.ts";

/** A goal operation as the answer of its client shows it, and the session it was done on. */
export interface GoalDone {
  result: SessionsGoalAnswer;
  session: StoredSession;
}

/** What becomes of a session's goal; null for none. */
export type GoalRule = (goal: SessionGoal | undefined, entry: SessionEntry, now: number) => SessionGoal | null;

interface Wish extends GoalOperation {
  action: GoalAction;
  goalId: string;
  objective?: string;
  note?: string;
  /** The run that begins with it. */
  runId?: string;
}

/**
 * `sessions.goal.update` but for `resume`, which begins a run, and `sessions.goal.clear` (docs: tools/goal).
 * @throws GatewayError when the session or its goal is another one by now, or the goal does not allow it
 */
export async function mutateGoal(
  sessions: Sessions,
  params: SessionsGoalUpdateParams | SessionsGoalClearParams,
  requestHash: string,
): Promise<SessionsGoalAnswer> {
  const key = sessions.canonicalKey(params.sessionKey, params.agentId);
  const action = "action" in params ? params.action : "clear";
  let done: GoalDone | null = null;
  await sessions.repository.update(
    key,
    (known, db) => {
      const session = theSession(known, params.sessionId);
      done = operate(sessions, session, { ...params, action, requestHash }, db);
      return done.result.replayed ? null : done.session;
    },
    (family) => sessions.changed(family, "goal"),
  );
  return done!.result;
}

/**
 * Stores what a run that begins with its goal changes of it, within the transaction that accepts the run.
 * @throws GatewayError as {@link mutateGoal}
 */
export function goalWithRun(
  sessions: Sessions,
  key: string,
  wish: Omit<Wish, "action"> & { action: "start" | "resume"; sessionId?: string },
  db: Database,
): GoalDone {
  const now = sessions.clock.now();
  const known = findSession(db, key);
  const session =
    wish.action === "start" && !known ? sessions.blank(key, now, "operator") : theSession(known, wish.sessionId);
  const done = operate(sessions, session, wish, db);
  // Its run is new, so that what was answered before was another operation.
  if (done.result.replayed) throw operationConflict();
  putSession(db, done.session);
  return done;
}

/** Changes a session's goal at a person's word, without a receipt: the message that says it has a key of its own. */
export async function commandGoal(sessions: Sessions, key: string, rule: GoalRule): Promise<SessionGoal | null> {
  const now = sessions.clock.now();
  let goal: SessionGoal | null = null;
  const apply = (known: StoredSession | null): StoredSession | null => {
    const session = known ?? sessions.blank(key, now, "operator");
    goal = rule(session.entry.goal, session.entry, now);
    return goal === (session.entry.goal ?? null) ? null : withGoal(session, goal, now);
  };
  await sessions.repository.update(key, apply, (family) => sessions.changed(family, "goal"));
  return goal;
}

function operate(sessions: Sessions, session: StoredSession, wish: Wish, db: Database): GoalDone {
  const now = sessions.clock.now();
  const { sessionId } = session.entry;
  const { action, operationId, runId } = wish;
  const earlier = receiptOf(db, sessionId, wish, now);
  if (earlier) return { result: earlier, session };
  checkIssued(wish.issuedAtMs, now);
  const goal = goalAfter(session, wish, now);
  const status = action === "clear" ? "cleared" : runId === undefined ? "updated" : "started";
  const result: SessionsGoalAnswer = {
    operationId,
    action,
    sessionId,
    goalId: wish.goalId,
    status,
    ...(goal && { goal }),
    ...(runId !== undefined && { runId }),
  };
  keepReceipt(db, wish, result, now);
  return { result, session: withGoal(session, goal, now) };
}

function goalAfter({ entry }: StoredSession, wish: Wish, now: number): SessionGoal | null {
  const { action, goalId: id, objective = "", note } = wish;
  if (action === "start") return startedGoal(entry.goal, { id, objective }, entry, now);
  if (entry.goal?.id !== id) throw goalRebound();
  if (action === "clear") return null;
  return changedGoal(entry.goal, { action: action as GoalChange, objective, note }, entry, now);
}

function withGoal(session: StoredSession, goal: SessionGoal | null, now: number): StoredSession {
  const { goal: _old, ...entry } = session.entry;
  return { ...session, entry: { ...entry, updatedAt: now, ...(goal && { goal }) } };
}

function theSession(known: StoredSession | null, sessionId: string | undefined): StoredSession {
  if (known && (sessionId === undefined || known.entry.sessionId === sessionId)) return known;
  throw invalidRequest("Session changed or was removed; refresh its Goal.");
}
