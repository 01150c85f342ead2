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
}

export interface ReplayOptions {
  target: Target;
  cases: readonly ParityCase[];
  /** The recorded answers. */
  records: ReadonlyMap<string, ParityRecord>;
  exceptions: readonly Exception[];
  compare?: CompareOptions;
  /** See {@link ParityRunner}. */
  pace?: number;
}

/**
 * Runs the cases against a live gateway and compares its answers with the recorded ones. Skipped cases are not run,
 * except for those that are listed as exceptions: what they do may be needed later. The gateway should be fresh.
 */
export async function replay({
  target,
  cases,
  records,
  exceptions,
  compare,
  pace,
}: ReplayOptions): Promise<CaseResult[]> {
  const verdicts = judge(cases, { exceptions });
  const excepted = new Set(exceptions.map(({ id }) => id));
  const connections = new Map(
    cases.filter(({ as, connect }) => as && connect).map(({ as, connect }) => [as!, connect]),
  );
  const runner = new ParityRunner(target, pace);
  const results: CaseResult[] = [];
  for (const step of cases) {
    const verdict = verdicts.get(step.id)!;
    if (verdict.kind === "skip" && !excepted.has(step.id)) {
      results.push({ step, verdict, differences: [] });
      continue;
    }
    const record = await runner.run(
      verdict.kind === "planned" ? { ...step, async: false, expectEvents: undefined, delayMs: 0 } : step,
    );
    results.push({ step, verdict, differences: differencesOf(verdict, record) });
  }
  await runner.close();
  return results;

  function differencesOf(verdict: Verdict, record: ParityRecord): string[] {
    if (verdict.kind === "planned") return compareUnknown(record, unknownMethodError(stepOf(record), connections));
    if (verdict.kind !== "compare") return [];
    const expected = records.get(record.id);
    return expected === undefined ? ["no answer was recorded"] : compareRecords(expected, record, compare);
  }

  function stepOf({ id }: ParityRecord): ParityCase {
    return cases.find((step) => step.id === id)!;
  }
}

function compareUnknown(record: ParityRecord, expected: { code: string; message: string }): string[] {
  if (record.harnessError !== undefined) return [`nothing was recorded: ${record.harnessError}`];
  const { code, message } = record.error ?? { code: "ok", message: "" };
  if (code === expected.code && message === expected.message) return [];
  return [`a planned method should answer ${expected.code} ${expected.message}, and not ${code} ${message}`];
}
