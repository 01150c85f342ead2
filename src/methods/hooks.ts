import type { HooksHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import { hasScope } from "../platform/scopes.ts";

export const hooks: HooksHandlers<CallContext> = {
  "hooks.status": (params, { internalHooks, caller }) =>
    internalHooks.status(params, hasScope(caller, "operator.admin")),
};
