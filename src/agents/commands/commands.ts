import { CONTEXT_COMMANDS } from "./context.ts";
import { GOAL_COMMANDS } from "./goal.ts";
import { helpCommands } from "./help.ts";
import { MODEL_COMMANDS } from "./model.ts";
import { OPTION_COMMANDS } from "./options.ts";
import { QUEUE_COMMANDS } from "./queue.ts";
import { SESSION_COMMANDS } from "./session.ts";
import { STATUS_COMMANDS } from "./status.ts";
import type { Command, CommandCall, CommandDeps, CommandReply, CommandScope } from "./types.ts";

/** A message that is a command. */
export interface ParsedCommand {
  command: Command;
  args: string;
}

/** The commands of an agent's skills, read anew for each answer. */
export type SkillCommandSource = (agentId: string) => Promise<readonly Command[]>;

/** The slash commands that the gateway answers itself: its own, those of rooms that are built later, those of skills. */
export class Commands {
  private readonly core: Command[] = [
    ...helpCommands(() => this.core),
    ...STATUS_COMMANDS,
    ...GOAL_COMMANDS,
    ...CONTEXT_COMMANDS,
    ...SESSION_COMMANDS,
    ...MODEL_COMMANDS,
    ...OPTION_COMMANDS,
    ...QUEUE_COMMANDS,
  ];
  private byWord = wordsOf(this.core);
  private skills: SkillCommandSource = async () => [];

  /** Takes the commands of a room. */
  add(commands: readonly Command[]): void {
    this.core.push(...commands);
    this.byWord = wordsOf(this.core);
  }

  /** Names where the commands of skills come from. */
  useSkills(source: SkillCommandSource): void {
    this.skills = source;
  }

  /** All but those of skills. */
  own(): readonly Command[] {
    return this.core;
  }

  /** All that an agent's composer offers. A skill called like another command has none of its own. */
  async of(agentId: string): Promise<Command[]> {
    const skills = await this.skills(agentId);
    return [...this.core, ...skills.filter(({ name }) => !this.byWord.has(name))];
  }

  /** The command a message is, `/name args` or `/name: args` in any case, skills aside; null for every other text. */
  parse(message: string): ParsedCommand | null {
    const { word, args } = split(message);
    const command = this.byWord.get(word);
    return command === undefined || (command.alone && args !== "") ? null : { command, args };
  }

  /** As {@link parse}, with the commands of the agent's skills. */
  async find(message: string, agentId: string): Promise<ParsedCommand | null> {
    const { word, args } = split(message);
    if (word === "" || this.byWord.has(word)) return this.parse(message);
    const command = (await this.skills(agentId)).find(({ name }) => name === word);
    return command === undefined ? null : { command, args };
  }
}

const wordsOf = (commands: readonly Command[]): Map<string, Command> =>
  new Map(
    commands.flatMap((command) => [command.name, ...(command.aliases ?? [])].map((word) => [word, command] as const)),
  );

function split(message: string): { word: string; args: string } {
  const [, word = "", args = ""] = /^\/([a-z][a-z0-9_-]*)(?::\s*|\s+|$)([\s\S]*)$/i.exec(message.trim()) ?? [];
  return { word: word.toLowerCase(), args: args.trim() };
}

/** True for messages that mean `/stop`: the command alone, or the bare word. */
export const isStop = (message: string): boolean => /^\/?stop$/i.test(message.trim());

/** The scope that a use of a command needs. */
export const scopeOf = ({ command, args }: ParsedCommand): CommandScope =>
  typeof command.scope === "string" ? command.scope : command.scope(args);

/** Runs a command for its sender, who must hold the scope of what the command stands for (KNOWN_ATTACKS 25). */
export async function runCommand(parsed: ParsedCommand, call: CommandCall, deps: CommandDeps): Promise<CommandReply> {
  const scope = scopeOf(parsed);
  if (!call.sender.may(scope)) {
    return { text: `⚠️ /${parsed.command.name} needs the scope ${scope}, which this connection does not have.` };
  }
  return parsed.command.run(call, deps);
}
