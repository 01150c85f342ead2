import type { Action, ActionContext, Finding, Origin } from "./types.ts";

/** What a guard is asked to look at: a whole text, or one piece of a long one. */
export interface GuardInput {
  text: string;
  origin: Origin;
  /** @throws BudgetExceeded when the time for this text is used up. Guards call it between their steps. */
  checkTime(): void;
}

/**
 * Looks at inbound text and says what it finds. The same input gives the same findings; time is linear in its length.
 */
export interface Guard {
  readonly name: string;
  inspect(input: GuardInput): Finding[];
}

/** Looks at what is about to be done. Guards that ask the network or the disk answer with a promise. */
export interface ActionGuard {
  readonly name: string;
  /** `checkTime` throws BudgetExceeded when the time for this action is used up. */
  inspect(action: Action, context: ActionContext, checkTime: () => void): Finding[] | Promise<Finding[]>;
}

/** The time budget of a text is used up. */
export class BudgetExceeded extends Error {
  constructor() {
    super("the time budget is used up");
    this.name = "BudgetExceeded";
  }
}

/** Counts the time that guards work on one text; pauses between pieces do not count. */
export class TimeBudget {
  private used = 0;
  private since = 0;

  /** @param now milliseconds of a clock that never goes back */
  constructor(
    private readonly limitMs: number,
    private readonly now: () => number,
  ) {}

  begin(): void {
    this.since = this.now();
  }

  end(): void {
    this.used += this.now() - this.since;
    this.since = this.now();
  }

  readonly check = (): void => {
    this.end();
    if (this.used > this.limitMs) throw new BudgetExceeded();
  };
}

/**
 * What a guard answers, unless its promise takes longer than the budget: then it counts as one that ran out of time.
 * @throws BudgetExceeded, or what the guard throws
 */
export async function inTime<T>(answer: T | Promise<T>, budgetMs: number): Promise<T> {
  if (!(answer instanceof Promise)) return answer;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new BudgetExceeded()), budgetMs);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}
