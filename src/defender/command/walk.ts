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
import { LIMITS } from "../../../generated/limits.ts";
import { Call, type Redirect, type Word } from "./call.ts";
import { isShell, outputOf } from "./output.ts";
import { unwrapped } from "./unwrap.ts";

/** What there is to judge of a shell text. */
export interface Walk {
  calls: Call[];
  /** Texts that are run as code but are known only when they run, such as `eval "$x"`. */
  unknownCode: number;
  /** What could not be read. */
  errors: number;
  /** It is too long, too deep or grows too much to be judged as a whole. */
  isTooMuch: boolean;
}

export type Parse = (text: string) => ParsedScript;

/**
 * All program calls of a shell text: in lists, pipes, loops, functions and substitutions, and those that a wrapper, a
 * shell's `-c` or a here-document runs. What cannot be read is counted, what is beyond the bounds is told: nothing is passed
 * over in silence. `tools/exec/shape` reads commands strictly, for the list of those that are allowed.
 * @throws what `checkTime` throws
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
  readonly found: Walk = { calls: [], unknownCode: 0, errors: 0, isTooMuch: false };
  /** Values of variables that the text itself sets to something known. */
  private readonly known = new Map<string, string>();
  private expanded = 0;

  constructor(
    private readonly parse: Parse,
    private readonly checkTime: () => void,
  ) {}

  /** A text that a shell runs. */
  text(text: string, place: Place): void {
    if (text.length > LIMITS.defenderCommandChars || place.depth > LIMITS.defenderCommandDepth) {
      this.found.isTooMuch = true;
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
    const calls = stages.flat();
    let from = 0;
    for (const stage of stages) {
      const to = from + stage.length;
      for (const call of stage) call.pipes.push({ calls, from, to });
      if (from > 0) for (const call of stage) if (call.input === undefined) this.inputOf(call, place);
      from = to;
    }
  }

  private command(node: CommandNode | CompoundList, place: Place, redirects: readonly Redirection[] = []): void {
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

  private substituted(script: ParsedScript, place: Place): void {
    if (place.depth >= LIMITS.defenderCommandDepth) this.found.isTooMuch = true;
    else this.statements(script.commands, { ...place, depth: place.depth + 1, isSubstituted: true });
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
    if (this.found.calls.length >= LIMITS.defenderCommandCalls || place.depth > LIMITS.defenderCommandDepth) {
      this.found.isTooMuch = true;
      return;
    }
    const plain = unwrapped(words);
    const call = new Call(plain.words, {
      ...rest,
      wrappers: [...(place.wrappers ?? []), ...plain.wrappers],
      variables: [...rest.variables, ...plain.variables],
      isSubstituted: place.isSubstituted,
      isOpenEnded: plain.isOpenEnded,
    });
    this.found.calls.push(call);
    if (plain.words.length > 0 && !plain.words[0]!.isLiteral) this.found.unknownCode++;
    const deeper = { ...place, depth: place.depth + 1, wrappers: call.wrappers };
    for (const code of plain.code) {
      if (!code.isLiteral) this.found.unknownCode++;
      this.text(code.value, deeper);
    }
    for (const inner of plain.commands) {
      this.call(inner, { variables: [], redirects: [], input: undefined, place: deeper });
    }
    this.inputOf(call, place);
  }

  /** A shell that reads its commands from a here-document, or from a pipe whose text is known. */
  private inputOf(call: Call, place: Place): void {
    if (!isShellReadingInput(call)) return;
    const text = call.input ?? this.grown(outputOf(call.before));
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

  /** A known value that is put into the text, as long as the values do not multiply. */
  private grown(value: string | undefined): string | undefined {
    this.expanded += value?.length ?? 0;
    if (this.expanded <= LIMITS.defenderCommandExpanded) return value;
    this.found.isTooMuch = true;
    return undefined;
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
        return this.grown(this.known.get(part.text.replace(/^\$/, "")));
      case "ParameterExpansion":
        return part.operation === undefined && part.prefix === undefined
          ? this.grown(this.known.get(part.parameter))
          : undefined;
      case "CommandExpansion":
      case "ProcessSubstitution": {
        const from = this.found.calls.length;
        if (part.script) this.substituted(part.script, place);
        return part.type === "CommandExpansion" ? this.grown(outputOf(this.found.calls.slice(from))) : undefined;
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

const isShellReadingInput = ({ name, values }: Call): boolean =>
  isShell(name) && values.every((value) => /^-[a-z]*$/.test(value) && !value.includes("c"));

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
