import type { Io } from "./io.ts";
import type { Options } from "./options.ts";

/** One option of a command. Without `value` it is a flag. */
export interface OptionSpec {
  /** Long name without dashes. A flag named `no-x` turns off what is on by default. */
  name: string;
  /** One letter. */
  short?: string;
  /** What the option takes, as help shows it: `<ms>`. */
  value?: string;
  /** The only values it takes. */
  choices?: readonly string[];
  summary: string;
  /** Used when the option is not given. */
  fallback?: string;
  /** Accepted for old scripts, not shown. */
  hidden?: boolean;
}

/** An example in help: what to type and what it does. */
export type Example = readonly [line: string, note: string];

/** What is known of a command before its code is loaded: all that help and parsing need. */
export interface CommandSpec {
  /** The words that pick it, for instance `gateway call`. */
  path: string;
  /** Other words for the same command. */
  aliases?: readonly string[];
  summary: string;
  /** Required arguments in order, as help shows them. */
  args?: readonly { name: string; summary: string }[];
  options: readonly OptionSpec[];
  /** Without the program's name in front. */
  examples: readonly Example[];
  /** What to know beyond the options, in whole sentences. */
  notes?: readonly string[];
  hidden?: boolean;
  /** With `--json` it prints one document a line, as things happen; a failure is such a line too. */
  jsonLines?: boolean;
  /** Loads the code. Nothing else of the command is evaluated before. */
  load(): Promise<CommandModule>;
}

export interface CommandModule {
  run(invocation: Invocation): Promise<ExitCode>;
}

/** What a command gets. */
export interface Invocation {
  /** The name the executable was called by: `chela`, or `openclaw` when it stands in for that. */
  program: string;
  command: CommandSpec;
  args: readonly string[];
  options: Options;
  io: Io;
  env: Env;
}

export type Env = Readonly<Record<string, string | undefined>>;

/** How a command ends. */
export const EXIT = {
  ok: 0,
  /** Anything that went wrong, as upstream's CLI has it. */
  failed: 1,
  /** `EX_CONFIG`: starting again without a change will not help, so supervisors should not (docs cli/gateway). */
  config: 78,
} as const;
export type ExitCode = number;
