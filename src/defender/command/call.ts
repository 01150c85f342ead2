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

export interface CallFacts {
  /** `sudo`, `env`, `nohup`, `xargs`, … that stood before it, the outermost first. */
  wrappers: string[];
  variables: { name: string; value: string }[];
  redirects: Redirect[];
  /** What a here-document or a here-string gives it to read. */
  input: string | undefined;
  /** It runs in `$(…)`, backticks or `<(…)`. */
  isSubstituted: boolean;
  /** What it is given continues with words that come from elsewhere (`xargs`, `find -exec`). */
  isOpenEnded: boolean;
}

/** One program call, wherever in a text it stands, without the wrappers before it. */
export class Call {
  /** Without its folder: `rm` of `/bin/rm` and `\\rm`. Empty when only variables are set. */
  readonly name: string;
  /** As written. */
  readonly program: string;
  readonly args: readonly Word[];
  /** Values of the arguments. */
  readonly values: readonly string[];
  /** The whole call, for patterns over several words. */
  readonly line: string;
  /** The pipes that it is a part of, the innermost first, and where it stands in them. */
  readonly pipes: { calls: readonly Call[]; from: number; to: number }[] = [];
  readonly wrappers: readonly string[];
  readonly variables: CallFacts["variables"];
  readonly redirects: readonly Redirect[];
  readonly input: string | undefined;
  readonly isSubstituted: boolean;
  readonly isOpenEnded: boolean;

  constructor([program, ...args]: readonly Word[], facts: CallFacts) {
    this.program = program?.value ?? "";
    this.name = this.program.slice(this.program.lastIndexOf("/") + 1);
    this.args = args;
    this.values = args.map(({ value }) => value);
    this.line = [this.name, ...this.values].join(" ");
    this.wrappers = facts.wrappers;
    this.variables = facts.variables;
    this.redirects = facts.redirects;
    this.input = facts.input;
    this.isSubstituted = facts.isSubstituted;
    this.isOpenEnded = facts.isOpenEnded;
  }

  /** The calls whose output reaches it. */
  get before(): Call[] {
    return this.pipes.toReversed().flatMap(({ calls, from }) => calls.slice(0, from));
  }

  /** The calls that its output reaches. */
  get after(): Call[] {
    return this.pipes.flatMap(({ calls, to }) => calls.slice(to));
  }
}
