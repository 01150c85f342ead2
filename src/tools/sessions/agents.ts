import type { AgentCatalogue } from "../../agents/catalogue.ts";
import type { ConfigPort } from "../../config/types.ts";
import { refOf } from "../../models/references.ts";
import { dict } from "../../models/settings.ts";
import { jsonResult, type Tool } from "../types.ts";

/** Which agents an agent may give tasks to. */
export interface SpawnTargets {
  allowAny: boolean;
  /** Ids of configured agents, the agent itself first. */
  ids: string[];
}

/** `subagents.allowAgents` of the agent, else of all; without either only itself. Who is not configured is left out. */
export function spawnTargets({ current }: ConfigPort, agents: AgentCatalogue, agentId: string): SpawnTargets {
  const own = dict(agents.find(agentId)?.raw.subagents).allowAgents;
  const all = dict(dict(dict(current.agents).defaults).subagents).allowAgents;
  const listed = [own, all].find(Array.isArray) as unknown[] | undefined;
  const allowAny = listed?.includes("*") === true;
  const others = agents.roster.agents
    .map(({ id }) => id)
    .filter((id) => id !== agentId && (allowAny || listed?.includes(id)));
  return { allowAny, ids: [agentId, ...others.sort()] };
}

/** `agents_list`: the agents that `sessions_spawn` may be given. */
export function agentsListTool(config: ConfigPort, agents: AgentCatalogue): Tool {
  return {
    name: "agents_list",
    description: "Lists the agents that you may give tasks to with sessions_spawn, with name and model.",
    parameters: { type: "object", properties: {} },
    async run(_args, { agentId }) {
      const { allowAny, ids } = spawnTargets(config, agents, agentId);
      const rows = ids.map((id) => {
        const agent = agents.find(id);
        const model = agents.model(id);
        return {
          id,
          ...(agent?.name ? { name: agent.name } : {}),
          configured: agent !== undefined,
          ...(model ? { model: refOf(model) } : {}),
          agentRuntime: { id: "auto", source: "implicit" },
        };
      });
      return jsonResult({ requester: agentId, allowAny, agents: rows });
    },
  };
}
