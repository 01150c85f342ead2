import type { UsageHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const usage: UsageHandlers<CallContext> = {
  "usage.status": (_params, { usage }) => usage.status(),
};
