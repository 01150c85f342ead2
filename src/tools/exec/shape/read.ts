import { resolve } from "node:path";
import type { Command, CommandNode, ParsedScript, PipelineNode, Redirection, Statement } from "unbash";
import { readWord, Unreadable, type Word } from "./words.ts";

/** A text for a shell; one that stands as a word in another text knows where. */
export interface Source {
  text: string;
  within?: { source: Source; at: readonly [start: number, end: number] };
}

/** One program call of a text, with everything that could change what it does. */
export interface SimpleCommand {
  /** The program and its arguments; at least one word. */
  words: Word[];
  /** Variables that are set for it alone. */
  variables: { name: string; value: Word }[];
  /** The folder it runs in, or null when that depends on how other commands end. */
  cwd: string | null;
  /** Where its words stand. */
  source: Source;
}

/** Beyond this nobody could look through it either. */
const MAX_DEPTH = 8;
const MAX_COMMANDS = 200;

/**
 * Control characters but tab and line end, a line that goes on in the next, and a `#` right behind something closed,
 * which begins no comment: readers see something else than shells.
 */
const HIDING = /[^\P{Cc}\t\n]|\\\n|[)}\]`'"]#/u;

type Parse = (text: string) => ParsedScript;

/**
 * All program calls of a shell text, in lists, pipes, groups and substitutions. Whatever is not fully understood makes
 * the whole text unreadable (KNOWN_ATTACKS 78).
 * @throws Unreadable
 */
export function readCommands(source: Source, cwd: string | null, parse: Parse): SimpleCommand[] {
  if (HIDING.test(source.text)) throw new Unreadable("hidden characters or a line that goes on in the next");
  const reader = new Reader(cwd, source);
  reader.script(parse(source.text), 0);
  if (reader.commands.length === 0) throw new Unreadable("no command");
  return reader.commands;
}

class Reader {
  readonly commands: SimpleCommand[] = [];
  /** A change of folder has been read on whose success the rest of its list depends. */
  private hasMoved = false;

  constructor(
    private cwd: string | null,
    private readonly source: Source,
  ) {}

  script({ commands, errors, source }: ParsedScript, depth: number): void {
    if (errors !== undefined && errors.length > 0) throw new Unreadable(`a syntax error: ${errors[0]!.message}`);
    if (source !== undefined) throw new Unreadable("backticks within backticks");
    this.statements(commands, depth);
  }

  private statements(statements: readonly Statement[], depth: number): void {
    if (depth > MAX_DEPTH) throw new Unreadable("too many levels");
    for (const { command, background } of statements) {
      if (background === true) this.apart(() => this.list(command, depth));
      else this.list(command, depth);
    }
  }

  private list(node: Statement["command"], depth: number): void {
    if (node.type !== "AndOr") {
      this.pipeline(node, depth, false);
      return;
    }
    const isAllAnd = node.operators.every((operator) => operator === "&&");
    for (const [at, command] of node.commands.entries()) {
      this.pipeline(command, depth, isAllAnd && at < node.commands.length - 1);
    }
    // Where a list ends that changes folders depends on how far it got.
    if (this.hasMoved) this.cwd = null;
    this.hasMoved = false;
  }

  private pipeline(node: PipelineNode, depth: number, mayMove: boolean): void {
    if (node.type !== "Pipeline") this.command(node, depth, mayMove);
    else if (node.commands.length === 1) this.command(node.commands[0]!, depth, false);
    else for (const command of node.commands) this.apart(() => this.command(command, depth, false));
  }

  private command(node: CommandNode, depth: number, mayMove: boolean): void {
    if (node.type === "Command") this.simple(node, depth, mayMove);
    else if (node.type === "Subshell") this.apart(() => this.statements(node.body.commands, depth + 1));
    else if (node.type === "BraceGroup") this.statements(node.body.commands, depth + 1);
    else throw new Unreadable(`a construct that is not looked into (${node.type})`);
  }

  private simple({ name, prefix, suffix, redirects }: Command, depth: number, mayMove: boolean): void {
    if (this.commands.length >= MAX_COMMANDS) throw new Unreadable("too many commands");
    const nested = (script: ParsedScript | undefined): void => {
      if (script === undefined) throw new Unreadable("a substitution that cannot be read");
      this.apart(() => this.script(script, depth + 1));
    };
    const words: Word[] = [];
    if (name !== undefined) words.push(readWord(name, nested));
    const variables: SimpleCommand["variables"] = [];
    for (const item of prefix) {
      if (item.type !== "Assignment") continue;
      if (item.value.type !== "Word" || item.index !== undefined || item.append) {
        throw new Unreadable("an array or a variable that grows");
      }
      variables.push({ name: item.name, value: readWord(item.value, nested) });
    }
    for (const item of suffix) {
      if (item.type === "Word") words.push(readWord(item, nested));
      else if (item.type === "Assignment") throw new Unreadable("an assignment behind a command");
    }
    for (const redirect of redirects) requireHarmless(redirect);
    if (words.length === 0) throw new Unreadable("variables are set for the commands that follow");
    if (!words[0]!.isLiteral) throw new Unreadable("which program runs is only known when it does");
    if (words[0]!.value === "cd") this.move(words, variables.length > 0 || redirects.length > 0, mayMove);
    else this.commands.push({ words, variables, cwd: this.cwd, source: this.source });
  }

  /** `cd FOLDER && …`: what follows in the list runs there or not at all. */
  private move([, folder, ...others]: Word[], hasMore: boolean, mayMove: boolean): void {
    const isPlain = folder?.isLiteral && others.length === 0 && !folder.value.startsWith("-") && folder.value !== "";
    if (!isPlain || hasMore || !mayMove) throw new Unreadable("a change of folder whose success nothing depends on");
    this.cwd = this.cwd === null ? null : resolve(this.cwd, folder.value);
    this.hasMoved = true;
  }

  /** Reads something that has a process of its own: it moves nobody else to another folder. */
  private apart(read: () => void): void {
    const { cwd, hasMoved } = this;
    this.hasMoved = false;
    read();
    this.cwd = cwd;
    this.hasMoved = hasMoved;
  }
}

/** Only what goes nowhere, or where another output goes, is let pass; files are read and written by programs. */
function requireHarmless(redirect: Redirection): void {
  if (
    redirect.type === "Redirect" &&
    redirect.target !== undefined &&
    redirect.descriptor?.type !== "FileDescriptorVariable"
  ) {
    const { operator, target } = redirect;
    const isNowhere = target.text === "/dev/null";
    const isCopy = (operator === ">&" || operator === "<&") && /^[0-9]$/.test(target.text);
    if (isNowhere || isCopy) return;
  }
  throw new Unreadable("input or output goes to a file");
}
