import type { OpenclawHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const openclaw: OpenclawHandlers<CallContext> = {
  // Nobody has spoken with a setup assistant here, and none has changed anything: there is none.
  "openclaw.chat.history": () => ({ turns: [] }),
  "openclaw.changes.list": () => ({ entries: [] }),
  "openclaw.approval.list": (_params, { systemApprovals, caller }) => systemApprovals.list(caller),
};
