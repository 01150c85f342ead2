import type { CommandEntry, CommandsListParams, CommandsListResult } from "../../../generated/types.ts";
import { invalidRequest } from "../../platform/errors.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import { COMMANDS } from "./commands.ts";
import { describeCommand } from "./describe.ts";

/**
 * `commands.list`: the slash commands that are understood. They are the same for all agents and can be used both as
 * text and as a channel's own commands, so that no `scope` leaves one out.
 * @throws GatewayError `unknown agent id "x"`
 */
export function listCommands(
  agents: AgentCatalogue,
  { agentId, includeArgs = true }: CommandsListParams,
): CommandsListResult {
  if (agentId !== undefined && !agents.find(agentId)) throw invalidRequest(`unknown agent id "${agentId}"`);
  return {
    commands: COMMANDS.map((command): CommandEntry => {
      const { args, ...described } = describeCommand(command) as CommandEntry;
      return includeArgs && args ? { ...described, args } : described;
    }),
  };
}
