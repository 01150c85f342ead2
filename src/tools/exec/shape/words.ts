import type { Word as ParsedWord, WordPart } from "unbash";

/** A word of a command as far as it is known before the command runs. */
export interface Word {
  /** What the program gets, if `isLiteral`. */
  value: string;
  /** False when variables, patterns or substitutions make something of it that only the shell knows. */
  isLiteral: boolean;
  /** Where it stands in the text that was read. */
  at: readonly [start: number, end: number];
}

/** Something in a command that is not fully understood; what it says is for people. */
export class Unreadable extends Error {}

/** A tilde where the shell puts a home folder. */
const TILDE = /^~|[=:]~/;

/** @param nested is told of every text that the word runs by itself. @throws Unreadable */
export function readWord(word: ParsedWord, nested: (script: NestedScript) => void): Word {
  const parts = word.parts ?? [];
  let isLiteral = !(parts.length === 0 && TILDE.test(word.text));
  for (const part of parts) if (!readPart(part, nested)) isLiteral = false;
  if (parts[0]?.type === "Literal" && parts[0].value.startsWith("~")) isLiteral = false;
  return { value: word.value, isLiteral, at: [word.pos, word.end] };
}

type NestedScript = Extract<WordPart, { type: "CommandExpansion" }>["script"];

/** True for a part that is the same before and after the shell has read it. @throws Unreadable */
function readPart(part: WordPart, nested: (script: NestedScript) => void): boolean {
  switch (part.type) {
    case "Literal":
    case "SingleQuoted":
      return true;
    case "DoubleQuoted":
      return part.parts.map((inner) => readPart(inner, nested)).every((isLiteral) => isLiteral);
    case "Glob":
      for (const inner of part.parts ?? []) readPart(inner, nested);
      return false;
    case "SimpleExpansion":
      return false;
    case "ParameterExpansion":
      // The other forms run code: `${x@P}` expands a prompt, `${x[…]}` and `${x:…}` evaluate arithmetic.
      if (part.operation === undefined && part.index === undefined && part.prefix !== "!") return false;
      throw new Unreadable("a variable is changed while it is expanded");
    case "CommandExpansion":
      nested(part.script);
      return false;
    default:
      // Arithmetic may run what variables hold; $'…', $"…", braces, extended patterns and `<(…)` are read differently
      // by shells, and by the parser: `<(a)#b` is one word for bash.
      throw new Unreadable(`an expansion that is not looked into (${part.type})`);
  }
}
