import type { StoredSession } from "../sessions/entry.ts";
import { SLOT_MS } from "../sessions/usage-record.ts";
import {
  byDate,
  byModel,
  type DatedRow,
  dailyLatency,
  grouped,
  latencyOf,
  messageCounts,
  modelDaily,
  type Priced,
  toolUsage,
  totalsOf,
} from "./sums.ts";

/** Upstream's name for a creator that is not known. */
export const CREATOR = '["unknown"]';

/** Which session it is, as `sessions.usage` tells it; a family is a key with all its session ids, here always one. */
export function sessionFacts({ key, agentId, entry }: StoredSession, byFamily: boolean) {
  const { label, sessionId, updatedAt, chatType, modelProvider, model, modelOverride, providerOverride } = entry;
  const family = {
    scope: "family",
    sessionFamilyKey: key,
    currentSessionId: sessionId,
    includedSessionIds: [sessionId],
    historicalInstanceCount: 1,
  };
  const facts = {
    key,
    label,
    sessionId,
    ...(byFamily ? family : { scope: "instance" }),
    updatedAt,
    agentId,
    creatorKey: CREATOR,
    channel: entry.deliveryContext?.channel,
    chatType,
    modelProvider,
    model,
    modelOverride,
    providerOverride,
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as typeof facts;
}

/** What a session's messages of the range cost; null when there are none. */
export function sessionUsage(
  { entry }: StoredSession,
  rows: readonly DatedRow[],
  tools: ReadonlyMap<string, number>,
  priced: Priced,
  databaseName: string,
) {
  if (rows.length === 0) return null;
  const first = Math.min(...rows.map(({ firstAt }) => firstAt));
  const last = Math.max(...rows.map(({ lastAt }) => lastAt));
  const latency = latencyOf(rows);
  const models = byModel(rows, priced);
  const days = byDate(rows);
  const slots = grouped(rows, ({ slot }) => String(slot)).map(([, group]) => group);
  return {
    ...totalsOf(rows, priced),
    sessionId: entry.sessionId,
    // Upstream's form, without the folders, which are not for every reader.
    sessionFile: `sqlite:${entry.sessionId}:${databaseName}`,
    firstActivity: first,
    lastActivity: last,
    durationMs: last - first,
    messageCounts: messageCounts(rows),
    ...(tools.size > 0 ? { toolUsage: toolUsage(tools) } : {}),
    ...(models.length > 0 ? { modelUsage: models } : {}),
    ...(latency ? { latency } : {}),
    activityDates: days.map(([date]) => date),
    dailyBreakdown: days.map(([date, day]) => {
      const totals = totalsOf(day, priced);
      return { date, tokens: totals.totalTokens, cost: totals.totalCost, ...totals };
    }),
    dailyMessageCounts: days.map(([date, day]) => ({ date, ...messageCounts(day) })),
    utcQuarterHourMessageCounts: slots.map((slot) => ({ ...quarterOf(slot), ...messageCounts(slot) })),
    utcQuarterHourTokenUsage: slots.map((slot) => {
      const { input, output, cacheRead, cacheWrite, totalTokens, totalCost } = totalsOf(slot, priced);
      return { ...quarterOf(slot), input, output, cacheRead, cacheWrite, totalTokens, totalCost };
    }),
    ...(latency ? { dailyLatency: dailyLatency(rows) } : {}),
    ...(models.length > 0 ? { dailyModelUsage: modelDaily(rows) } : {}),
  };
}

const SLOTS_PER_DAY = 86_400_000 / SLOT_MS;

function quarterOf([first]: readonly DatedRow[]): { date: string; quarterIndex: number } {
  const { slot } = first!;
  return { date: new Date(slot * SLOT_MS).toISOString().slice(0, 10), quarterIndex: slot % SLOTS_PER_DAY };
}
