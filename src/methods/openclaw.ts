import type { OpenclawHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const openclaw: OpenclawHandlers<CallContext> = {
  "openclaw.chat": (params, { setupAssistant, caller, signal }) =>
    setupAssistant.chat(params, caller.deviceId ?? caller.client.id, signal),
  "openclaw.chat.history": (params, { setupAssistant }) => setupAssistant.history(params),
  // The setup assistant changes nothing.
  "openclaw.changes.list": () => ({ entries: [] }),
  "openclaw.approval.list": (_params, { systemApprovals, caller }) => systemApprovals.list(caller),
};
