import type { CommandsListParams, CommandsListResult } from "../../../generated/types.ts";
import { invalidRequest } from "../../platform/errors.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import type { Commands } from "./commands.ts";
import { describeCommand } from "./describe.ts";

/**
 * `commands.list`: the slash commands that are understood, those of the agent's skills among them. All can be used both as
 * text and as a channel's own commands, so that no `scope` leaves one out.
 * @throws GatewayError `unknown agent id "x"`
 */
export async function listCommands(
  commands: Commands,
  agents: AgentCatalogue,
  { agentId = agents.roster.defaultId, includeArgs = true }: CommandsListParams,
): Promise<CommandsListResult> {
  if (!agents.find(agentId)) throw invalidRequest(`unknown agent id "${agentId}"`);
  const all = await commands.of(agentId);
  return {
    commands: all.map((command) => {
      const { args, ...described } = describeCommand(command);
      return includeArgs && args ? { ...described, args } : described;
    }),
  };
}
