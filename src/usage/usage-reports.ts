import { LIMITS } from "../../generated/limits.ts";
import type { SessionsUsageParams, SessionsUsageResult, UsageCostResult } from "../../generated/types.ts";
import { agentId as normalAgentId } from "../agents/roster.ts";
import type { Models } from "../models/models.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { StoredSession } from "../sessions/entry.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { type DateRange, dateRange, outerBounds, type RangeParams } from "./date-range.ts";
import { CREATOR, sessionFacts, sessionUsage } from "./session-usage.ts";
import {
  byDate,
  byModel,
  byProvider,
  type DatedRow,
  dailyLatency,
  dated,
  grouped,
  latencyOf,
  messageCounts,
  modelDaily,
  type Priced,
  toolUsage,
  totalsOf,
} from "./sums.ts";
import type { Between, UsageRepository } from "./usage-repository.ts";

/** Upstream's number of sessions when nobody says. */
const DEFAULT_SESSIONS = 50;

/** The sums are kept with the messages; there is no cache that could lag behind them. */
const FRESH = { status: "fresh", cachedFiles: 0, pendingFiles: 0, staleFiles: 0 };

export interface UsageReportsOptions {
  repository: UsageRepository;
  sessions: Sessions;
  models: Models;
  clock: Clock;
}

/**
 * What models cost, by day, model and session. Days of agents count what was spent, also in sessions that are gone; of a
 * single session only what its messages cost.
 */
export class UsageReports {
  constructor(private readonly options: UsageReportsOptions) {}

  /**
   * `usage.cost`: tokens and dollars by day, of the default agent unless one is named or all are meant.
   * @throws GatewayError for days that are none, and for one agent and all at once
   */
  async cost(params: Record<string, unknown>): Promise<UsageCostResult> {
    const { repository, clock } = this.options;
    if (params.agentScope === "all" && params.agentId !== undefined) {
      throw invalidRequest("agentScope=all cannot be combined with agentId");
    }
    const now = clock.now();
    this.prices = new Map();
    const range = dateRange(params as RangeParams, now);
    const agents = this.agentIds(params);
    const rows = dated(await repository.totals(agents, outerBounds(range)), range);
    const days = new Map(byDate(rows));
    const dates = range.days <= LIMITS.usageZeroDays ? range.dates() : [...days.keys()];
    const daily = dates.map((date) => ({ date, ...totalsOf(days.get(date) ?? [], this.priced) }));
    return { updatedAt: now, days: range.days, daily, totals: totalsOf(rows, this.priced), cacheStatus: FRESH };
  }

  /**
   * `sessions.usage`: what each of the sessions that were used in the range cost, the newest first, and all together.
   * @throws GatewayError as {@link cost} does
   */
  async sessions(params: SessionsUsageParams): Promise<SessionsUsageResult> {
    const { clock } = this.options;
    if (params.agentScope === "all" && (params.agentId !== undefined || params.key !== undefined)) {
      throw invalidRequest("agentScope=all cannot be combined with key or agentId");
    }
    const now = clock.now();
    const range = dateRange(params, now);
    // Pages ask for the same again and again, mostly while nothing happens.
    const question = JSON.stringify([params, range.startDate, range.endDate]);
    const [writes, prices] = [await this.options.repository.writes(), this.options.models.providers()];
    const { last } = this;
    if (last?.question === question && last.writes === writes && last.prices === prices) {
      return { ...last.answer, updatedAt: now };
    }
    const answer = await this.reportOf(params, range, now);
    this.last = { question, writes, prices, answer };
    return answer;
  }

  /** The last report of sessions, and what it was made from. */
  private last: { question: string; writes: number; prices: unknown; answer: SessionsUsageResult } | undefined;

  private async reportOf(params: SessionsUsageParams, range: DateRange, now: number): Promise<SessionsUsageResult> {
    this.prices = new Map();
    const between = outerBounds(range);
    const shown = await this.chosen(params, range);
    const keys = shown.map(({ key }) => key);
    const used = await this.options.repository.bySession(keys, between);
    const byFamily = params.groupBy === "family" || params.includeHistorical === true;
    const sessions = shown.map((session) => {
      const { rows = [], tools = new Map<string, number>() } = used.get(session.key) ?? {};
      const usage = sessionUsage(session, dated(rows, range), tools, this.priced, this.options.sessions.path);
      return { ...sessionFacts(session, byFamily), usage, hasContextWeight: false };
    });
    const together =
      params.key === undefined
        ? await this.ofAgents(this.agentIds(params), range, between)
        : this.ofOne(shown[0], used, range);
    return {
      updatedAt: now,
      startDate: range.startDate,
      endDate: range.endDate,
      sessions,
      ...together,
      creatorOptions: sessions.length > 0 ? [{ key: CREATOR }] : [],
      cacheStatus: FRESH,
    };
  }

  /** Whether models have a price, as far as the report at work has asked. */
  private prices = new Map<string, boolean>();

  private readonly priced: Priced = (provider, model) => {
    const ref = `${provider}/${model}`;
    const known = this.prices.get(ref) ?? this.options.models.find(ref)?.cost !== undefined;
    this.prices.set(ref, known);
    return known;
  };

  private agentIds({ agentId, agentScope }: { agentId?: unknown; agentScope?: unknown }): string[] {
    const { roster } = this.options.sessions.agents;
    if (agentScope === "all") return roster.agents.map(({ id }) => id);
    return [typeof agentId === "string" && agentId.trim() !== "" ? normalAgentId(agentId) : roster.defaultId];
  }

  /** The sessions that are shown one by one. */
  private async chosen(
    params: SessionsUsageParams,
    { startDate, endDate, dayOf }: DateRange,
  ): Promise<StoredSession[]> {
    const { repository } = this.options.sessions;
    if (params.key !== undefined) {
      const session = await repository.find(this.options.sessions.lookupKey(params.key, params.agentId));
      return session ? [session] : [];
    }
    const limit = Math.min(params.limit ?? DEFAULT_SESSIONS, LIMITS.usageSessions);
    const filter = { agentIds: this.agentIds(params), includeGlobal: true, includeUnknown: true };
    const { sessions } = await repository.list(filter, { order: "recent", limit, offset: 0 });
    return sessions.filter(({ entry }) => {
      const day = dayOf(entry.updatedAt);
      return day >= startDate && day <= endDate;
    });
  }

  private async ofAgents(agents: readonly string[], range: DateRange, between: Between) {
    const { repository } = this.options;
    const byAgent = await Promise.all(
      agents.map(async (agentId) => ({ agentId, rows: dated(await repository.totals([agentId], between), range) })),
    );
    const channels = dated(await repository.byChannel(agents, between), range);
    const tools = await repository.tools(agents, between);
    const { count, longestMs } = await repository.spans(agents, between);
    const rows = byAgent.flatMap((each) => each.rows);
    return this.together(rows, tools, {
      sessionCount: count,
      longestMs,
      byAgent: byAgent
        .filter((each) => each.rows.length > 0)
        .map((each) => ({ agentId: each.agentId, totals: totalsOf(each.rows, this.priced) })),
      byChannel: grouped(channels, ({ channel }) => channel).map(([channel, group]) => ({
        channel,
        totals: totalsOf(group, this.priced),
      })),
    });
  }

  private ofOne(
    session: StoredSession | undefined,
    used: Awaited<ReturnType<UsageRepository["bySession"]>>,
    range: DateRange,
  ) {
    const found = session && used.get(session.key);
    const rows = dated(found?.rows ?? [], range);
    const totals = totalsOf(rows, this.priced);
    const channel = session?.entry.deliveryContext?.channel;
    const some = rows.length > 0;
    return this.together(rows, found?.tools ?? new Map(), {
      sessionCount: Number(some),
      longestMs: spanOf(rows),
      byAgent: some ? [{ agentId: session!.agentId, totals }] : [],
      byChannel: some && channel !== undefined ? [{ channel, totals }] : [],
    });
  }

  private together(
    rows: readonly DatedRow[],
    tools: ReadonlyMap<string, number>,
    facts: { sessionCount: number; longestMs: number; byAgent: object[]; byChannel: object[] },
  ) {
    const latency = latencyOf(rows);
    const days = byDate(rows);
    return {
      totals: totalsOf(rows, this.priced),
      aggregates: {
        sessionCount: facts.sessionCount,
        ...(rows.length > 0 ? { longestSessionDurationMs: facts.longestMs } : {}),
        messages: messageCounts(rows),
        tools: toolUsage(tools),
        byModel: byModel(rows, this.priced),
        byProvider: byProvider(rows, this.priced),
        byAgent: facts.byAgent,
        byChannel: facts.byChannel,
        // Who made a session is not known as long as there is one owner.
        byCreator: [],
        costDaily: days.map(([date, day]) => ({ date, ...totalsOf(day, this.priced) })),
        ...(latency ? { latency } : {}),
        dailyLatency: dailyLatency(rows),
        modelDaily: modelDaily(rows),
        daily: days.map(([date, day]) => {
          const { total: messages, toolCalls, errors } = messageCounts(day);
          const { totalTokens: tokens, totalCost: cost } = totalsOf(day, this.priced);
          return { date, tokens, cost, messages, toolCalls, errors };
        }),
      },
    };
  }
}

const spanOf = (rows: readonly DatedRow[]): number =>
  rows.length === 0
    ? 0
    : Math.max(...rows.map(({ lastAt }) => lastAt)) - Math.min(...rows.map(({ firstAt }) => firstAt));
