import type { LogsHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const logs: LogsHandlers<CallContext> = {
  "logs.tail": (params, { logs }) => logs.read(params),
};
