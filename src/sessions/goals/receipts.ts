import type { Database } from "bun:sqlite";
import { LIMITS } from "../../../generated/limits.ts";
import type { SessionsGoalAnswer } from "../../../generated/types.ts";
import { GatewayError } from "../../platform/errors.ts";
import type { Store } from "../../store/store.ts";
import { operationConflict, RECEIPT_TTL_MS } from "./goal.ts";

/** An operation on a session's goal, as its client names it. */
export interface GoalOperation {
  operationId: string;
  /** When the client asked for it first, in epoch milliseconds. */
  issuedAtMs: number;
  /** Hash of everything that was asked. */
  requestHash: string;
}

/**
 * What an operation was answered before, or null. Runs inside a transaction.
 * @throws GatewayError when the id belongs to another request, or the session has as many receipts as it may
 */
export function receiptOf(
  db: Database,
  sessionId: string,
  { operationId, requestHash }: GoalOperation,
  now: number,
): SessionsGoalAnswer | null {
  const row = db
    .query<{ request_hash: string; result: string }, [string, string, number]>(
      "SELECT request_hash, result FROM goal_receipts WHERE session_id = ? AND operation_id = ? AND issued_at > ?",
    )
    .get(sessionId, operationId, now - RECEIPT_TTL_MS);
  if (row === null) return null;
  if (row.request_hash !== requestHash) throw operationConflict();
  return { ...(JSON.parse(row.result) as SessionsGoalAnswer), replayed: true };
}

/** Remembers an answer for as long as it may be asked for again. Runs inside a transaction. */
export function keepReceipt(
  db: Database,
  { operationId, issuedAtMs, requestHash }: GoalOperation,
  result: SessionsGoalAnswer,
  now: number,
): void {
  const { sessionId } = result;
  db.query("DELETE FROM goal_receipts WHERE issued_at <= ?").run(now - RECEIPT_TTL_MS);
  const { kept } = db
    .query<{ kept: number }, [string]>("SELECT count(*) AS kept FROM goal_receipts WHERE session_id = ?")
    .get(sessionId)!;
  if (kept >= LIMITS.goalReceiptsPerSession) {
    throw new GatewayError("UNAVAILABLE", "Too many Goal operations in this session; try again tomorrow.");
  }
  db.query(
    "INSERT INTO goal_receipts (session_id, operation_id, request_hash, issued_at, result) VALUES (?, ?, ?, ?, ?)",
  ).run(sessionId, operationId, requestHash, issuedAtMs, JSON.stringify(result));
}

/** Reads receipts of their own accord; they are written with what they are about. */
export class GoalReceipts {
  constructor(private readonly store: Store) {}

  /** @throws GatewayError as {@link receiptOf} */
  find(sessionId: string, operation: GoalOperation, now: number): Promise<SessionsGoalAnswer | null> {
    return this.store.read((db) => receiptOf(db, sessionId, operation, now));
  }
}
