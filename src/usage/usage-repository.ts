import type { Database } from "bun:sqlite";
import { SLOT_MS } from "../sessions/usage-record.ts";
import type { Store } from "../store/store.ts";

/** What was said and what it cost in one quarter of an hour with one model. People's messages have an empty model. */
export interface SlotRow {
  slot: number;
  provider: string;
  model: string;
  users: number;
  assistants: number;
  toolCalls: number;
  toolResults: number;
  errors: number;
  /** Answers with tokens. */
  metered: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  total: number;
  inputCost: number;
  outputCost: number;
  cacheReadCost: number;
  cacheWriteCost: number;
  cost: number;
  firstAt: number;
  lastAt: number;
  /** Milliseconds from message to answer, separated by commas. */
  latencies: string | null;
}

const SUMS = `sum(users) AS users, sum(assistants) AS assistants, sum(tool_calls) AS toolCalls, sum(tool_results) AS toolResults,
  sum(errors) AS errors, sum(metered) AS metered, sum(input) AS input, sum(output) AS output, sum(cache_read) AS cacheRead,
  sum(cache_write) AS cacheWrite, sum(total) AS total, sum(cost_input) AS inputCost, sum(cost_output) AS outputCost,
  sum(cost_cache_read) AS cacheReadCost, sum(cost_cache_write) AS cacheWriteCost, sum(cost) AS cost,
  min(first_at) AS firstAt, max(last_at) AS lastAt, group_concat(nullif(latencies, '')) AS latencies`;

/** Moments, epoch milliseconds, in whose slots usage is looked for. */
export type Between = readonly [from: number, to: number];

/** Reads the sums that are kept beside the messages. */
export class UsageRepository {
  constructor(private readonly store: Store) {}

  /** Changes with every row that is written anywhere: this process alone writes. */
  writes(): Promise<number> {
    return this.store.read((db) => db.query<{ writes: number }, []>("SELECT total_changes() AS writes").get()!.writes);
  }

  /** By slot and model, of these agents. */
  totals(agentIds: readonly string[], between: Between): Promise<SlotRow[]> {
    const sql = `SELECT slot, provider, model, ${SUMS} FROM usage_totals
      WHERE agent_id IN (SELECT value FROM json_each($agents)) AND slot BETWEEN $from AND $to
      GROUP BY slot, provider, model ORDER BY slot`;
    return this.rows(sql, { $agents: JSON.stringify(agentIds) }, between);
  }

  /** By session key, slot and model, of these sessions, over all their transcripts. */
  async bySession(
    keys: readonly string[],
    between: Between,
  ): Promise<Map<string, { rows: SlotRow[]; tools: Map<string, number> }>> {
    const ids = { $ids: JSON.stringify(keys) };
    const of = `FROM json_each($ids) AS wanted JOIN transcripts ON transcripts.session_key = wanted.value`;
    const rows = await this.rows<SlotRow & { key: string }>(
      `SELECT wanted.value AS key, slot, provider, model, ${SUMS} ${of}
       JOIN usage_slots ON usage_slots.transcript = transcripts.id AND slot BETWEEN $from AND $to
       GROUP BY wanted.value, slot, provider, model ORDER BY slot`,
      ids,
      between,
    );
    const tools = await this.rows<{ key: string; name: string; calls: number }>(
      `SELECT wanted.value AS key, name, sum(calls) AS calls ${of}
       JOIN usage_tools ON usage_tools.transcript = transcripts.id AND slot BETWEEN $from AND $to
       GROUP BY wanted.value, name`,
      ids,
      between,
    );
    const found = new Map<string, { rows: SlotRow[]; tools: Map<string, number> }>();
    const entry = (id: string) => {
      const known = found.get(id) ?? { rows: [] as SlotRow[], tools: new Map<string, number>() };
      found.set(id, known);
      return known;
    };
    for (const { key, ...row } of rows) entry(key).rows.push(row);
    for (const { key, name, calls } of tools) entry(key).tools.set(name, calls);
    return found;
  }

  /** How many sessions of these agents were used, and the longest time between first and last message of one, ms. */
  async spans(agentIds: readonly string[], between: Between): Promise<{ count: number; longestMs: number }> {
    const sql = `SELECT count(*) AS count, coalesce(max(last - first), 0) AS longestMs FROM (
      SELECT min(first_at) AS first, max(last_at) AS last FROM usage_slots
      JOIN transcripts ON transcripts.id = usage_slots.transcript JOIN sessions ON sessions.key = transcripts.session_key
      WHERE slot BETWEEN $from AND $to AND sessions.agent_id IN (SELECT value FROM json_each($agents))
      GROUP BY sessions.key)`;
    const [row] = await this.rows<{ count: number; longestMs: number }>(
      sql,
      { $agents: JSON.stringify(agentIds) },
      between,
    );
    return row!;
  }

  /** How often each tool was called in sessions of these agents. */
  async tools(agentIds: readonly string[], between: Between): Promise<Map<string, number>> {
    const sql = `SELECT name, sum(calls) AS calls FROM usage_tools
      JOIN transcripts ON transcripts.id = usage_tools.transcript JOIN sessions ON sessions.key = transcripts.session_key
      WHERE slot BETWEEN $from AND $to AND sessions.agent_id IN (SELECT value FROM json_each($agents)) GROUP BY name`;
    const rows = await this.rows<{ name: string; calls: number }>(sql, { $agents: JSON.stringify(agentIds) }, between);
    return new Map(rows.map(({ name, calls }) => [name, calls]));
  }

  /** By channel, slot and model, of sessions of these agents whose answers go to a channel. */
  byChannel(agentIds: readonly string[], between: Between): Promise<(SlotRow & { channel: string })[]> {
    const sql = `SELECT route_channel AS channel, slot, provider, model, ${SUMS} FROM sessions
      JOIN transcripts ON transcripts.session_key = sessions.key
      JOIN usage_slots ON usage_slots.transcript = transcripts.id AND slot BETWEEN $from AND $to
      WHERE route_channel IS NOT NULL AND sessions.agent_id IN (SELECT value FROM json_each($agents))
      GROUP BY route_channel, slot, provider, model ORDER BY slot`;
    return this.rows(sql, { $agents: JSON.stringify(agentIds) }, between);
  }

  private rows<T = SlotRow>(sql: string, values: Record<string, string>, [from, to]: Between): Promise<T[]> {
    return this.store.read((db: Database) => {
      const bound = { ...values, $from: Math.floor(from / SLOT_MS), $to: Math.floor(to / SLOT_MS) };
      const named = Object.fromEntries(Object.entries(bound).map(([name, value]) => [name.slice(1), value]));
      return db.query<T, [Record<string, string | number>]>(sql).all(named);
    });
  }
}
