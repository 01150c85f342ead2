/** Shells whose `-c` runs a text of their own. */
export const SHELLS: ReadonlySet<string> = new Set(["sh", "bash", "zsh", "dash", "ksh", "ash", "fish"]);

/** Programs whose first argument, unless it is a switch, is a file with what they do. */
const INTERPRETERS = /^(node|bun|deno|python[\d.]*|perl|ruby|php|lua|osascript|pwsh)$/;

/** The last part of a path. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** An argument list as a text that a shell splits into just these words, and that reads without ambiguity. */
export const commandLine = (argv: readonly string[]): string => argv.map(quoted).join(" ");

const quoted = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/**
 * The words of a command text without expansions, or null when a quote is not closed. Operators outside quotes stand
 * as words of their own, so that a text with them never equals an argument list without.
 */
export function splitWords(text: string): string[] | null {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  const end = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  while (at < text.length) {
    const char = text[at]!;
    if (char === "'" || char === '"') {
      const piece = quotedPiece(text, at);
      if (piece === null) return null;
      word = (word ?? "") + piece.value;
      at = piece.next;
      continue;
    }
    if (char === "\\" && at + 1 < text.length) {
      word = (word ?? "") + text[at + 1];
      at += 2;
      continue;
    }
    if (/\s/.test(char)) end();
    else if (";|&<>()".includes(char)) {
      end();
      words.push(`\0${char}`);
    } else word = (word ?? "") + char;
    at++;
  }
  end();
  return words;
}

/** What stands between the quotes that open at `start`, and where the text goes on. */
function quotedPiece(text: string, start: number): { value: string; next: number } | null {
  const quote = text[start]!;
  let value = "";
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === quote) return { value, next: at + 1 };
    if (quote === '"' && char === "\\" && '"\\$`'.includes(text[at + 1] ?? "")) {
      value += text[++at];
    } else value += char;
  }
  return null;
}

/** True when the text says just what the argument list runs. */
export function saysTheSame(text: string, argv: readonly string[]): boolean {
  const words = splitWords(text);
  return words !== null && words.length === argv.length && words.every((word, at) => word === argv[at]);
}

/** True when the argument list is a shell that runs the text, as `sh -c TEXT` or `bash -lc TEXT`. */
export function isShellRunning(text: string, argv: readonly string[]): boolean {
  const [shell = "", flag = "", script] = argv;
  return argv.length === 3 && SHELLS.has(baseName(shell)) && /^-[a-z]*c$/.test(flag) && script === text;
}

/** True when the argument list runs a script file, whose contents may be others tomorrow. */
export function runsScript([program = "", operand = ""]: readonly string[]): boolean {
  const name = baseName(program);
  return operand !== "" && !operand.startsWith("-") && (SHELLS.has(name) || INTERPRETERS.test(name));
}
