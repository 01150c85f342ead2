import type { AgentHandlers } from "../../generated/handlers.ts";
import type { CallContext } from "../gateway/context.ts";
import { senderOf } from "./sender.ts";

export const agent: AgentHandlers<CallContext> = {
  agent: (params, { agentCalls, caller, accept }) => agentCalls.run(params, senderOf(caller), accept),
  "agent.wait": (params, { agentCalls, signal }) => agentCalls.wait(params, signal),
};
