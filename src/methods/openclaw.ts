import type { OpenclawHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const openclaw: OpenclawHandlers<CallContext> = {
  "openclaw.approval.list": (_params, { systemApprovals, caller }) => systemApprovals.list(caller),
};
