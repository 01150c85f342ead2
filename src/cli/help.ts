import type { CommandSpec, OptionSpec } from "./command.ts";
import { COMMANDS, GROUPS, ROOT_OPTIONS } from "./commands.ts";

const WIDTH = 100;

/** What `--help` says without a command. */
export function programHelp(program: string): string {
  const groups = GROUPS.filter(({ path }) => !path.includes(" ")).map(({ path, summary }) => [path, summary] as const);
  const single = COMMANDS.filter(({ path, hidden }) => !hidden && !path.includes(" "));
  const rows = [...groups, ...single.map(({ path, summary }) => [path, summary] as const)];
  return sections([
    [`${program} is an OpenClaw gateway with a defender built in, and the command line to talk to one.`],
    [`Usage: ${program} <command> [options]`],
    ["Commands:", ...columns(rows)],
    ["Options:", ...columns([["-V, --version", "Print the version"], ...optionRows(ROOT_OPTIONS)])],
    [
      "Examples:",
      ...exampleLines(
        program,
        COMMANDS.filter(({ hidden }) => !hidden)
          .slice(0, 3)
          .map(({ examples }) => examples[0]!),
      ),
    ],
    [`${program} <command> --help tells more.`],
  ]);
}

/** What `--help` says of a word that several commands share. */
export function groupHelp(program: string, path: string): string {
  const group = GROUPS.find((candidate) => candidate.path === path)!;
  const members = COMMANDS.filter((command) => !command.hidden && command.path.startsWith(`${path} `));
  const rows = members.map((command) => [command.path.slice(path.length + 1), command.summary] as const);
  const alone = COMMANDS.find((command) => command.path === group.alone);
  return sections([
    [`Usage: ${program} ${path} [command] [options]`],
    [group.summary],
    ["Commands:", ...columns(rows)],
    alone ? [`Options of ${alone.path}, which "${program} ${path}" means alone:`, ...commandOptions(alone)] : [],
    [
      "Examples:",
      ...exampleLines(
        program,
        members.map(({ examples }) => examples[0]!),
      ),
    ],
  ]);
}

/** What `--help` says of one command. */
export function commandHelp(program: string, command: CommandSpec): string {
  const args = (command.args ?? []).map(({ name }) => ` <${name}>`).join("");
  const argRows = (command.args ?? []).map(({ name, summary }) => [name, summary] as const);
  return sections([
    [`Usage: ${program} ${command.path}${args} [options]`],
    [command.summary],
    argRows.length > 0 ? ["Arguments:", ...columns(argRows)] : [],
    ["Options:", ...commandOptions(command)],
    ["Examples:", ...exampleLines(program, command.examples)],
    [...(command.notes ?? [])],
  ]);
}

const commandOptions = (command: CommandSpec): string[] => columns(optionRows([...command.options, ...ROOT_OPTIONS]));

function optionRows(options: readonly OptionSpec[]): (readonly [string, string])[] {
  return options
    .filter(({ hidden }) => !hidden)
    .map(({ name, short, value, choices, summary, fallback }) => {
      const left = `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;
      const about = [choices?.join(" | "), fallback !== undefined && `default ${fallback}`].filter(Boolean);
      return [left, about.length > 0 ? `${summary} (${about.join("; ")})` : summary] as const;
    });
}

function exampleLines(program: string, examples: readonly (readonly [string, string])[]): string[] {
  return examples.flatMap(([line, note]) => [`  ${program} ${line}`, `    ${note}`]);
}

/** Two columns, the right one wrapped under itself. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, text]) =>
    wrap(text, WIDTH - left).map((line, index) => (index === 0 ? `  ${name}` : "").padEnd(left) + line),
  );
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}

const sections = (parts: readonly (readonly string[])[]): string =>
  parts
    .filter((part) => part.length > 0)
    .map((part) => part.join("\n"))
    .join("\n\n");
