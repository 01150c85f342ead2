import type { WebSearchStatusParams, WebSearchStatusResult } from "../../generated/types.ts";
import type { AgentCatalogue } from "../agents/catalogue.ts";
import type { ConfigPort } from "../config/types.ts";
import { dict, text } from "../models/settings.ts";
import { invalidRequest } from "../platform/errors.ts";

const NOT_THERE = "This gateway has no service that searches the web yet.";
const SWITCHED_OFF = "Web search is switched off (tools.web.search.enabled).";

/**
 * How an agent would search the web (`webSearch.status`; shape as measured at 2026.9.6): as configured, and that nothing is
 * there to do it.
 * @throws GatewayError for an unknown agent
 */
export function webSearchStatus(
  { config, agents }: { config: ConfigPort; agents: AgentCatalogue },
  { agentId }: WebSearchStatusParams,
): WebSearchStatusResult {
  const agent = agents.find(agentId ?? agents.roster.defaultId);
  if (!agent) throw invalidRequest(`unknown agent id "${agentId}"`, { code: "UNKNOWN_AGENT_ID", agentId });
  const settings = dict(dict(dict(config.current.tools).web).search);
  const enabled = settings.enabled !== false;
  const model = agents.model(agent.id);
  return {
    enabled,
    provider: text(settings.provider) ?? null,
    agentId: agent.id,
    model: model && {
      provider: model.provider,
      id: model.id,
      runtime: "openclaw",
      runtimeLabel: "Built-in agent",
    },
    providers: [],
    route: enabled
      ? { kind: "unavailable", label: "No search provider available", testable: false, reason: NOT_THERE }
      : { kind: "disabled", label: "Web search is off", testable: false, reason: SWITCHED_OFF },
  };
}
