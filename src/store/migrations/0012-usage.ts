import type { Migration } from "../migrate.ts";

/**
 * What was said and what it cost, added up per quarter of an hour (`slot`, counted from the epoch in UTC), so that days of
 * any time zone are sums of slots. `usage_slots` by transcript, gone with it; `usage_totals` by agent, which stays, as
 * money that was spent does. People's messages stand under the empty provider and model. `metered` counts answers with
 * tokens; `latencies` lists milliseconds from message to answer. `usage_tools` counts tool calls by name.
 */
export const usage: Migration = {
  version: 12,
  name: "usage",
  up: (db) => {
    db.exec(`
      CREATE TABLE usage_slots (
        transcript INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
        ${COLUMNS},
        PRIMARY KEY (transcript, slot, provider, model)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX usage_slots_by_time ON usage_slots (slot, transcript, first_at, last_at);
      CREATE TABLE usage_totals (
        agent_id TEXT NOT NULL,
        ${COLUMNS},
        PRIMARY KEY (agent_id, slot, provider, model)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE usage_tools (
        transcript INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
        slot INTEGER NOT NULL,
        name TEXT NOT NULL,
        calls INTEGER NOT NULL,
        PRIMARY KEY (transcript, slot, name)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX usage_tools_by_time ON usage_tools (slot);

      INSERT INTO usage_slots SELECT transcript, ${SUMS_OF_MESSAGES} FROM messages
        WHERE role <> 'system' AND typeof(body ->> '$.timestamp') = 'integer' GROUP BY 1, 2, 3, 4;
      INSERT INTO usage_totals SELECT sessions.agent_id, ${SUMS_OF_SLOTS} FROM usage_slots
        JOIN transcripts ON transcripts.id = usage_slots.transcript JOIN sessions ON sessions.key = transcripts.session_key
        GROUP BY 1, 2, 3, 4;
      INSERT INTO usage_tools SELECT transcript, (messages.body ->> '$.timestamp') / 900000, part.value ->> 'name', count(*)
        FROM messages, json_each(messages.body, '$.content') AS part
        WHERE role = 'assistant' AND part.type = 'object' AND part.value ->> 'type' = 'toolCall'
          AND part.value ->> 'name' IS NOT NULL
        GROUP BY 1, 2, 3;
    `);
  },
};

const COUNTS = ["users", "assistants", "tool_calls", "tool_results", "errors", "metered"];
const TOKENS = ["input", "output", "cache_read", "cache_write", "total"];
const COSTS = ["cost_input", "cost_output", "cost_cache_read", "cost_cache_write", "cost"];

const COLUMNS = [
  "slot INTEGER NOT NULL",
  "provider TEXT NOT NULL",
  "model TEXT NOT NULL",
  ...[...COUNTS, ...TOKENS].map((name) => `${name} INTEGER NOT NULL`),
  ...COSTS.map((name) => `${name} REAL NOT NULL`),
  "first_at INTEGER NOT NULL",
  "last_at INTEGER NOT NULL",
  "latencies TEXT NOT NULL",
].join(", ");

const field = (path: string): string => `coalesce(body ->> '$.${path}', 0)`;
const counted = (condition: string): string => `sum(CASE WHEN ${condition} THEN 1 ELSE 0 END)`;

const SUMS_OF_MESSAGES = [
  "(body ->> '$.timestamp') / 900000",
  "CASE role WHEN 'assistant' THEN coalesce(body ->> '$.provider', '') ELSE '' END",
  "CASE role WHEN 'assistant' THEN coalesce(body ->> '$.model', '') ELSE '' END",
  counted("role = 'user'"),
  counted("role = 'assistant'"),
  "sum((SELECT count(*) FROM json_each(body, '$.content') AS part WHERE part.type = 'object' AND part.value ->> 'type' = 'toolCall'))",
  counted("role = 'toolResult'"),
  counted("body ->> '$.stopReason' = 'error'"),
  counted("coalesce(body ->> '$.usage.totalTokens', 0) > 0"),
  ...["input", "output", "cacheRead", "cacheWrite", "totalTokens"].map((name) => `sum(${field(`usage.${name}`)})`),
  ...["input", "output", "cacheRead", "cacheWrite", "total"].map((name) => `sum(${field(`usage.cost.${name}`)} * 1.0)`),
  "min(body ->> '$.timestamp')",
  "max(body ->> '$.timestamp')",
  "''",
].join(", ");

const SUMS_OF_SLOTS = [
  "slot",
  "provider",
  "model",
  ...[...COUNTS, ...TOKENS, ...COSTS].map((name) => `sum(${name})`),
  "min(first_at)",
  "max(last_at)",
  "''",
].join(", ");
