import { type CommandSpec, type Env, EXIT, type ExitCode } from "./command.ts";
import { COMMANDS, GROUPS, ROOT_OPTIONS } from "./commands.ts";
import { CliFailure } from "./failure.ts";
import type { Io } from "./io.ts";
import { type Options, parseOptions } from "./options.ts";

export interface CliSurroundings {
  /** The name the executable was called by. */
  program: string;
  io: Io;
  env: Env;
}

/**
 * Runs one command line (without the executable's own name) and says how it ended. Never throws: what goes wrong is
 * told on stderr, or as `{ok:false, error}` on stdout where `--json` asks for it.
 */
export async function runCli(words: readonly string[], surroundings: CliSurroundings): Promise<ExitCode> {
  try {
    return await dispatch(words, surroundings);
  } catch (error) {
    return report(error, words, surroundings);
  }
}

async function dispatch(words: readonly string[], { program, io, env }: CliSurroundings): Promise<ExitCode> {
  const [root, rest] = leadingOptions(words);
  // `help gateway run` is `gateway run --help`.
  if (rest[0] === "help" && rest.length > 1)
    return dispatch([...root, ...rest.slice(1), "--help"], { program, io, env });
  if (root.some((word) => word === "--version" || word === "-V" || word === "-v"))
    return runCli(["version"], { program, io, env });
  const choice = choose(rest, program);
  if (choice.kind === "program") {
    const { programHelp } = await import("./help.ts");
    io.out(programHelp(program));
    return EXIT.ok;
  }
  if (choice.kind === "overview") {
    const { groupHelp } = await import("./help.ts");
    io.out(groupHelp(program, choice.group));
    return EXIT.ok;
  }
  const { command, remaining } = choice;
  const help = `Try: ${program} ${choice.kind === "group" ? choice.group : command.path} --help`;
  const { options, args } = parsed([...root, ...remaining], command, help);
  const group = choice.kind === "group" ? choice.group : undefined;
  // The help of a command that is none would look like success to a script.
  if (group !== undefined) checkArguments(command, args, help, group);
  if (options.flag("help")) {
    const { commandHelp, groupHelp } = await import("./help.ts");
    io.out(group === undefined ? commandHelp(program, command) : groupHelp(program, group));
    return EXIT.ok;
  }
  checkArguments(command, args, help);
  const module = await command.load();
  return module.run({ program, command, args, options, io, env: withProfile(env, options) });
}

/** `--profile` and `--dev` stand for variables of the environment (docs: help/environment). */
function withProfile(env: Env, options: Options): Env {
  const profile = options.text("profile") ?? (options.flag("dev") ? "dev" : undefined);
  if (profile === undefined) return env;
  const port = options.flag("dev") ? { OPENCLAW_GATEWAY_PORT: env.OPENCLAW_GATEWAY_PORT || "19001" } : {};
  return { ...env, OPENCLAW_PROFILE: profile, ...port };
}

type Choice =
  | { kind: "program" }
  | { kind: "command"; command: CommandSpec; remaining: string[] }
  /** A group's word alone, which means none of its commands. */
  | { kind: "overview"; group: string }
  /** A group's word alone, which means one of its commands. */
  | { kind: "group"; group: string; command: CommandSpec; remaining: string[] };

/** Finds the command that the first words name. @throws CliFailure when there is none */
function choose(words: readonly string[], program: string): Choice {
  const [first, second, third] = words;
  if (first === undefined || first === "help") return { kind: "program" };
  const byPath = (path: string): CommandSpec | undefined =>
    COMMANDS.find((command) => command.path === path || command.aliases?.includes(path));
  const three = third === undefined ? undefined : byPath(`${first} ${second} ${third}`);
  if (three) return { kind: "command", command: three, remaining: words.slice(3) };
  const inner = GROUPS.find(({ path }) => path === `${first} ${second}`);
  if (inner) return groupOf(inner.path, third, program);
  const two = second === undefined ? undefined : byPath(`${first} ${second}`);
  if (two) return { kind: "command", command: two, remaining: words.slice(2) };
  const one = byPath(first);
  if (one) return { kind: "command", command: one, remaining: words.slice(1) };
  const group = GROUPS.find(({ path }) => path === first);
  const optional = group?.option === undefined ? null : writtenAsOption(words.slice(1), group.option);
  const meant = optional && byPath(`${first} ${group!.option}`);
  if (meant) return { kind: "command", command: meant, remaining: optional };
  const alone = group?.alone === undefined ? undefined : byPath(group.alone);
  if (group && alone) return { kind: "group", group: first, command: alone, remaining: words.slice(1) };
  if (group) return groupOf(first, second, program);
  const near = nearest(first);
  throw new CliFailure(`There is no command "${first}".`, {
    hints: [...(near ? [`Did you mean: ${program} ${near}`] : []), `Try: ${program} --help`],
  });
}

/** The words without the option `name`, whose value becomes an argument; null when it is not among them. */
function writtenAsOption(words: readonly string[], name: string): string[] | null {
  const at = words.findIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`));
  if (at < 0) return null;
  const value = words[at]!.includes("=") ? [words[at]!.slice(name.length + 3)] : [];
  return [...words.slice(0, at), ...value, ...words.slice(at + 1)];
}

/** A group's own word without one of its commands. @throws CliFailure when what follows is none of them */
function groupOf(group: string, next: string | undefined, program: string): Choice {
  if (next === undefined || next === "--help" || next === "-h") return { kind: "overview", group };
  throw new CliFailure(`${group} has no command "${next}".`, { hints: [`Try: ${program} ${group} --help`] });
}

function parsed(words: string[], command: CommandSpec, help: string): ReturnType<typeof parseOptions> {
  try {
    return parseOptions(words, [...command.options, ...ROOT_OPTIONS]);
  } catch (error) {
    throw error instanceof CliFailure ? new CliFailure(error.message, { hints: [help] }) : error;
  }
}

function checkArguments(command: CommandSpec, args: readonly string[], help: string, group?: string): void {
  const expected = command.args ?? [];
  const missing = expected[args.length];
  if (missing) throw new CliFailure(`${command.path} needs a ${missing.name}.`, { hints: [help] });
  const extra = args[expected.length];
  if (extra === undefined) return;
  const what =
    group === undefined ? `${command.path} takes no argument "${extra}".` : `${group} has no command "${extra}".`;
  throw new CliFailure(what, { hints: [help] });
}

/** The root options in front of the command, and what follows. */
function leadingOptions(words: readonly string[]): [string[], string[]] {
  let at = 0;
  while (at < words.length && words[at]!.startsWith("-") && words[at] !== "--") {
    const name = words[at]!.replace(/^--?/, "");
    const spec = ROOT_OPTIONS.find((option) => option.name === name || option.short === name);
    at += spec?.value === undefined ? 1 : 2;
  }
  return [words.slice(0, at), words.slice(at)];
}

/** A known first word that starts like this one, or holds the same letters but for one place. */
function nearest(word: string): string | undefined {
  const firsts = new Set(COMMANDS.filter(({ hidden }) => !hidden).map(({ path }) => path.split(" ")[0]!));
  return [...firsts].find((known) => known.startsWith(word.slice(0, 3)) || differences(known, word) <= 1);
}

const differences = (one: string, other: string): number =>
  Math.abs(one.length - other.length) +
  [...one].filter((letter, at) => at < other.length && other[at] !== letter).length;

async function report(error: unknown, words: readonly string[], { io, program }: CliSurroundings): Promise<ExitCode> {
  const { reportFailure } = await import("./report.ts");
  const command = named(words, program);
  const json = words.includes("--json") && (command?.jsonLines ? "line" : "document");
  return reportFailure(error, { io, program, json, command: command?.path });
}

/** The command that the words name, if they name one. */
function named(words: readonly string[], program: string): CommandSpec | undefined {
  try {
    const choice = choose(leadingOptions(words)[1], program);
    return "command" in choice ? choice.command : undefined;
  } catch {
    return undefined;
  }
}
