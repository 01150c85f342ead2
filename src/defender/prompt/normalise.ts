import { LOOKALIKES, STYLED_LETTERS } from "./confusables.ts";

/** A stretch of the original text, as character offsets. */
export type Span = [start: number, end: number];

/** How often something was seen, and where it was first. */
export interface Sighting {
  count: number;
  first: Span | undefined;
}

/** A text as a model reads it, and the tricks that were undone to get there. */
export interface Normalised {
  text: string;
  /** The offset in the original of a character of `text`. */
  at(index: number): number;
  /** Text in characters that no reader sees (tag characters, runs of variation selectors), decoded. */
  hidden: { text: string; span: Span }[];
  /** Invisible characters between the letters of a word. */
  invisible: Sighting;
  /** Characters that turn the direction of the text around. */
  reordered: Sighting;
  /** Words that mix Latin letters with look-alikes of another script. */
  mixed: Sighting;
}

const NOTHING: Sighting = { count: 0, first: undefined };

/** Undoes what hides words from a search: Unicode forms, invisible characters, look-alike letters. Linear in the length. */
export function normalise(text: string): Normalised {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it asks whether there is anything beyond ASCII
  if (!/[^\x00-\x7f]/.test(text)) {
    return { text, at: (index) => index, hidden: [], invisible: NOTHING, reordered: NOTHING, mixed: NOTHING };
  }
  return new Normaliser(text).run();
}

const TAG_FIRST = 0xe0000;
const TAG_LAST = 0xe007f;
const TAG_CANCEL = 0xe007f;
const BLACK_FLAG = 0x1f3f4;
/** A tag sequence longer than this is no flag of a region. */
const MAX_FLAG_TAGS = 6;
/** More variation selectors in a row than any letter or symbol takes. */
const MIN_SELECTOR_RUN = 4;

class Normaliser {
  private readonly out: string[] = [];
  private readonly offsets: number[] = [];
  private readonly hidden: Normalised["hidden"] = [];
  private readonly invisible: Sighting = { count: 0, first: undefined };
  private readonly reordered: Sighting = { count: 0, first: undefined };
  private readonly mixed: Sighting = { count: 0, first: undefined };
  /** Words of look-alikes alone: honest words of their script, unless the text mixes elsewhere. */
  private readonly disguised: [from: number, to: number][] = [];
  private word = { from: -1, latin: 0, lookalikes: 0, others: 0 };
  private pendingInvisible: Span | undefined;

  constructor(private readonly source: string) {}

  run(): Normalised {
    const { source } = this;
    for (let i = 0; i < source.length; ) {
      const code = source.codePointAt(i)!;
      const next = i + (code > 0xffff ? 2 : 1);
      i = this.take(code, i, next);
    }
    this.endWord();
    if (this.mixed.count > 1) for (const [from, to] of this.disguised) this.fold(from, to);
    const { out, offsets, hidden, invisible, reordered, mixed } = this;
    const at = (index: number): number => offsets[index] ?? source.length;
    return { text: out.join(""), at, hidden, invisible, reordered, mixed };
  }

  /** Handles the character at `i`, which ends at `next`. Returns where to go on. */
  private take(code: number, i: number, next: number): number {
    if (code < 0x80) {
      this.put(this.source[i]!, i, isAsciiLetter(code) ? "latin" : isAsciiDigit(code) ? "other" : "none");
      return next;
    }
    if (code >= TAG_FIRST && code <= TAG_LAST) return this.takeTags(i);
    if (isVariationSelector(code)) return this.takeSelectors(i);
    if (isInvisible(code)) {
      if (this.word.from >= 0 && this.pendingInvisible === undefined) this.pendingInvisible = [i, next];
      return next;
    }
    if (isDirectional(code)) {
      if (code === 0x202d || code === 0x202e) note(this.reordered, [i, next]);
      return next;
    }
    // Combining marks over Latin letters: an accent, or noise piled up to break words apart.
    if (code >= 0x300 && code <= 0x36f) return next;
    this.takeLetter(this.source.slice(i, next), i);
    return next;
  }

  private takeLetter(char: string, i: number): void {
    if (LOOKALIKES.has(char)) {
      this.put(char, i, "lookalike");
      return;
    }
    const plain = plainForm(char);
    for (const part of plain) {
      const code = part.codePointAt(0)!;
      const kind = isAsciiLetter(code) ? "latin" : code < 0x80 && !isAsciiDigit(code) ? "none" : "other";
      for (const unit of part.split("")) this.put(unit, i, kind);
    }
  }

  private put(unit: string, offset: number, kind: "latin" | "lookalike" | "other" | "none"): void {
    if (kind === "none") this.endWord();
    else {
      const { word } = this;
      if (word.from < 0) word.from = this.out.length;
      if (kind === "latin") word.latin++;
      else if (kind === "lookalike") word.lookalikes++;
      else word.others++;
      if (this.pendingInvisible !== undefined && kind !== "other") note(this.invisible, this.pendingInvisible);
    }
    this.pendingInvisible = undefined;
    this.out.push(unit);
    this.offsets.push(offset);
  }

  private endWord(): void {
    const { from, latin, lookalikes, others } = this.word;
    if (from >= 0 && lookalikes > 0 && others === 0) {
      const to = this.out.length;
      if (latin > 0 && latin + lookalikes > 2) {
        note(this.mixed, [this.offsets[from]!, this.offsets[to - 1]! + 1]);
        this.fold(from, to);
      } else if (lookalikes > 1) this.disguised.push([from, to]);
    }
    this.word = { from: -1, latin: 0, lookalikes: 0, others: 0 };
  }

  private fold(from: number, to: number): void {
    for (let i = from; i < to; i++) this.out[i] = LOOKALIKES.get(this.out[i]!) ?? this.out[i]!;
  }

  /** Tag characters repeat ASCII invisibly; after a black flag a few of them name a region. */
  private takeTags(start: number): number {
    const { source } = this;
    let text = "";
    let end = start;
    for (let code = source.codePointAt(end); code !== undefined && code >= TAG_FIRST && code <= TAG_LAST; ) {
      if (code !== TAG_CANCEL && code > 0xe001f) text += String.fromCharCode(code - TAG_FIRST);
      end += 2;
      code = source.codePointAt(end);
    }
    const isFlag = source.codePointAt(start - 2) === BLACK_FLAG && text.length <= MAX_FLAG_TAGS;
    if (text !== "" && !isFlag) this.hidden.push({ text, span: [start, end] });
    return end;
  }

  /** One selector chooses the look of a character; a row of them carries bytes. */
  private takeSelectors(start: number): number {
    const { source } = this;
    const bytes: number[] = [];
    let end = start;
    for (let code = source.codePointAt(end); code !== undefined && isVariationSelector(code); ) {
      bytes.push(code <= 0xfe0f ? code - 0xfe00 : code - 0xe0100 + 16);
      end += code > 0xffff ? 2 : 1;
      code = source.codePointAt(end);
    }
    if (bytes.length >= MIN_SELECTOR_RUN && bytes.some((byte) => byte !== bytes[0])) {
      this.hidden.push({ text: Buffer.from(bytes).toString("utf8"), span: [start, end] });
    }
    return end;
  }
}

function note(sighting: Sighting, span: Span): void {
  sighting.count++;
  sighting.first ??= span;
}

const isAsciiLetter = (code: number): boolean => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a && code < 0x80;
const isAsciiDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

const isVariationSelector = (code: number): boolean =>
  (code >= 0xfe00 && code <= 0xfe0f) || (code >= 0xe0100 && code <= 0xe01ef);

/** Zero-width spaces and joiners, soft hyphens, fillers: nothing on the screen. */
function isInvisible(code: number): boolean {
  if (code >= 0x200b && code <= 0x200d) return true;
  if (code >= 0x2060 && code <= 0x2064) return true;
  return code === 0xfeff || code === 0xad || code === 0x34f || code === 0x180e || code === 0x115f || code === 0x3164;
}

const isDirectional = (code: number): boolean =>
  code === 0x200e || code === 0x200f || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);

const forms = new Map<string, string>();
const MAX_REMEMBERED_FORMS = 4096;
/** Some ligatures stand for whole sentences; of those the beginning does. */
const MAX_FORM_CHARS = 4;

/** The plain form of a character: full-width, mathematical and circled letters become ASCII, accents go. */
function plainForm(char: string): string {
  const known = forms.get(char);
  if (known !== undefined) return known;
  const compatible = char.normalize("NFKC").slice(0, MAX_FORM_CHARS);
  const latin = /\p{Script=Latin}/u.test(compatible);
  const plain = STYLED_LETTERS.get(char) ?? (latin ? compatible.normalize("NFD").replace(/\p{M}/gu, "") : compatible);
  if (forms.size < MAX_REMEMBERED_FORMS) forms.set(char, plain);
  return plain;
}
