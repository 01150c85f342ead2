import type {
  ApprovalGetResult,
  ApprovalHistoryParams,
  ApprovalHistoryResult,
  ApprovalResolveResult,
  SessionApprovalReplay,
} from "../../generated/types.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { ApprovalRepository, HistoryPlace } from "./approval-repository.ts";
import { type Approvals, allowedDecisions, nameOf, type Verdict } from "./approvals.ts";
import { notFound } from "./errors.ts";
import { pendingSnapshot, snapshot, terminalSnapshot } from "./snapshot.ts";
import type { Approval, ApprovalCaller, ApprovalDecision, ApprovalResolver } from "./types.ts";

const PARAMS: ReadonlySet<string> = new Set(["id", "kind", "decision", "reviewer", "grantExpiresInDays"]);

export interface ApprovalRecordsDeps {
  approvals: Approvals;
  repository: ApprovalRepository;
  clock: Clock;
  limits: { approvalsKeptMs: number; approvalHistoryDefault: number; approvalReplayMax: number };
}

/**
 * Approvals of every kind by their whole id, `approval.*`, for whoever holds `operator.approvals`: that scope is the
 * authority to decide (docs: gateway/protocol, Approval families; who made the request does not matter here).
 */
export class ApprovalRecords {
  constructor(private readonly deps: ApprovalRecordsDeps) {}

  async get(id: string): Promise<ApprovalGetResult> {
    const { repository, approvals, clock } = this.deps;
    let approval = await repository.find(id.trim());
    if (approval?.status === "pending" && approval.expiresAtMs <= clock.now()) {
      await approvals.expireDue();
      approval = await repository.find(approval.id);
    }
    if (approval === null) throw notFound();
    return { approval: snapshot(approval) };
  }

  /**
   * Decides, and answers with what holds: the first decision. A verdict that cannot be understood, about another kind
   * or not allowed for this request, refuses (measured on 2026.9.6).
   * @throws GatewayError for an unknown id
   */
  async resolve(params: Record<string, unknown>, caller: ApprovalCaller): Promise<ApprovalResolveResult> {
    const { id } = params;
    if (typeof id !== "string" || id.trim() === "") throw notFound();
    // Nobody is a reviewer of a chat channel: no channel says so.
    if (params.reviewer !== undefined) throw notFound();
    const outcome = await this.deps.approvals.end(id.trim(), (approval) => verdict(approval, params, caller), {
      by: nameOf(caller),
    });
    if (outcome === null) throw notFound();
    return { applied: outcome.applied, approval: terminalSnapshot(outcome.approval) };
  }

  /** What waits in a session, for a client that opens its conversation. */
  async replay(sessionKey: string): Promise<SessionApprovalReplay> {
    const { repository, clock, limits } = this.deps;
    const now = clock.now();
    const waiting = await repository.waitingIn(sessionKey, now, limits.approvalReplayMax + 1);
    const shown = waiting.slice(0, limits.approvalReplayMax);
    return {
      sessionKey,
      updatedAtMs: now,
      approvals: shown.map((approval) => ({ ...pendingSnapshot(approval), sourceSessionKey: sessionKey })),
      truncated: shown.length < waiting.length,
    };
  }

  /** Ended approvals, newest first. @throws GatewayError for a cursor that was not given out here */
  async history({ cursor, limit, kind }: ApprovalHistoryParams): Promise<ApprovalHistoryResult> {
    const { repository, clock, limits } = this.deps;
    const size = limit ?? limits.approvalHistoryDefault;
    const rows = await repository.ended({
      kind,
      after: cursor === undefined ? undefined : placeOf(cursor),
      sinceMs: clock.now() - limits.approvalsKeptMs,
      limit: size + 1,
    });
    const items = rows.slice(0, size);
    const last = items.at(-1);
    return {
      items: items.map(terminalSnapshot),
      ...(rows.length > size && last && { nextCursor: cursorOf({ resolvedAtMs: last.resolvedAtMs!, id: last.id }) }),
    };
  }
}

function verdict(approval: Approval, params: Record<string, unknown>, caller: ApprovalCaller): Verdict {
  const { kind, decision, grantExpiresInDays } = params;
  const resolver: ApprovalResolver = caller.deviceId
    ? { kind: "device", id: caller.deviceId }
    : { kind: "runtime", id: nameOf(caller) };
  const isClear =
    Object.keys(params).every((name) => PARAMS.has(name)) &&
    kind === approval.kind &&
    allowedDecisions(approval).includes(decision as ApprovalDecision) &&
    (grantExpiresInDays === undefined || isDays(grantExpiresInDays));
  if (!isClear) return { decision: "deny", reason: "malformed-verdict", resolver };
  return {
    decision: decision as ApprovalDecision,
    reason: "user",
    resolver,
    ...(grantExpiresInDays !== undefined && { grantExpiresInDays: grantExpiresInDays as number }),
  };
}

const isDays = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 3650;

const cursorOf = (place: HistoryPlace): string => Buffer.from(JSON.stringify({ v: 1, ...place })).toString("base64url");

function placeOf(cursor: string): HistoryPlace {
  try {
    const { v, resolvedAtMs, id } = JSON.parse(Buffer.from(cursor, "base64url").toString());
    const place = { resolvedAtMs, id };
    if (v === 1 && Number.isSafeInteger(resolvedAtMs) && typeof id === "string" && cursorOf(place) === cursor) {
      return place;
    }
  } catch {
    // Whatever is no cursor of ours is answered the same.
  }
  throw invalidRequest("invalid approval.history cursor");
}
