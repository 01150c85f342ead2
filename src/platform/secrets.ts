import { isPlaceholder, SECRET_RULES, type SecretRule } from "./secret-rules.ts";

/** A credential in a text. `start` and `end` are character offsets of the secret itself. */
export interface SecretMatch {
  rule: string;
  start: number;
  end: number;
}

export interface SecretScannerOptions {
  /** Secrets known by value, for instance those of the configuration. Asked at each scan: another array, other secrets. */
  values?: () => readonly string[];
  /** Further patterns, for instance `logging.redactPatterns`. Group 1 is the secret when there is one. */
  patterns?: readonly RegExp[];
  /**
   * True for prose and code that people read: assignments count only when their value looks random, and known values
   * only when nobody could guess them. A mask over a guessable value would tell whoever made the text that the guess
   * was right. False for logs, where hiding too much costs little.
   */
  strict?: boolean;
}

/** Below this a known value is left alone in logs: hiding every `1234` would make them unreadable. */
const MIN_VALUE_CHARS = 6;
/** Below this a known value counts as guessable. */
const MIN_UNGUESSABLE_CHARS = 16;
const PEM_HEAD = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;

/** Finds and masks credentials: by the form that their issuers gave them, and by value those that are known. */
export class SecretScanner {
  private readonly strict: boolean;
  private readonly extra: readonly RegExp[];
  private known: { of: readonly string[]; forms: readonly string[] } = { of: [], forms: [] };

  constructor(private readonly options: SecretScannerOptions = {}) {
    this.strict = options.strict === true;
    this.extra = (options.patterns ?? []).map(
      ({ source, flags }) => new RegExp(source, `${flags.replace(/[gy]/g, "")}g`),
    );
  }

  /** Every credential in the text, in order, without overlaps. Takes time linear in the text's length. */
  find(text: string): SecretMatch[] {
    const found: SecretMatch[] = [];
    for (const form of this.knownForms()) addValue(found, text, form);
    if (text.includes("PRIVATE KEY")) addPrivateKeys(found, text);
    for (const rule of SECRET_RULES) addMatches(found, text, rule, this.strict);
    for (const pattern of this.extra) addPattern(found, text, pattern);
    return withoutOverlaps(found);
  }

  /** The text with each credential replaced by `[redacted:RULE]`. The same string comes back when there is none. */
  redact(text: string): string {
    return mask(text, this.find(text));
  }

  /** The forms in which known values may appear: as they are, percent-encoded, and inside base64. */
  knownForms(): readonly string[] {
    const values = this.options.values?.() ?? this.known.of;
    if (this.known.of !== values) {
      const maskable = values.filter((value) => this.mayMask(value));
      this.known = { of: values, forms: [...new Set(maskable.flatMap(formsOf))] };
    }
    return this.known.forms;
  }

  private mayMask(value: string): boolean {
    const least = this.strict ? MIN_UNGUESSABLE_CHARS : MIN_VALUE_CHARS;
    return value.length >= least && !isPlaceholder(value);
  }
}

/** Replaces each match by its name. */
export function mask(text: string, matches: readonly SecretMatch[]): string {
  let masked = "";
  let from = 0;
  for (const { rule, start, end } of matches) {
    masked += `${text.slice(from, start)}[redacted:${rule}]`;
    from = end;
  }
  return from === 0 ? text : masked + text.slice(from);
}

function addValue(found: SecretMatch[], text: string, value: string): void {
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + value.length)) {
    found.push({ rule: "known-secret", start: at, end: at + value.length });
  }
}

function addMatches(found: SecretMatch[], text: string, rule: SecretRule, strict: boolean): void {
  if (!rule.hints.some((hint) => text.includes(hint))) return;
  for (const match of text.matchAll(rule.pattern)) {
    const secret = match[1] ?? match[0];
    if (rule.accepts && !rule.accepts(secret, strict)) continue;
    const start = match.index + match[0].lastIndexOf(secret);
    found.push({ rule: rule.id, start, end: runEnd(text, start + secret.length, rule.tail) });
  }
}

function addPattern(found: SecretMatch[], text: string, pattern: RegExp): void {
  for (const match of text.matchAll(pattern)) {
    const secret = match[1] ?? match[0];
    if (secret === "") continue;
    const start = match.index + match[0].lastIndexOf(secret);
    found.push({ rule: "pattern", start, end: start + secret.length });
  }
}

/** A secret longer than its pattern's bound goes on to the end of its characters. */
function runEnd(text: string, from: number, tail: RegExp): number {
  let end = from;
  while (end < text.length && tail.test(text[end]!)) end++;
  return end;
}

/** The bodies of private keys; the lines around them stay, so that a reader sees what was there. */
function addPrivateKeys(found: SecretMatch[], text: string): void {
  for (const head of text.matchAll(PEM_HEAD)) {
    const headEnd = head.index + head[0].length;
    const start = matchEnd(LINE_ENDS, text, headEnd);
    if (start < (found.at(-1)?.end ?? 0)) continue;
    const end = keyBodyEnd(text, start);
    if (end > start) found.push({ rule: "private-key", start, end });
  }
}

const LINE_END = String.raw`(?:\s|\\[nr]){0,32}`;
const LINE_ENDS = new RegExp(LINE_END, "y");
const KEY_LINE = new RegExp(`${LINE_END}[A-Za-z0-9+/=]{16,}`, "y");
const LAST_KEY_LINE = new RegExp(`${LINE_END}[A-Za-z0-9+/=]{1,15}(?=\\s|\\\\[nr]|-----|$)`, "y");
const KEY_FACT = new RegExp(`${LINE_END}(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): [^\\n\\\\]{1,128}`, "y");

/** Where the base64 lines after a PEM header end; the header's own end when none follow. Line ends may be escaped. */
export function keyBodyEnd(text: string, start: number): number {
  let begin = start;
  for (let next = matchEnd(KEY_FACT, text, begin); next > begin; next = matchEnd(KEY_FACT, text, begin)) begin = next;
  let end = begin;
  for (let next = matchEnd(KEY_LINE, text, end); next > end; next = matchEnd(KEY_LINE, text, end)) end = next;
  return end === begin ? start : matchEnd(LAST_KEY_LINE, text, end);
}

function matchEnd(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}

/** Sorts matches and joins those that overlap, under the name of the one that starts first. */
function withoutOverlaps(found: SecretMatch[]): SecretMatch[] {
  if (found.length < 2) return found;
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  const joined: SecretMatch[] = [];
  for (const match of found) {
    const last = joined.at(-1);
    if (last !== undefined && match.start < last.end) last.end = Math.max(last.end, match.end);
    else joined.push(match);
  }
  return joined;
}

/**
 * The value itself and what encodings make of it. Base64 of a text that contains the value depends on where it
 * starts modulo 3; the first and last characters also depend on the neighbours and are left off.
 */
function formsOf(value: string): string[] {
  const forms = [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)];
  if (value.length < 12) return forms;
  for (const offset of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
    const encoded = padded.toString("base64").replaceAll("=", "");
    const core = encoded.slice(offset === 0 ? 0 : offset + 1, (padded.length * 8) % 6 === 0 ? undefined : -1);
    forms.push(core, core.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return forms;
}

const plain = new SecretScanner();

/** Masks credentials by form alone, for texts that are written down for operators. */
export const redact = (text: string): string => plain.redact(text);
