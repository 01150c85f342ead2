import { SLOT_MS } from "../sessions/usage-record.ts";
import type { DateRange } from "./date-range.ts";
import type { SlotRow } from "./usage-repository.ts";

/** Tokens and US dollars, in upstream's words. `missingCostEntries` counts answers of models without a known price. */
export interface UsageTotals {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  totalTokens: number;
  totalCost: number;
  inputCost: number;
  outputCost: number;
  cacheReadCost: number;
  cacheWriteCost: number;
  missingCostEntries: number;
  missingCostByModel?: Record<string, number>;
}

/** True when the price of a model is known. */
export type Priced = (provider: string, model: string) => boolean;

/** A row with the date that it belongs to. */
export type DatedRow = SlotRow & { date: string };

/** The rows that lie in the range, with their dates. */
export function dated<R extends SlotRow>(rows: readonly R[], range: DateRange): (R & { date: string })[] {
  const dates = new Map<number, string>();
  return rows.flatMap((row) => {
    const date = dates.get(row.slot) ?? range.dayOf(row.slot * SLOT_MS);
    dates.set(row.slot, date);
    return date >= range.startDate && date <= range.endDate ? [{ ...row, date }] : [];
  });
}

export function totalsOf(rows: readonly SlotRow[], priced: Priced): UsageTotals {
  const sum = (pick: (row: SlotRow) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const missing = new Map<string, number>();
  for (const { provider, model, metered, cost } of rows) {
    if (metered === 0 || cost > 0 || priced(provider, model)) continue;
    const name = `${provider}/${model}`;
    missing.set(name, (missing.get(name) ?? 0) + metered);
  }
  return {
    input: sum((row) => row.input),
    output: sum((row) => row.output),
    cacheRead: sum((row) => row.cacheRead),
    cacheWrite: sum((row) => row.cacheWrite),
    totalTokens: sum((row) => row.total),
    totalCost: sum((row) => row.cost),
    inputCost: sum((row) => row.inputCost),
    outputCost: sum((row) => row.outputCost),
    cacheReadCost: sum((row) => row.cacheReadCost),
    cacheWriteCost: sum((row) => row.cacheWriteCost),
    missingCostEntries: [...missing.values()].reduce((total, count) => total + count, 0),
    ...(missing.size > 0 ? { missingCostByModel: Object.fromEntries(missing) } : {}),
  };
}

export function messageCounts(rows: readonly SlotRow[]) {
  const sum = (pick: (row: SlotRow) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const user = sum(({ users }) => users);
  const assistant = sum(({ assistants }) => assistants);
  return {
    total: user + assistant,
    user,
    assistant,
    toolCalls: sum(({ toolCalls }) => toolCalls),
    toolResults: sum(({ toolResults }) => toolResults),
    errors: sum(({ errors }) => errors),
  };
}

/** Times to the answer in milliseconds, or undefined when none is known. */
export function latencyOf(rows: readonly SlotRow[]) {
  const all = rows
    .flatMap(({ latencies }) => (latencies ? latencies.split(",").map(Number) : []))
    .sort((a, b) => a - b);
  if (all.length === 0) return undefined;
  return {
    count: all.length,
    avgMs: all.reduce((total, each) => total + each, 0) / all.length,
    p95Ms: all[Math.ceil(all.length * 0.95) - 1]!,
    minMs: all[0]!,
    maxMs: all.at(-1)!,
  };
}

/** The rows in groups of one key, in the order in which the keys first appear. */
export function grouped<R>(rows: readonly R[], keyOf: (row: R) => string): [string, R[]][] {
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups];
}

/** Answers only: people's messages have no model. */
export const answersOf = <R extends SlotRow>(rows: readonly R[]): R[] =>
  rows.filter(({ assistants }) => assistants > 0);

/** Usage by model, most tokens first. */
export function byModel(rows: readonly SlotRow[], priced: Priced) {
  const groups = grouped(answersOf(rows), ({ provider, model }) => `${provider}\n${model}`).map(([, group]) => ({
    provider: group[0]!.provider,
    model: group[0]!.model,
    count: messageCounts(group).assistant,
    totals: totalsOf(group, priced),
  }));
  return groups.sort((a, b) => b.totals.totalCost - a.totals.totalCost || b.totals.totalTokens - a.totals.totalTokens);
}

export function byProvider(rows: readonly SlotRow[], priced: Priced) {
  const groups = grouped(answersOf(rows), ({ provider }) => provider).map(([provider, group]) => ({
    provider,
    count: messageCounts(group).assistant,
    totals: totalsOf(group, priced),
  }));
  return groups.sort((a, b) => b.totals.totalCost - a.totals.totalCost || b.totals.totalTokens - a.totals.totalTokens);
}

/** What makes an answer's tools part: how often which was called, the most used first. */
export function toolUsage(tools: ReadonlyMap<string, number>) {
  const list = [...tools].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count);
  return { totalCalls: list.reduce((sum, { count }) => sum + count, 0), uniqueTools: list.length, tools: list };
}

/** By date, in order. */
export const byDate = (rows: readonly DatedRow[]): [string, DatedRow[]][] =>
  grouped(rows, ({ date }) => date).sort(([a], [b]) => (a < b ? -1 : 1));

/** By date and model, dates in order. */
export function modelDaily(rows: readonly DatedRow[]) {
  return byDate(answersOf(rows) as DatedRow[]).flatMap(([date, day]) =>
    grouped(day, ({ provider, model }) => `${provider}\n${model}`).map(([, group]) => ({
      date,
      provider: group[0]!.provider,
      model: group[0]!.model,
      tokens: group.reduce((sum, { total }) => sum + total, 0),
      cost: group.reduce((sum, { cost }) => sum + cost, 0),
      count: messageCounts(group).assistant,
    })),
  );
}

export const dailyLatency = (rows: readonly DatedRow[]) =>
  byDate(rows).flatMap(([date, day]) => {
    const latency = latencyOf(day);
    return latency ? [{ date, ...latency }] : [];
  });
