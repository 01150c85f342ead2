/**
 * Texts that match a regular expression, for sample messages. Knows what patterns of a protocol use: classes, groups,
 * alternatives, quantifiers, anchors; look-arounds are skipped, so the text is tested against the expression in the end.
 */

/** Characters to choose from where an expression allows several, the plainest first. */
const PLAIN = `a1Az-_./: ${Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join("")}`;

/**
 * The shortest text of the kind the generator knows that matches `source` and has between `min` and `max` characters.
 * Null when it finds none.
 */
export function textMatching(source: string, min = 0, max = Number.POSITIVE_INFINITY): string | null {
  const expression = new RegExp(source, "u");
  const open = !source.endsWith("$");
  for (let extra = 0; extra <= Math.max(min, 1); extra++) {
    const text = new PatternReader(source, extra).read();
    const padded = open ? text.padEnd(min, "a") : text;
    if (padded.length >= min && padded.length <= max && expression.test(padded)) return padded;
  }
  return null;
}

class PatternReader {
  private at = 0;

  constructor(
    private readonly source: string,
    /** How often a quantifier repeats beyond its least count. */
    private readonly extra: number,
  ) {}

  read(): string {
    return this.alternatives();
  }

  /** Reads `a|b` up to the closing bracket of a group or the end; the first alternative is taken. */
  private alternatives(): string {
    const first = this.sequence();
    while (this.source[this.at] === "|") {
      this.at++;
      this.sequence();
    }
    return first;
  }

  private sequence(): string {
    let text = "";
    while (this.at < this.source.length && !"|)".includes(this.source[this.at]!)) {
      const atom = this.atom();
      text += atom.repeat(this.quantifier());
    }
    return text;
  }

  private atom(): string {
    const char = this.source[this.at++]!;
    if (char === "^" || char === "$") return "";
    if (char === ".") return "a";
    if (char === "[") return this.charClass();
    if (char === "\\") return this.escape();
    if (char !== "(") return char;
    const head = /^\?(?::|=|!|<=|<!)/.exec(this.source.slice(this.at))?.[0] ?? "";
    this.at += head.length;
    const inner = this.alternatives();
    this.at++;
    return head === "" || head === "?:" ? inner : "";
  }

  /** A character of the class that stands here, tested against the class itself. */
  private charClass(): string {
    const from = this.at - 1;
    for (; this.source[this.at] !== "]"; this.at++) if (this.source[this.at] === "\\") this.at++;
    this.at++;
    const charClass = new RegExp(`^${this.source.slice(from, this.at)}$`, "u");
    return [...PLAIN].find((char) => charClass.test(char)) ?? "";
  }

  private escape(): string {
    const code = /^u([0-9A-Fa-f]{4})/.exec(this.source.slice(this.at));
    if (code) {
      this.at += 5;
      return String.fromCharCode(Number.parseInt(code[1]!, 16));
    }
    const char = this.source[this.at++]!;
    if (!/[a-zA-Z]/.test(char)) return char;
    const escaped = new RegExp(`^\\${char}$`, "u");
    return [...PLAIN].find((each) => escaped.test(each)) ?? "";
  }

  private quantifier(): number {
    const match = /^(?:([+*?])|\{(\d+)(,(\d*))?\})/.exec(this.source.slice(this.at));
    if (!match) return 1;
    this.at += match[0].length;
    if (match[1] !== undefined)
      return match[1] === "?" ? Math.min(this.extra, 1) : Number(match[1] === "+") + this.extra;
    const least = Number(match[2]);
    if (match[3] === undefined) return least;
    return Math.min(least + this.extra, match[4] ? Number(match[4]) : Number.POSITIVE_INFINITY);
  }
}
