import { LIMITS } from "../../../generated/limits.ts";

/** A text of strangers that the model has been shown. */
export interface ForeignText {
  text: string;
  /** What brought it in: a tool, `message`, `note`. */
  source: string;
}

/** Whose words a turn has heard: what the action guard for taint compares. */
export interface TurnWords {
  /** The words of those who may ask: the owner's message of this turn, and what was said to the run meanwhile. */
  readonly asked: string;
  /** Words of strangers that the model has been shown, oldest first. */
  readonly foreign: readonly ForeignText[];
}

/** Collects the words of one turn. What strangers said is bounded; the oldest is forgotten first. */
export class TurnTaint implements TurnWords {
  private readonly heard: string[] = [];
  private readonly seen: ForeignText[] = [];
  private chars = 0;

  get asked(): string {
    return this.heard.join("\n");
  }

  get foreign(): readonly ForeignText[] {
    return this.seen;
  }

  /** Somebody who may ask said this. */
  hear(text: string): void {
    if (text !== "") this.heard.push(text.slice(0, LIMITS.taintChars));
  }

  /** A stranger's text was shown to the model. */
  see(text: string, source: string): void {
    if (text === "") return;
    const kept = text.slice(-LIMITS.taintChars);
    this.seen.push({ text: kept, source });
    this.chars += kept.length;
    while (this.chars > LIMITS.taintChars && this.seen.length > 1) this.chars -= this.seen.shift()!.text.length;
  }
}

/** Short words by which somebody agrees to what was proposed, in some languages. */
const AGREES =
  /^(?:(?:yes|yep|yeah|sure|ok(?:ay)?|please(?: do)?|do (?:it|that|so|this)|go (?:ahead|on|for it)|continue|proceed|carry on|sounds good|perfect|great|agreed|confirm(?:ed)?|approved?|ja|genau|mach (?:das|es|weiter)|weiter|gerne|oui|vas-y|d'accord|continue[rz]?|s[ií]|dale|adelante|hazlo|va bene|procedi|sim|pode|continua|tak|да|давай|продолжай|是|好的?|可以|继续|はい|お願いします|続けて)[\s,.!:;-]*){1,6}(?:\b(?:please|thanks|thank you|bitte|danke|merci|gracias|grazie|with (?:it|that))\b[\s.!]*){0,2}$/i;

/** Whether a message only agrees to, or continues, what was said before it. */
export const onlyAgrees = (text: string): boolean => text.length < 80 && AGREES.test(text.trim());
