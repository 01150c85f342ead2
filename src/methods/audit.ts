import type { AuditHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const audit: AuditHandlers<CallContext> = {
  "audit.list": (params, { audit }) => audit.list(params),
  "audit.run.inspect": (params, { audit }) => audit.inspect(params),
  "audit.activity.list": (params, { audit }) => audit.activity(params),
};
