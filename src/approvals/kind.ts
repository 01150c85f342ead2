import type { ApprovalAccepted, ApprovalDecided, ApprovalRequestRecord } from "../../generated/types.ts";
import { type Approvals, checkDecision } from "./approvals.ts";
import { unknownApproval } from "./errors.ts";
import { accepted, decided, record } from "./shape.ts";
import type { Approval, ApprovalCaller, ApprovalDraft, ApprovalKind } from "./types.ts";

/** The answers of a two-phase request, and when to stop waiting for the second. */
export interface Asking {
  accept(answer: ApprovalAccepted): void;
  signal: AbortSignal;
}

/** What `exec.approval.resolve` and its kin are given. */
export interface ResolveParams {
  id: string;
  decision: string;
  /** Who decides in a chat channel, where the caller is only the messenger. */
  reviewer?: unknown;
  grantExpiresInDays?: number;
}

/** What the methods of one kind of approval share: to ask, list, wait and decide. */
export abstract class ApprovalsOfKind {
  constructor(
    protected readonly approvals: Approvals,
    private readonly kind: ApprovalKind,
  ) {}

  /** What to say of a decision that this request does not allow. */
  protected abstract unavailable(approval: Approval): Error;

  /** Asks, and answers with the decision: null when nobody decided. A caller that leaves does not take it back. */
  protected async ask(
    draft: ApprovalDraft,
    caller: ApprovalCaller,
    { accept, signal }: Asking,
    twoPhase = false,
  ): Promise<ApprovalDecided> {
    const { connId, deviceId } = caller;
    const { approval, route } = await this.approvals.open(draft, { connId, ...(deviceId && { deviceId }) });
    if (approval.status !== "pending") return decided(approval);
    if (twoPhase) accept(accepted(approval, route));
    return decided((await this.approvals.settled(approval.id, signal)) ?? approval);
  }

  async list(caller: ApprovalCaller): Promise<ApprovalRequestRecord[]> {
    return (await this.approvals.list(this.kind, caller)).map(record);
  }

  /** Waits for the end, which may have come already. `terminalReason` says why there is no decision. */
  async wait(id: string, caller: ApprovalCaller, signal: AbortSignal): Promise<ApprovalDecided> {
    const approval = await this.approvals.wait(this.kind, id, caller, signal);
    return { ...decided(approval), ...(approval.reason && { terminalReason: approval.reason }) };
  }

  /** @throws GatewayError when there is nothing to decide, or it has ended otherwise */
  async resolve(params: ResolveParams, caller: ApprovalCaller): Promise<{ ok: true }> {
    const { id, decision, reviewer, grantExpiresInDays } = params;
    checkDecision(decision);
    // Nobody is a reviewer of a chat channel: no channel says so.
    if (reviewer !== undefined) throw unknownApproval();
    await this.approvals.decide(this.kind, id, {
      decision,
      caller,
      grantExpiresInDays,
      unavailable: (approval) => this.unavailable(approval),
    });
    return { ok: true };
  }
}
