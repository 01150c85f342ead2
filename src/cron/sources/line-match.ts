import { LIMITS } from "../../../generated/limits.ts";

/** A line cannot be matched within the bounds. */
export class MatchBoundError extends Error {}

/** A group's, a class's or a character's repetition without an end, or one that is as good as that. */
const UNBOUNDED = /(?:[*+]|\{\d*,\}|\{\d+,\d{2,}\}|\{\d{3,}\})/g;

/**
 * Matches lines against a pattern of an operator. A regular expression cannot be interrupted, so that a line is only
 * matched when even the worst that the pattern could do with it is bounded, and the time that is spent is watched.
 */
export class LineMatch {
  private readonly pattern: RegExp;
  /** Of a line that is matched, so that the worst stays bounded. */
  private readonly longest: number;
  private spentMs = 0;
  private windowStart = 0;

  constructor(
    source: string,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.pattern = new RegExp(source);
    const loops = source.replace(/\\./g, "x").match(UNBOUNDED)?.length ?? 0;
    const power = loops + (source.startsWith("^") && !source.includes("|") ? 0 : 1);
    this.longest = Math.floor(LIMITS.cronStreamMatchSteps ** (1 / Math.max(power, 1)));
  }

  /** @throws MatchBoundError when it would take, or has taken, too long */
  test(line: string): boolean {
    if (line.length > this.longest) {
      throw new MatchBoundError(`a line of ${line.length} characters is too long for the match expression`);
    }
    const from = this.now();
    if (from - this.windowStart > LIMITS.cronStreamMatchWindowMs) [this.windowStart, this.spentMs] = [from, 0];
    const found = this.pattern.test(line);
    this.spentMs += this.now() - from;
    if (this.spentMs > LIMITS.cronStreamMatchBudgetMs) {
      throw new MatchBoundError("the match expression takes too long");
    }
    return found;
  }
}
