import type { CommandsListParams, CommandsListResult } from "../../../generated/types.ts";
import { sessionAsked } from "../../sessions/read.ts";
import type { SessionsPort } from "../../sessions/types.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import type { Commands } from "./commands.ts";
import { describeCommand } from "./describe.ts";

/**
 * `commands.list`: the slash commands that are understood, those of the agent's skills among them. All can be used both as
 * text and as a channel's own commands, so that no `scope` leaves one out.
 * @throws GatewayError `unknown agent id "x"`, `Session not found.`
 */
export async function listCommands(
  commands: Commands,
  agents: AgentCatalogue,
  sessions: Pick<SessionsPort, "find" | "lookupKey">,
  { agentId: named, sessionKey, provider, includeArgs = true }: CommandsListParams,
): Promise<CommandsListResult> {
  const session = await sessionAsked(sessions, sessionKey);
  const all = await commands.of(agents.asked(named?.trim() || session?.agentId).id);
  return {
    commands: all.map((command) => {
      const { args, ...described } = describeCommand(command);
      // What a channel offers has no parts of an app's window.
      if (provider !== undefined) delete described.clientPresentation;
      return includeArgs && args ? { ...described, args } : described;
    }),
  };
}
