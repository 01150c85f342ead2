import type { McpHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import { withoutPage, withoutView } from "../tools/mcp/apps.ts";

export const mcp: McpHandlers<CallContext> = {
  "mcp.app.view": (params) => withoutPage(params),
  "mcp.app.listTools": (params) => withoutView(params),
  "mcp.app.listResources": (params) => withoutView(params),
  "mcp.app.listResourceTemplates": (params) => withoutView(params),
  "mcp.app.readResource": (params) => withoutView(params, "uri"),
  "mcp.app.callTool": (params) => withoutView(params, "toolName"),
  "mcp.app.updateModelContext": (params) => withoutView(params),
};
