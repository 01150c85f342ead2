import { ENGLISH } from "./english.ts";
import { WORLD } from "./world.ts";

const NAMES = [...new Set([...Object.keys(ENGLISH), ...Object.keys(WORLD)])];
/** Classes are numbered from 1; 0 is no class. */
export const CLASS_COUNT = NAMES.length + 1;
/** The number of a class. */
export const classNumber = (name: string): number => NAMES.indexOf(name) + 1;

type Classes = readonly number[];

const NONE: Classes = [];
const SHORTEST_STEM = 2;
/** No entry of a script without spaces is longer. */
export const LONGEST_RUN_WORD = 6;

/** One language's words, or those of many: exact ones, stems, and expressions of several words. */
class Lexicon {
  private readonly words = new Map<string, Classes>();
  private readonly stems = new Map<string, Classes>();
  private readonly longest: number = 0;
  /** Expressions by their first word: the other words, and the class. */
  private readonly expressions = new Map<string, [rest: string[], number][]>();

  constructor(table: Readonly<Record<string, string>>) {
    for (const [name, entries] of Object.entries(table)) {
      const number = classNumber(name);
      for (const entry of entries.split(" ")) {
        const [word = "", ...rest] = entry.split("_").filter(Boolean);
        if (rest.length > 0) this.expressions.set(word, [...(this.expressions.get(word) ?? []), [rest, number]]);
        else if (word.endsWith("*")) {
          const stem = word.slice(0, -1);
          this.longest = Math.max(this.longest, stem.length);
          add(this.stems, stem, number);
        } else add(this.words, word, number);
      }
    }
  }

  /** The classes of a word: as it is written, else by its longest known stem. */
  of(word: string): Classes {
    const known = this.words.get(word);
    if (known !== undefined) return known;
    for (let length = Math.min(word.length, this.longest); length >= SHORTEST_STEM; length--) {
      const classes = this.stems.get(word.slice(0, length));
      if (classes !== undefined) return classes;
    }
    return NONE;
  }

  /** The classes of a stretch inside a run without spaces, which needs no end. */
  inRun(word: string): Classes | undefined {
    return this.words.get(word) ?? this.stems.get(word);
  }

  /** The class of an expression that begins with word `at`, and its last word; null when there is none. */
  expression(words: readonly string[], at: number): { last: number; class: number } | null {
    const candidates = this.expressions.get(words[at]!);
    if (candidates === undefined) return null;
    for (const [rest, number] of candidates) {
      if (rest.every((word, i) => matches(words[at + 1 + i], word))) return { last: at + rest.length, class: number };
    }
    return null;
  }
}

const matches = (word: string | undefined, entry: string): boolean =>
  word !== undefined && (entry.endsWith("*") ? word.startsWith(entry.slice(0, -1)) : word === entry);

const add = (map: Map<string, Classes>, word: string, number: number): void => {
  map.set(word, [...(map.get(word) ?? []), number]);
};

let made: { english: Lexicon; world: Lexicon } | undefined;

/** The words, made ready with the first text that is judged. */
export function lexicons(): { english: Lexicon; world: Lexicon } {
  made ??= { english: new Lexicon(ENGLISH), world: new Lexicon(WORLD) };
  return made;
}

const set = (words: string): ReadonlySet<string> => new Set(words.split(" "));

/** Words that tell a sentence's language from others: what is common in one and means something else elsewhere. */
export const ENGLISH_MARKS = set(
  "the of and is are you your i my me this that these it in with for what how can could would will please have has be do does not any all if from as an or we they their there was were which when who",
);
export const FOREIGN_MARKS = set(
  "der die das und ist nicht ein eine sie ich mir zu den dem le la les des est et une pour je vous que el los las del por para con una como mi su os da em um uma para voce il lo gli che di e un per non sono de het een van niet ik je op jest nie na sie w z ve bir bu icin mi cua la va khong toi ban yang dan di ini itu adalah ang ng sa mga na ay och att det som en jag",
);
