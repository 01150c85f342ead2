import type { AgentsHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";

export const agents: AgentsHandlers<CallContext> = {
  "agents.list": (_params, { agents }) => agents.describe(),
  "agent.identity.get": (params, { agents }) => agents.identity(params),
};
