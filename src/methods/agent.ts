import type { AgentHandlers } from "../../generated/handlers.ts";
import type { AgentParams } from "../../generated/types.ts";
import type { CallContext } from "../gateway/context.ts";
import type { Guard } from "../gateway/dispatch.ts";
import { hasScope, missingScope } from "../platform/scopes.ts";
import { senderOf } from "./sender.ts";

export const agent: AgentHandlers<CallContext> = {
  agent: (params, { agentCalls, caller, accept }) =>
    agentCalls.run(caller.protocol < 4 ? withoutOldDefault(params) : params, senderOf(caller), accept),
  "agent.wait": (params, { agentCalls, signal }) => agentCalls.wait(params, signal),
};

/**
 * The command line of wire version 3 names WhatsApp, which every gateway had then, even where it wants nothing delivered:
 * it means no channel in particular.
 */
function withoutOldDefault(params: AgentParams): AgentParams {
  const { channel, ...rest } = params;
  return channel === "whatsapp" && params.deliver !== true ? rest : params;
}

/** Runs need write; what needs more is checked with the params (`scopeRule` in bindings.yaml). */
const mayRun: Guard = (_params, caller) => {
  if (!hasScope(caller, "operator.write")) throw missingScope("operator.write");
};

export const agentGuards = { agent: mayRun } as const;
