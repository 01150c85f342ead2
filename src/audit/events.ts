import type { AuditListResult } from "../../generated/types.ts";

/** One line of the ledger, as `audit.list` shows it: who ran, when, and how it ended; nothing of what was said. */
export type AuditEvent = AuditListResult["events"][number];

/** A line that has not got its number yet. */
export type NewAuditEvent = Omit<AuditEvent, "sequence" | "eventId" | "redaction">;

/** What a bus event of the name `agent` says of a run. */
export interface AgentFrame {
  runId: string;
  stream: string;
  data: Record<string, unknown>;
  sessionKey?: string;
  agentId?: string;
  sessionId?: string;
  seq: number;
  ts: number;
}

/** How a run ended, by what its last lifecycle frame says. */
type Ending = Pick<AuditEvent, "status" | "errorCode">;

/** The line that a frame stands for: of the begin and the end of a run; null for all between. */
export function auditEvent(frame: AgentFrame): NewAuditEvent | null {
  const { runId, stream, data, sessionKey, agentId, sessionId, seq, ts } = frame;
  if (stream !== "lifecycle" || agentId === undefined) return null;
  const common = {
    sourceSequence: Math.max(1, seq),
    occurredAt: ts,
    kind: "agent_run" as const,
    actor: { type: "agent" as const, id: agentId },
    agentId,
    ...(sessionKey ? { sessionKey } : {}),
    ...(sessionId ? { sessionId } : {}),
    runId,
  };
  if (data.phase === "start") return { ...common, action: "agent.run.started", status: "started" };
  const ending = endingOf(data);
  return ending && { ...common, action: "agent.run.finished", ...ending };
}

function endingOf(data: Record<string, unknown>): Ending | null {
  const cancelled: Ending = { status: "cancelled", errorCode: "run_cancelled" };
  if (data.phase === "end") return data.aborted === true ? cancelled : { status: "succeeded" };
  if (data.phase !== "error") return null;
  if (data.aborted === true) return cancelled;
  if (data.timeoutPhase !== undefined) return { status: "timed_out", errorCode: "run_timed_out" };
  return { status: "failed", errorCode: "run_failed" };
}
