import { SECRET_RULES } from "./secret-rules.ts";
import { mask, type SecretMatch, type SecretScanner } from "./secrets.ts";

/** How much of what has gone out is still looked at: a keyword, a header name or a PEM header before a secret. */
const CONTEXT_CHARS = 192;

/** Of white space between a swallowed secret and what follows it. */
const MAX_GAP_CHARS = 32;

/** ASCII that secrets consist of. Space, quotes, brackets, comma and semicolon end them. */
const PART_OF_WORD = /[!#$%&*+\-./0-9:=?@A-Z\\^_a-z|~]/;

const TAILS = new Map([
  ...SECRET_RULES.map(({ id, tail }) => [id, tail] as const),
  ["private-key", /[A-Za-z0-9+/=\s\\]/],
]);

/**
 * Masks credentials in a text that comes in pieces, wherever the pieces are cut. What could still grow into a secret
 * is held back until it is decided, but never more than `maxHeld` characters: a secret longer than that is masked at
 * once and its rest swallowed.
 */
export class SecretStream {
  private context = "";
  private held = "";
  private swallow: RegExp | undefined;
  /** The last of what has been swallowed. */
  private dropped = "";
  private readonly rules = new Set<string>();

  constructor(
    private readonly scanner: SecretScanner,
    private readonly maxHeld = 1024,
  ) {}

  /** The rules that have matched so far. */
  get matched(): readonly string[] {
    return [...this.rules];
  }

  /** Takes the next piece and gives what may go out now. */
  push(piece: string): string {
    this.held += piece;
    if (this.swallow) this.swallowStart(this.swallow);
    const matches = this.find();
    let cut = this.held.length - this.growing();
    const straddling = matches.find(({ start, end }) => start < cut && end >= this.settled(cut));
    if (straddling) cut = Math.max(0, straddling.start);
    if (this.held.length - cut <= this.maxHeld) return this.release(cut, matches);
    const open = matches.find(({ end }) => end >= this.settled(this.held.length));
    if (open === undefined) return this.release(this.held.length - (this.maxHeld >> 1), matches);
    this.swallow = TAILS.get(open.rule);
    if (this.swallow === undefined) return this.release(this.held.length, matches);
    const out = this.release(open.end, matches);
    this.swallowStart(this.swallow);
    return out;
  }

  /** The rest, when nothing follows. */
  end(): string {
    return this.release(this.held.length, this.find());
  }

  /** Matches in what is held, with offsets in it; those that began in the context begin at 0. */
  private find(): SecretMatch[] {
    const before = this.context.length;
    return this.scanner
      .find(this.context + this.held)
      .filter(({ end }) => end > before)
      .map(({ rule, start, end }) => ({ rule, start: Math.max(0, start - before), end: end - before }));
  }

  private release(cut: number, matches: readonly SecretMatch[]): string {
    const out = this.held.slice(0, cut);
    const inside = matches
      .filter(({ start }) => start < cut)
      .map((match) => ({ ...match, end: Math.min(match.end, cut) }));
    for (const { rule } of inside) this.rules.add(rule);
    this.context = (this.context + out).slice(-CONTEXT_CHARS);
    this.held = this.held.slice(cut);
    return mask(out, inside);
  }

  /** Drops what belongs to a secret that was masked already; the line break behind it stays. */
  private swallowStart(tail: RegExp): void {
    let at = 0;
    while (at < this.held.length && tail.test(this.held[at]!)) at++;
    const dropped = (this.dropped + this.held.slice(0, at)).slice(-MAX_GAP_CHARS);
    this.held = this.held.slice(at);
    this.dropped = dropped;
    if (this.held === "") return;
    this.held = gapAtEnd(dropped) + this.held;
    this.swallow = undefined;
    this.dropped = "";
  }

  /** How many characters at the end could be the beginning of a secret. */
  private growing(): number {
    const { held } = this;
    let start = held.length;
    while (start > 0 && PART_OF_WORD.test(held[start - 1]!)) start--;
    let longest = held.length - start;
    for (const form of this.scanner.knownForms()) longest = Math.max(longest, suffixThatBegins(held, form));
    return longest;
  }

  /** `length` without white space before it: a secret that ends there may go on in the next line. */
  private settled(length: number): number {
    let end = length;
    while (end > 0 && /[\s\\]/.test(this.held[end - 1]!)) end--;
    return end;
  }
}

const gapAtEnd = (text: string): string => /(?:\s|\\[nr])*$/.exec(text)?.[0] ?? "";

/** The length of the longest end of `text` that is a beginning of `value`, but not all of it. */
function suffixThatBegins(text: string, value: string): number {
  const first = value[0]!;
  const from = Math.max(0, text.length - value.length + 1);
  for (let at = text.indexOf(first, from); at >= 0; at = text.indexOf(first, at + 1)) {
    if (value.startsWith(text.slice(at))) return text.length - at;
  }
  return 0;
}
