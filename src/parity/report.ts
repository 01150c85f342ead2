import type { CaseResult } from "./replay.ts";

/** Counts of cases, of one family or of all. */
export interface Tally {
  cases: number;
  /** Compared with a recorded answer. */
  compared: number;
  agree: number;
  /** Of those that agree: except in points that exceptions.yaml allows. */
  excepted: number;
  /** Of planned methods: answered as an unknown method, as they should be. */
  planned: number;
  skipped: number;
  /** Did not do what was asked of them, planned ones included. */
  failed: number;
}

export function tally(results: readonly CaseResult[]): Tally {
  const counted = results.filter(({ verdict }) => verdict.kind !== "step");
  const count = (fits: (result: CaseResult) => boolean): number => counted.filter(fits).length;
  return {
    cases: counted.length,
    compared: count(({ verdict }) => verdict.kind === "compare"),
    agree: count(({ verdict, differences }) => verdict.kind === "compare" && differences.length === 0),
    excepted: count(({ differences, excepted }) => differences.length === 0 && excepted.length > 0),
    planned: count(({ verdict, differences }) => verdict.kind === "planned" && differences.length === 0),
    skipped: count(({ verdict }) => verdict.kind === "skip"),
    failed: count(({ differences }) => differences.length > 0),
  };
}

/** A Markdown table with a line per family and one for all. */
export function summaryTable(results: readonly CaseResult[]): string {
  const families = Map.groupBy(results, ({ step }) => step.family);
  const line = (name: string, { cases, compared, agree, excepted, planned, skipped, failed }: Tally): string =>
    `| ${[name, cases, compared, agree, excepted, planned, skipped, failed].join(" | ")} |`;
  return [
    "| family | cases | compared | agree | of them excepted | planned | skipped | failed |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...[...families].sort(([a], [b]) => a.localeCompare(b)).map(([name, of]) => line(name, tally(of))),
    line("all", tally(results)),
  ].join("\n");
}

const MOST_LINES = 20;

/** Every case that failed, with what differs. */
export function failures(results: readonly CaseResult[]): string[] {
  return results
    .filter(({ differences }) => differences.length > 0)
    .map(({ step, differences }) => {
      const lines = differences.slice(0, MOST_LINES).map((line) => `    ${line}`);
      if (differences.length > MOST_LINES) lines.push(`    … ${differences.length - MOST_LINES} more`);
      return [`${step.id} (${step.method ?? "connect"})`, ...lines].join("\n");
    });
}

/** Why cases were skipped, and how many for each reason. */
export function skipReasons(results: readonly CaseResult[]): string[] {
  const skipped = results.flatMap(({ step, verdict }) =>
    verdict.kind === "skip" ? [{ id: step.id, ...verdict }] : [],
  );
  const byReason = Map.groupBy(skipped, ({ reason }) => reason);
  return [...byReason].map(([reason, of]) => `${of.length} x ${reason}: ${of.map(({ id }) => id).join(", ")}`);
}

/** What exceptions.yaml allows and was found, a line for each entry. */
export function exceptionsUsed(results: readonly CaseResult[]): string[] {
  const used = results.filter(({ excepted }) => excepted.length > 0);
  const byReason = Map.groupBy(used, ({ verdict }) => (verdict.kind === "compare" && verdict.exception?.reason) || "");
  return [...byReason].map(([reason, of]) => `${of.length} x ${reason}: ${of.map(({ step }) => step.id).join(", ")}`);
}

/** Cases of exceptions.yaml that agree in every point, so that they do not belong there any more. */
export const superfluousExceptions = (results: readonly CaseResult[]): string[] =>
  results
    .filter(({ verdict, excepted }) => verdict.kind === "compare" && verdict.exception && excepted.length === 0)
    .map(({ step }) => step.id);
