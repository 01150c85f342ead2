import type { ExecHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const exec: ExecHandlers<CallContext> = {
  "exec.approval.request": (params, { execApprovals, caller, accept, signal }) =>
    execApprovals.request(params, caller, { accept, signal }),
  "exec.approval.list": (_params, { execApprovals, caller }) => execApprovals.list(caller),
  "exec.approval.get": ({ id }, { execApprovals, caller }) => execApprovals.get(id, caller),
  "exec.approval.waitDecision": ({ id }, { execApprovals, caller, signal }) => execApprovals.wait(id, caller, signal),
  "exec.approval.resolve": (params, { execApprovals, caller }) => execApprovals.resolve(params, caller),
  "exec.approval.grants.list": (params, { approvalGrants }) => approvalGrants.list(params),
  "exec.approval.grants.revoke": ({ grantId }, { approvalGrants, caller }) => approvalGrants.revoke(grantId, caller),
  "exec.approvals.get": (_params, { execPolicy }) => execPolicy.get(),
  "exec.approvals.node.get": (params, { execPolicyRelay }) => execPolicyRelay.get(params),
  "exec.approvals.node.set": (params, { execPolicyRelay }) => execPolicyRelay.set(params),
  "exec.approvals.set": (params, { execPolicy }) => execPolicy.set(params),
};
