/** What stands in a shell text: its simple commands, those within substitutions, and what makes it hard to read. */
export interface Scan {
  commands: string[];
  nested: string[];
  /** In the order of their appearance. */
  features: string[];
}

/** Words of the shell's own grammar; they begin or end a compound command and run nothing. */
const KEYWORDS = /^(?:if|then|elif|else|fi|for|while|until|do|done|case|esac|in|\{|\}|!)(?:\s+|$)/;

/** How deep substitutions are followed; what lies deeper is named and not counted. */
const MAX_DEPTH = 8;

/** Reads a shell text. It is no parser: what it does not understand it counts as part of a command. */
export function scan(text: string, depth = 0): Scan {
  const commands: string[] = [];
  const nested: string[] = [];
  const features = new Set<string>();
  let start = 0;
  let at = 0;
  const end = (next: number): void => {
    const command = withoutKeywords(text.slice(start, at));
    if (command !== "") commands.push(command);
    start = next;
  };
  const enter = (from: number, close: string, feature: string): number => {
    features.add(feature);
    const until = closing(text, from, close);
    if (until < 0) features.add("syntax-error");
    const stop = until < 0 ? text.length : until;
    if (depth < MAX_DEPTH) {
      const inner = scan(text.slice(from, stop), depth + 1);
      nested.push(...inner.commands, ...inner.nested);
      for (const each of inner.features) features.add(each);
    }
    return stop + 1;
  };

  while (at < text.length) {
    const char = text[at]!;
    const next = text[at + 1] ?? "";
    if (char === "\\") {
      if (next === "\n") features.add("line-continuation");
      at += 2;
    } else if (char === "'") {
      const close = text.indexOf("'", at + 1);
      if (close < 0) features.add("syntax-error");
      at = close < 0 ? text.length : close + 1;
    } else if (char === "$" && next === "(") {
      at = enter(at + 2, ")", "command-substitution");
    } else if (char === "`") {
      at = enter(at + 1, "`", "command-substitution");
    } else if ((char === "<" || char === ">") && next === "(") {
      at = enter(at + 2, ")", "process-substitution");
    } else if (char === '"') {
      at = doubleQuoted(text, at + 1, enter, features);
    } else if (char === "<" && next === "<") {
      features.add("heredoc");
      at = afterHeredoc(text, at);
    } else if (char === ">" || char === "<") {
      features.add("redirect");
      at += next === "&" ? 2 : 1;
    } else if (";|&\n()".includes(char)) {
      end(at + 1);
      at++;
    } else at++;
  }
  end(text.length);
  return { commands, nested, features: [...features] };
}

/** Goes over a double-quoted text, in which substitutions still run. Answers where the text goes on. */
function doubleQuoted(
  text: string,
  from: number,
  enter: (from: number, close: string, feature: string) => number,
  features: Set<string>,
): number {
  let at = from;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '"') return at + 1;
    if (char === "\\") at += 2;
    else if (char === "$" && text[at + 1] === "(") at = enter(at + 2, ")", "command-substitution");
    else if (char === "`") at = enter(at + 1, "`", "command-substitution");
    else at++;
  }
  features.add("syntax-error");
  return at;
}

/** Where the bracket or tick that opened before `from` closes, or -1. */
function closing(text: string, from: number, close: string): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\") at++;
    else if (char === "'" && close === ")") {
      const quote = text.indexOf("'", at + 1);
      if (quote < 0) return -1;
      at = quote;
    } else if (char === close && depth === 0) return at;
    else if (char === close) depth--;
    else if (char === "(" && close === ")") depth++;
  }
  return -1;
}

/** Behind a here-document, whose lines are data. */
function afterHeredoc(text: string, at: number): number {
  const opening = /^<<-?\s*(['"]?)([A-Za-z_][A-Za-z0-9_]*)\1/.exec(text.slice(at, at + 300));
  if (opening === null) return at + 2;
  const line = text.indexOf("\n", at);
  if (line < 0) return at + opening[0].length;
  const end = new RegExp(`^\\t*${opening[2]}$`, "m").exec(text.slice(line + 1));
  return end === null ? text.length : line + 1 + end.index + end[0].length;
}

function withoutKeywords(text: string): string {
  let command = text.trim();
  while (KEYWORDS.test(command)) command = command.replace(KEYWORDS, "");
  return command;
}
