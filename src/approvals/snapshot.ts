import type {
  ApprovalSnapshot,
  PendingApprovalSnapshot,
  SessionApprovalEvent,
  TerminalApprovalSnapshot,
} from "../../generated/types.ts";
import type { Approval } from "./types.ts";

/** An approval as the methods for all kinds show it. `urlPath` is where a page about it would be. */
export function snapshot(approval: Approval): ApprovalSnapshot {
  return approval.status === "pending" ? pendingSnapshot(approval) : terminalSnapshot(approval);
}

/** An approval that waits. */
export function pendingSnapshot({ id, presentation, createdAtMs, expiresAtMs }: Approval): PendingApprovalSnapshot {
  return { id, status: "pending", presentation, urlPath: urlPath(id), createdAtMs, expiresAtMs };
}

/** `session.approval`: an approval of this session waits, or has ended. Who decided is not told there. */
export function sessionEvent(approval: Approval): SessionApprovalEvent {
  const sessionKey = approval.source.sessionKey!;
  const common = {
    sessionKey,
    sourceSessionKey: sessionKey,
    updatedAtMs: approval.resolvedAtMs ?? approval.createdAtMs,
  };
  if (approval.status === "pending") return { ...common, phase: "pending", approval: pendingSnapshot(approval) };
  const { source: _source, resolver: _resolver, ...rest } = terminalSnapshot(approval);
  return { ...common, phase: "terminal", approval: rest as TerminalApprovalSnapshot };
}

/** An approval that has ended. */
export function terminalSnapshot(approval: Approval): TerminalApprovalSnapshot {
  const { id, status, presentation, createdAtMs, expiresAtMs, resolvedAtMs, reason, source, resolver } = approval;
  const decision = status === "allowed" || status === "denied" ? approval.decision : undefined;
  return {
    id,
    status,
    presentation,
    urlPath: urlPath(id),
    createdAtMs,
    expiresAtMs,
    resolvedAtMs,
    reason,
    ...(decision && { decision }),
    source,
    resolver,
    // Which fields go with which status is what `ended` in approvals.ts sees to.
  } as TerminalApprovalSnapshot;
}

const urlPath = (id: string): string => `/approve/${encodeURIComponent(id)}`;
