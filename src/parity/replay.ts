import type { ParityCase, ParityRecord } from "./cases.ts";
import { type CompareOptions, compareRecords } from "./compare.ts";
import type { Target } from "./connection.ts";
import { ParityRunner } from "./runner.ts";
import { type Exception, judge, unknownMethodError, type Verdict } from "./scope.ts";

/** What came of a case. */
export interface CaseResult {
  step: ParityCase;
  verdict: Verdict;
  /** How the answer differs from what was asked of it; empty when it agrees. */
  differences: string[];
  /** Differences that an exception allows. */
  excepted: string[];
}

export interface ReplayOptions {
  target: Target;
  cases: readonly ParityCase[];
  /** The recorded answers. */
  records: ReadonlyMap<string, ParityRecord>;
  exceptions: readonly Exception[];
  /** Methods whose answers are compared; by default those that are implemented here. */
  implemented?: ReadonlySet<string>;
  compare?: CompareOptions;
  /** See {@link ParityRunner}. */
  pace?: number;
}

/**
 * Runs the cases against a live gateway and compares its answers with the recorded ones; cases that cannot be run are
 * skipped. The gateway should be fresh.
 */
export async function replay(options: ReplayOptions): Promise<CaseResult[]> {
  const { target, cases, records, exceptions, implemented, compare, pace } = options;
  const verdicts = judge(cases, { exceptions, implemented });
  const connections = new Map(
    cases.filter(({ as, connect }) => as && connect).map(({ as, connect }) => [as!, connect]),
  );
  const runner = new ParityRunner(target, pace);
  const results: CaseResult[] = [];
  for (const step of cases) {
    const verdict = verdicts.get(step.id)!;
    const result = { step, verdict, differences: [] as string[], excepted: [] as string[] };
    results.push(result);
    if (verdict.kind === "skip") continue;
    const record = await runner.run(verdict.kind === "planned" ? shortened(step) : step);
    if (verdict.kind === "planned") {
      result.differences = compareUnknown(record, unknownMethodError(step, connections));
    } else if (verdict.kind === "compare") {
      const lines = compareWith(records.get(step.id), record, compare);
      [result.excepted, result.differences] = divide(lines, verdict.exception);
    }
  }
  await runner.close();
  return results;
}

/** A request whose method is not known is answered at once and has no consequences to wait for. */
const shortened = (step: ParityCase): ParityCase => ({ ...step, async: false, expectEvents: undefined, delayMs: 0 });

const compareWith = (expected: ParityRecord | undefined, record: ParityRecord, options?: CompareOptions): string[] =>
  expected === undefined ? ["no answer was recorded"] : compareRecords(expected, record, options);

/** Which differences an exception allows, and which it does not. */
function divide(lines: readonly string[], exception: Exception | undefined): [allowed: string[], others: string[]] {
  if (exception === undefined) return [[], [...lines]];
  const { ignore } = exception;
  if (ignore === undefined) return [[...lines], []];
  const isAllowed = (line: string): boolean => {
    const path = /(?:^|\s)[-+~] (\S+)/.exec(line)?.[1];
    return path !== undefined && ignore.some((prefix) => path.startsWith(prefix));
  };
  return [lines.filter(isAllowed), lines.filter((line) => !isAllowed(line))];
}

function compareUnknown(record: ParityRecord, expected: { code: string; message: string }): string[] {
  if (record.harnessError !== undefined) return [`nothing was recorded: ${record.harnessError}`];
  const { code, message } = record.error ?? { code: "ok", message: "" };
  if (code === expected.code && message === expected.message) return [];
  return [`a planned method should answer ${expected.code} ${expected.message}, and not ${code} ${message}`];
}
