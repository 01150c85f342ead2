import type {
  ApprovalAccepted,
  ApprovalDecided,
  ApprovalRequestRecord,
  ExecApprovalRequestParams,
  ExecApprovalResolveParams,
  ExecApprovalView,
} from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { type Approvals, allowedDecisions } from "./approvals.ts";
import { unknownApproval } from "./errors.ts";
import { type ExecRequestLimits, execDraft } from "./exec-request.ts";
import { accepted, decided, record } from "./shape.ts";
import type { ApprovalCaller } from "./types.ts";

/** The answers of a two-phase request, and when to stop waiting for the second. */
export interface Asking {
  accept(answer: ApprovalAccepted): void;
  signal: AbortSignal;
}

/** Approvals of single commands, `exec.approval.*`. Whoever runs commands asks here and obeys the answer. */
export class ExecApprovals {
  constructor(
    private readonly approvals: Approvals,
    private readonly limits: ExecRequestLimits,
  ) {}

  /** Asks, and answers with the decision: null when nobody decided. A caller that leaves does not take it back. */
  async request(params: ExecApprovalRequestParams, caller: ApprovalCaller, asking: Asking): Promise<ApprovalDecided> {
    const draft = execDraft(params, this.limits);
    const { connId, deviceId } = caller;
    const { approval, route } = await this.approvals.open(draft, { connId, ...(deviceId && { deviceId }) });
    if (approval.status !== "pending") return decided(approval);
    if (params.twoPhase) asking.accept(accepted(approval, route));
    return decided((await this.approvals.settled(approval.id, asking.signal)) ?? approval);
  }

  async list(caller: ApprovalCaller): Promise<ApprovalRequestRecord[]> {
    return (await this.approvals.list("exec", caller)).map(record);
  }

  /** @throws GatewayError unless it waits for a decision */
  async get(id: string, caller: ApprovalCaller): Promise<ExecApprovalView> {
    const approval = await this.approvals.lookUp("exec", id, caller);
    if (approval.status !== "pending" || approval.presentation.kind !== "exec") throw unknownApproval();
    const { commandText, commandPreview, host, nodeId, agentId } = approval.presentation;
    return {
      id: approval.id,
      commandText,
      commandPreview: commandPreview ?? null,
      allowedDecisions: [...allowedDecisions(approval)],
      host: host ?? null,
      nodeId: nodeId ?? null,
      agentId: agentId ?? null,
      expiresAtMs: approval.expiresAtMs,
    };
  }

  /** Waits for the end, which may have come already. `terminalReason` says why there is no decision. */
  async wait(id: string, caller: ApprovalCaller, signal: AbortSignal): Promise<ApprovalDecided> {
    const approval = await this.approvals.wait("exec", id, caller, signal);
    return { ...decided(approval), ...(approval.reason && { terminalReason: approval.reason }) };
  }

  /** @throws GatewayError when there is nothing to decide, or it has ended otherwise */
  async resolve({ id, decision, reviewer }: ExecApprovalResolveParams, caller: ApprovalCaller): Promise<{ ok: true }> {
    // Nobody is a reviewer of a chat channel: no channel says so.
    if (reviewer !== undefined) throw unknownApproval();
    await this.approvals.decide("exec", id, decision, caller, () =>
      invalidRequest("allow-always is unavailable for this command", { reason: "APPROVAL_ALLOW_ALWAYS_UNAVAILABLE" }),
    );
    return { ok: true };
  }
}
