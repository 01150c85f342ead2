/** What a command has said, of which only the end is kept. */
export class Output {
  private text = "";
  /** Characters that were said, those that are gone included. */
  private said = 0;
  /** Of these, what a poll has already given. */
  private told = 0;

  /**
   * @param keep characters that are kept
   * @param perPoll characters that one poll gives at most
   */
  constructor(
    private readonly keep: number,
    private readonly perPoll: number,
  ) {}

  add(piece: string): void {
    if (piece === "") return;
    this.said += piece.length;
    this.text += piece;
    // Some more is let in before it is cut, so that not every piece copies the whole.
    if (this.text.length > this.keep * 1.25) this.text = this.text.slice(-this.keep);
  }

  get all(): string {
    return this.text.length > this.keep ? this.text.slice(-this.keep) : this.text;
  }

  get isEmpty(): boolean {
    return this.said === 0;
  }

  /** True when what was said first is gone. */
  get isCut(): boolean {
    return this.said > this.keep;
  }

  tail(chars: number): string {
    return this.all.slice(-chars);
  }

  /** What has come since the last time. `omitted` when that was more than a poll gives. */
  takeNew(): { text: string; omitted: boolean } {
    const fresh = this.said - this.told;
    this.told = this.said;
    if (fresh === 0) return { text: "", omitted: false };
    return { text: this.tail(Math.min(fresh, this.perPoll)), omitted: fresh > this.perPoll };
  }
}

/** Control characters that only disturb readers; tabs, line ends and the escape of terminals stay. */
const ESCAPE = "\u{1b}";
const DISTURBING = new RegExp(`[^\\P{Cc}\\t\\n\\r${ESCAPE}]`, "gu");

/** Text out of bytes that may be cut anywhere, also within a character. */
export function decoder(): { text(bytes: Uint8Array): string; rest(): string } {
  const utf8 = new TextDecoder();
  const clean = (text: string): string => text.replace(DISTURBING, "");
  return {
    text: (bytes) => clean(utf8.decode(bytes, { stream: true })),
    rest: () => clean(utf8.decode()),
  };
}
