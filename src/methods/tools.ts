import type { ToolsHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const tools: ToolsHandlers<CallContext> = {
  "tools.catalog": (params, { tools }) => tools.catalogue(params),
  "tools.effective": (params, { tools }) => tools.effective(params),
  "tools.github.status": (params, { tools }) => tools.github(params),
  "tools.invoke": (params, { tools }) => tools.invoke(params),
};
