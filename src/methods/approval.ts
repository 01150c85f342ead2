import type { ApprovalHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const approval: ApprovalHandlers<CallContext> = {
  "approval.get": ({ id }, { approvalRecords }) => approvalRecords.get(id),
  "approval.history": (params, { approvalRecords }) => approvalRecords.history(params),
  "approval.resolve": (params, { approvalRecords, caller }) => approvalRecords.resolve(params, caller),
};
