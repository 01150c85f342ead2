import type { OpenclawHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import { invalidRequest } from "../platform/errors.ts";

export const openclaw: OpenclawHandlers<CallContext> = {
  "openclaw.chat": (params, { setupAssistant, caller, signal }) =>
    setupAssistant.chat(params, caller.deviceId ?? caller.client.id, signal),
  "openclaw.chat.history": (params, { setupAssistant }) => setupAssistant.history(params),
  // The setup assistant changes nothing.
  "openclaw.changes.list": ({ beforeCursor }) => {
    // A list without entries has handed out no cursor.
    if (beforeCursor !== undefined) throw invalidRequest("invalid change-history cursor");
    return { entries: [] };
  },
  "openclaw.approval.list": (_params, { systemApprovals, caller }) => systemApprovals.list(caller),
};
