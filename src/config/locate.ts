import type { Place } from "./problem.ts";

/** Where a value stands in a text, offsets from 0, the end behind it. */
export interface Node {
  start: number;
  end: number;
  /** Of an object or a list, in the order of the text. */
  members?: Member[];
}

/** A key with its value, or an element of a list. */
export interface Member {
  /** The name of the key, or the index. */
  key: string | number;
  /** Where the key or the element begins. */
  start: number;
  value: Node;
  /** Where its comma stands, or -1 without one. */
  comma: number;
}

/**
 * Reads JSON5 only for where things are: the platform's parser is fast but says neither where a text breaks nor
 * where a key stands. Used when there is something to complain about, so its speed does not matter.
 */
class Scanner {
  /** Offset of the key (or list element) that stands at a path, paths as JSON texts. */
  readonly places = new Map<string, number>();
  private at = 0;

  constructor(private readonly text: string) {}

  /** @throws Broken at the first thing that is not JSON5 */
  document(): Node {
    this.blank();
    const node = this.value([]);
    this.blank();
    if (this.at < this.text.length) this.fail("nothing may follow the closing bracket");
    return node;
  }

  private value(path: readonly (string | number)[]): Node {
    if (path.length > MAX_DEPTH) this.fail("nested too deeply");
    const start = this.at;
    const char = this.text[start];
    if (char === undefined) this.fail("the text ends where a value is expected");
    const members = char === "{" ? this.object(path) : char === "[" ? this.list(path) : undefined;
    if (members) return { start, end: this.at, members };
    if (char === '"' || char === "'") this.string(char);
    else this.literal();
    return { start, end: this.at };
  }

  private object(path: readonly (string | number)[]): Member[] {
    const open = this.at++;
    const members: Member[] = [];
    for (;;) {
      this.blank();
      if (this.take("}")) return members;
      if (this.at >= this.text.length) this.fail("this bracket is never closed", open);
      const keyAt = this.at;
      const key = this.key();
      const inner = [...path, key];
      this.places.set(JSON.stringify(inner), keyAt);
      this.blank();
      if (!this.take(":")) this.fail("a colon is missing after the key");
      this.blank();
      const member: Member = { key, start: keyAt, value: this.value(inner), comma: -1 };
      members.push(member);
      this.blank();
      if (this.comma(member)) continue;
      if (this.text[this.at] === "}") continue;
      this.fail("a comma or } is missing", this.at >= this.text.length ? open : this.at);
    }
  }

  private list(path: readonly (string | number)[]): Member[] {
    const open = this.at++;
    const members: Member[] = [];
    for (let index = 0; ; index++) {
      this.blank();
      if (this.take("]")) return members;
      if (this.at >= this.text.length) this.fail("this bracket is never closed", open);
      const inner = [...path, index];
      this.places.set(JSON.stringify(inner), this.at);
      const member: Member = { key: index, start: this.at, value: this.value(inner), comma: -1 };
      members.push(member);
      this.blank();
      if (this.comma(member)) continue;
      if (this.text[this.at] === "]") continue;
      this.fail("a comma or ] is missing", this.at >= this.text.length ? open : this.at);
    }
  }

  private key(): string {
    const quote = this.text[this.at];
    if (quote === '"' || quote === "'") return this.string(quote);
    const name = this.match(
      /(?:[\p{ID_Start}$_]|\\u[\da-fA-F]{4})(?:[\p{ID_Continue}$\u200c\u200d]|\\u[\da-fA-F]{4})*/uy,
    );
    if (name === undefined) this.fail("a key or } is expected; a key with unusual characters needs quotes");
    return name.replace(/\\u([\da-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }

  private string(quote: string): string {
    const open = this.at++;
    let out = "";
    for (;;) {
      const char = this.text[this.at++];
      if (char === undefined || char === "\n" || char === "\r") this.fail("this quote is never closed", open);
      if (char === quote) return out;
      if (char !== "\\") out += char;
      else out += this.escape(open);
    }
  }

  private escape(open: number): string {
    const char = this.text[this.at++];
    if (char === undefined) this.fail("this quote is never closed", open);
    if (char === "\r") {
      this.take("\n");
      return "";
    }
    if (char === "\n" || char === "\u2028" || char === "\u2029") return "";
    if (char === "u" || char === "x") {
      const hex = this.match(char === "u" ? /[\da-fA-F]{4}/y : /[\da-fA-F]{2}/y);
      if (hex === undefined) this.fail(`\\${char} must be followed by hexadecimal digits`, this.at - 2);
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    if (/[1-9]/.test(char) || (char === "0" && /\d/.test(this.text[this.at] ?? ""))) {
      this.fail("a backslash before a digit is no escape", this.at - 2);
    }
    return SHORT_ESCAPES[char] ?? char;
  }

  private literal(): void {
    const start = this.at;
    const word = this.match(/[^\s,:{}[\]"'/]+/y);
    if (word === undefined) this.fail("a value is expected here");
    if (/^(true|false|null|[+-]?(Infinity|NaN|0[xX][\da-fA-F]+|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?))$/.test(word)) return;
    this.fail("this is not a value; text needs quotes", start, false);
  }

  /** Skips white space and comments. */
  private blank(): void {
    for (;;) {
      this.match(/[\s\ufeff]+/y);
      if (this.text.startsWith("//", this.at)) this.match(/[^\n\r\u2028\u2029]*/y);
      else if (this.text.startsWith("/*", this.at)) {
        const end = this.text.indexOf("*/", this.at + 2);
        if (end < 0) this.fail("this comment is never closed");
        this.at = end + 2;
      } else return;
    }
  }

  private comma(member: Member): boolean {
    const { at } = this;
    if (!this.take(",")) return false;
    member.comma = at;
    return true;
  }

  private take(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) return undefined;
    this.at += found.length;
    return found;
  }

  /** @param hasEnded whether the text ends too early */
  private fail(reason: string, at = this.at, hasEnded = this.at >= this.text.length): never {
    throw new Broken(reason, at, hasEnded);
  }
}

class Broken extends Error {
  constructor(
    readonly reason: string,
    readonly at: number,
    readonly hasEnded: boolean,
  ) {
    super(reason);
  }
}

/** Brackets within brackets that a config file may have; what walks the tree recursively stays far from the end of the stack. */
export const MAX_DEPTH = 200;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
  v: "\v",
  "0": "\0",
};

/** Where a JSON5 text breaks and why, or null when this reader finds nothing wrong. */
export function syntaxProblem(text: string): ({ reason: string } & Place) | null {
  try {
    new Scanner(text).document();
    return null;
  } catch (error) {
    if (error instanceof Broken) return { reason: error.reason, ...placeAt(text, error.at) };
    throw error;
  }
}

/** Where everything in a JSON5 text stands. @throws Error when it is none */
export const scanJson5 = (text: string): Node => new Scanner(text).document();

/** Where a text stops being JSON5, in the words that upstream's answers have, or null when this reader finds nothing wrong. */
export function syntaxMessage(text: string): string | null {
  try {
    new Scanner(text).document();
    return null;
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    const { line, column } = placeAt(text, error.hasEnded ? text.length : error.at);
    const what = error.hasEnded ? "end of input" : `character '${text[error.at]}'`;
    return `JSON5: invalid ${what} at ${line}:${column}`;
  }
}

/** Where the key or list element at a path stands, or null when the text has none. */
export function keyPlace(text: string, path: readonly (string | number)[]): Place | null {
  const scanner = new Scanner(text);
  try {
    scanner.document();
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
  }
  const at = scanner.places.get(JSON.stringify(path));
  return at === undefined ? null : placeAt(text, at);
}

function placeAt(text: string, at: number): Place {
  const before = text.slice(0, at);
  const line = before.split(/\r\n|\n|\r/).length;
  const start = Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1;
  return { line, column: at - start + 1 };
}
