import type { HooksHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const hooks: HooksHandlers<CallContext> = {
  "hooks.status": (params, { internalHooks }) => internalHooks.status(params),
};
