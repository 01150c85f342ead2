import type { ToolsHandlers } from "../../generated/handlers.ts";
import type { CallContext, Caller } from "../gateway/context.ts";
import { hasScope } from "../platform/scopes.ts";
import { webSearchStatus, webSearchTest } from "../tools/web/search/status.ts";

export const tools: ToolsHandlers<CallContext> = {
  "tools.catalog": (params, { tools }) => tools.catalogue(params),
  "tools.effective": (params, { tools, caller }) => tools.effective(params, { isOwner: isOwner(caller) }),
  "webSearch.status": (params, context) => webSearchStatus(context, params),
  "webSearch.test": (params, context) => webSearchTest(context, params, context.signal),
  "tools.github.status": (params, { tools }) => tools.github(params),
  "tools.invoke": (params, { toolInvoker, caller, signal }) =>
    toolInvoker.answer(params, { isOwner: isOwner(caller), signal }),
};

const isOwner = (caller: Caller): boolean => hasScope(caller, "operator.admin");
