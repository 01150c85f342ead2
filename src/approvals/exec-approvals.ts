import type { ApprovalDecided, ExecApprovalRequestParams, ExecApprovalView } from "../../generated/types.ts";
import { invalidRequest } from "../platform/errors.ts";
import { type Approvals, allowedDecisions } from "./approvals.ts";
import { unknownApproval } from "./errors.ts";
import { type ExecRequestLimits, execDraft } from "./exec-request.ts";
import { ApprovalsOfKind, type Asking } from "./kind.ts";
import type { ApprovalCaller } from "./types.ts";

/** Approvals of single commands, `exec.approval.*`. Whoever runs commands asks here and obeys the answer. */
export class ExecApprovals extends ApprovalsOfKind {
  constructor(
    approvals: Approvals,
    private readonly limits: ExecRequestLimits,
  ) {
    super(approvals, "exec");
  }

  async request(params: ExecApprovalRequestParams, caller: ApprovalCaller, asking: Asking): Promise<ApprovalDecided> {
    return this.ask(execDraft(params, this.limits), caller, asking, params.twoPhase);
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

  protected unavailable(): Error {
    return invalidRequest("allow-always is unavailable for this command", {
      reason: "APPROVAL_ALLOW_ALWAYS_UNAVAILABLE",
    });
  }
}
