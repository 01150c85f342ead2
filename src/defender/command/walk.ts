import type {
  Command,
  CommandArgument,
  CommandNode,
  CompoundList,
  ParsedScript,
  Word as ParsedWord,
  Redirection,
  Statement,
  SyntaxNode,
  WordPart,
} from "unbash";
import { unwrapped } from "./unwrap.ts";

/** A word of a command, as far as it is known before the command runs. */
export interface Word {
  /** What the program gets; for what only the shell knows, the text as it stands. */
  value: string;
  isLiteral: boolean;
}

export interface Redirect {
  /** `>`, `>>`, `<`, `>&`, … */
  operator: string;
  target: string;
}

/** One program call, wherever in the text it stands, without the wrappers before it. */
export interface Call {
  /** Without its folder: `rm` of `/bin/rm` and `\rm`. Empty when only variables are set. */
  name: string;
  /** As written. */
  program: string;
  args: Word[];
  /** `sudo`, `env`, `nohup`, `xargs`, … that stood before it, the outermost first. */
  wrappers: string[];
  variables: { name: string; value: string }[];
  redirects: Redirect[];
  /** What a here-document or a here-string gives it to read. */
  input: string | undefined;
  /** The calls of its pipe before and behind it. */
  before: readonly Call[];
  after: readonly Call[];
  /** It runs in `$(…)`, backticks or `<(…)`. */
  isSubstituted: boolean;
  /** What it is given continues with words that come from elsewhere (`xargs`, `find -exec`). */
  isOpenEnded: boolean;
}

/** What there is to judge of a shell text. */
export interface Walk {
  calls: Call[];
  /** Texts that are run as code but are known only when they run, such as `eval "$x"`. */
  unknownCode: number;
  /** What could not be read. */
  errors: number;
}

export type Parse = (text: string) => ParsedScript;

/** Texts within texts, and calls of one text, that are looked into. */
const MAX_DEPTH = 8;
const MAX_CALLS = 2000;

/**
 * All program calls of a shell text: in lists, pipes, loops, functions and substitutions, and those that a wrapper, a
 * shell's `-c` or a here-document runs. Never throws; what cannot be read is counted.
 */
export function walk(text: string, parse: Parse, checkTime: () => void): Walk {
  const walker = new Walker(parse, checkTime);
  walker.text(text, { depth: 0, isSubstituted: false });
  return walker.found;
}

interface Place {
  depth: number;
  isSubstituted: boolean;
  wrappers?: readonly string[];
}

class Walker {
  readonly found: Walk = { calls: [], unknownCode: 0, errors: 0 };
  /** Values of variables that the text itself sets to something known. */
  private readonly known = new Map<string, string>();

  constructor(
    private readonly parse: Parse,
    private readonly checkTime: () => void,
  ) {}

  /** A text that a shell runs. */
  text(text: string, place: Place): void {
    if (place.depth > MAX_DEPTH) {
      this.found.errors++;
      return;
    }
    this.checkTime();
    let script: ParsedScript;
    try {
      script = this.parse(text);
    } catch {
      this.found.errors++;
      return;
    }
    if (script.errors !== undefined && script.errors.length > 0) this.found.errors++;
    this.statements(script.commands, place);
  }

  private statements(statements: readonly Statement[], place: Place): void {
    for (const { command } of statements) {
      const parts = command.type === "AndOr" ? command.commands : [command];
      for (const part of parts) this.pipe(part.type === "Pipeline" ? part.commands : [part], place);
    }
  }

  private pipe(nodes: readonly CommandNode[], place: Place): void {
    const stages = nodes.map((node) => {
      const from = this.found.calls.length;
      this.command(node, place);
      return this.found.calls.slice(from).filter(({ isSubstituted }) => isSubstituted === place.isSubstituted);
    });
    if (stages.length < 2) return;
    for (const [at, stage] of stages.entries()) {
      const [before, after] = [stages.slice(0, at).flat(), stages.slice(at + 1).flat()];
      for (const call of stage) {
        call.before = [...before, ...call.before];
        call.after = [...call.after, ...after];
      }
      for (const call of stage) if (at > 0) this.inputOf(call, place);
    }
  }

  private command(node: CommandNode | CompoundList, place: Place, redirects: readonly Redirection[] = []): void {
    if (this.found.calls.length > MAX_CALLS) return;
    switch (node.type) {
      case "Command":
        this.simple(node, place, redirects);
        return;
      case "Redirected":
        this.command(node.command, place, [...redirects, ...node.redirects]);
        return;
      case "CompoundList":
        this.statements(node.commands, place);
        return;
      default:
        this.inside(node, place);
    }
  }

  /** Whatever commands and words stand in a construct: bodies, conditions, lists of a loop. */
  private inside(node: SyntaxNode, place: Place): void {
    for (const child of childrenOf(node)) {
      if (child.type === "Statement") this.statements([child], place);
      else if (child.type === "CompoundList") this.statements(child.commands, place);
      else if (child.type === "Word") this.word(child, place);
      else if (child.type === "Command" || child.type === "Redirected") this.command(child, place);
      else this.inside(child, place);
    }
  }

  private simple({ name, prefix, args, redirects }: Command, place: Place, outer: readonly Redirection[]): void {
    const words = [...(name === undefined ? [] : [name]), ...args].map((arg) => this.argument(arg, place));
    const variables = prefix.flatMap((item) => {
      if (item.type !== "Assignment" || item.value.type !== "Word") return [];
      const { value, isLiteral } = this.word(item.value, place);
      if (words.length === 0 && isLiteral) this.known.set(item.name, value);
      return [{ name: item.name, value }];
    });
    const all = [...redirects, ...outer];
    const input = all.map((each) => this.inputText(each, place)).findLast((each) => each !== undefined);
    this.call(words, {
      variables,
      redirects: all.flatMap((each) =>
        each.type === "Redirect" && each.target
          ? [{ operator: each.operator, target: this.word(each.target, place).value }]
          : [],
      ),
      input,
      place,
    });
  }

  private inputText(redirect: Redirection, place: Place): string | undefined {
    if (redirect.type === "HereDoc") return redirect.body.text;
    return redirect.type === "HereString" && redirect.target ? this.word(redirect.target, place).value : undefined;
  }

  /** One call and what its wrappers run. */
  private call(
    words: Word[],
    facts: { variables: Call["variables"]; redirects: Redirect[]; input: string | undefined; place: Place },
  ): void {
    const { place, ...rest } = facts;
    const plain = unwrapped(words);
    const program = plain.words[0]?.value ?? "";
    const call: Call = {
      ...rest,
      name: program.replace(/^.*\//, ""),
      program,
      args: plain.words.slice(1),
      wrappers: [...(place.wrappers ?? []), ...plain.wrappers],
      variables: [...rest.variables, ...plain.variables],
      before: [],
      after: [],
      isSubstituted: place.isSubstituted,
      isOpenEnded: plain.isOpenEnded,
    };
    this.found.calls.push(call);
    if (plain.words.length > 0 && !plain.words[0]!.isLiteral) this.found.unknownCode++;
    const deeper = { ...place, depth: place.depth + 1, wrappers: call.wrappers };
    for (const code of plain.code) {
      if (code.isLiteral) this.text(code.value, deeper);
      else {
        this.found.unknownCode++;
        this.text(code.value, deeper);
      }
    }
    for (const inner of plain.commands) {
      this.call(inner, { variables: [], redirects: [], input: undefined, place: deeper });
    }
    this.inputOf(call, place);
  }

  /** A shell that reads its commands from a here-document, or from a pipe whose text is known. */
  private inputOf(call: Call, place: Place): void {
    if (!isShellReadingInput(call)) return;
    const text = call.input ?? saidBy(call.before);
    if (text !== undefined) this.text(text, { ...place, depth: place.depth + 1, wrappers: call.wrappers });
  }

  /** A word, or the assignment that `export` and its like take. */
  private argument(arg: CommandArgument, place: Place): Word {
    if (arg.type === "Word") return this.word(arg, place);
    if (arg.value.type !== "Word") return { value: arg.text, isLiteral: false };
    const { value, isLiteral } = this.word(arg.value, place);
    if (isLiteral) this.known.set(arg.name, value);
    return { value: `${arg.name}=${value}`, isLiteral };
  }

  private word(word: ParsedWord, place: Place): Word {
    let isLiteral = true;
    let value = "";
    const parts = word.parts ?? [];
    if (parts.length === 0) return { value: word.value, isLiteral: true };
    for (const part of parts) {
      const read = this.part(part, place);
      value += read ?? part.text;
      if (read === undefined) isLiteral = false;
    }
    return { value, isLiteral };
  }

  /** The value of a part of a word, or undefined when only the shell knows it. */
  private part(part: WordPart, place: Place): string | undefined {
    switch (part.type) {
      case "Literal":
      case "SingleQuoted":
      case "AnsiCQuoted":
        return part.value;
      case "DoubleQuoted":
      case "LocaleString": {
        const inner = part.parts.map((each) => [this.part(each, place), each.text] as const);
        if (inner.every(([value]) => value !== undefined)) return inner.map(([value]) => value).join("");
        return undefined;
      }
      case "SimpleExpansion":
        return this.known.get(part.text.replace(/^\$/, ""));
      case "ParameterExpansion":
        return part.operation === undefined && part.prefix === undefined ? this.known.get(part.parameter) : undefined;
      case "CommandExpansion":
      case "ProcessSubstitution": {
        const from = this.found.calls.length;
        if (part.script) this.statements(part.script.commands, { ...place, isSubstituted: true });
        return part.type === "CommandExpansion" ? saidBy(this.found.calls.slice(from)) : undefined;
      }
      case "Glob":
      case "BraceExpansion":
      case "ExtendedGlob":
        return part.text;
      default:
        return undefined;
    }
  }
}

const SHELLS = new Set(["sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "source", "."]);

export const isShell = (name: string): boolean => SHELLS.has(name);

const isShellReadingInput = ({ name, args }: Call): boolean =>
  isShell(name) && args.every(({ value }) => /^-[a-z]*$/.test(value) && !value.includes("c"));

/** What a few programs print, when it is known: `echo … | base64 -d`. */
function saidBy(calls: readonly Call[]): string | undefined {
  const [first, ...others] = calls;
  if (first === undefined || first.args.some(({ isLiteral }) => !isLiteral)) return undefined;
  let text: string;
  if (first.name === "echo")
    text = first.args
      .filter(({ value }) => !/^-[neE]+$/.test(value))
      .map((a) => a.value)
      .join(" ");
  else if (first.name === "printf")
    text = first.args
      .map(({ value }) => value)
      .join("")
      .replaceAll("%s", "");
  else if (first.input !== undefined && first.name === "base64") return decoded(first.input);
  else if (first.input !== undefined && first.name === "cat") text = first.input;
  else return undefined;
  for (const { name, args } of others) {
    const isDecoding = args.some(({ value }) => /^(-d|-D|--decode|-r|-p|-rp|-r\d*)$/.test(value));
    if (/^(base64|b64decode|openssl)$/.test(name) && (isDecoding || name === "b64decode")) text = decoded(text);
    else if (name === "rev") text = [...text].reverse().join("");
    else if (name === "xxd" && isDecoding) text = Buffer.from(text.replace(/\s/g, ""), "hex").toString("latin1");
    else if (name === "tr" && args[0]?.value === "A-Za-z") text = rot13(text);
    else if (name !== "cat") return undefined;
  }
  return text;
}

const decoded = (text: string): string => Buffer.from(text.trim(), "base64").toString("latin1");
const rot13 = (text: string): string =>
  text.replace(/[a-z]/gi, (c) => String.fromCharCode(c.charCodeAt(0) + (c.toLowerCase() < "n" ? 13 : -13)));

/** The nodes right below a node, whatever their names. */
function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (const value of Object.values(node)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each === "object" && each !== null && typeof each.type === "string") children.push(each as SyntaxNode);
    }
  }
  return children;
}
