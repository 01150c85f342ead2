import { GOAL_COMMANDS } from "./goal.ts";
import { helpCommands } from "./help.ts";
import { MODEL_COMMANDS } from "./model.ts";
import { SESSION_COMMANDS } from "./session.ts";
import { STATUS_COMMANDS } from "./status.ts";
import type { Command, CommandCall, CommandDeps, CommandReply } from "./types.ts";

/** All slash commands that the gateway answers itself. */
export const COMMANDS: readonly Command[] = [
  ...SESSION_COMMANDS,
  ...GOAL_COMMANDS,
  ...MODEL_COMMANDS,
  ...STATUS_COMMANDS,
  ...helpCommands(() => COMMANDS),
];

const BY_WORD = new Map(
  COMMANDS.flatMap((command) => [command.name, ...(command.aliases ?? [])].map((word) => [word, command] as const)),
);

/** A message that is a command. */
export interface ParsedCommand {
  command: Command;
  args: string;
}

/** The command a message is, `/name args` or `/name: args` in any case; null for every other text. */
export function parseCommand(message: string): ParsedCommand | null {
  const match = /^\/([a-z][a-z0-9_-]*)(?::\s*|\s+|$)([\s\S]*)$/i.exec(message.trim());
  const command = match && BY_WORD.get(match[1]!.toLowerCase());
  if (!command) return null;
  const args = match[2]!.trim();
  return command.alone && args !== "" ? null : { command, args };
}

/** True for messages that mean `/stop`: the command alone, or the bare word. */
export const isStop = (message: string): boolean => /^\/?stop$/i.test(message.trim());

/** Runs a command for its sender, who must hold the scope of what the command stands for (KNOWN_ATTACKS 25). */
export async function runCommand(
  { command }: ParsedCommand,
  call: CommandCall,
  deps: CommandDeps,
): Promise<CommandReply> {
  if (!call.sender.may(command.scope)) {
    return { text: `⚠️ /${command.name} needs the scope ${command.scope}, which this connection does not have.` };
  }
  return command.run(call, deps);
}
