import type { Database } from "bun:sqlite";
import { LIMITS } from "../../generated/limits.ts";
import type { TranscriptRecord } from "./transcript-repository.ts";

/** Length of the slots that usage is added up in: every time zone's days begin at one. */
export const SLOT_MS = 900_000;

const ADDED = [
  "users",
  "assistants",
  "tool_calls",
  "tool_results",
  "errors",
  "metered",
  "input",
  "output",
  "cache_read",
  "cache_write",
  "total",
  "cost_input",
  "cost_output",
  "cost_cache_read",
  "cost_cache_write",
  "cost",
] as const;

type Spoken = Pick<TranscriptRecord, "role" | "content" | "timestamp" | "provider" | "model" | "usage" | "stopReason">;

/**
 * Adds a message to the sums of its transcript and agent. `before` is the message that stands right before it, from which
 * the time to the answer is counted. For use inside the transaction that stores it.
 */
export function recordUsage(
  db: Database,
  place: { transcript: number; agentId: string },
  message: Spoken,
  before: Pick<Spoken, "role" | "timestamp"> | undefined,
): void {
  const { role } = message;
  if (role === "system") return;
  const at = whole(message.timestamp);
  const slot = Math.floor(at / SLOT_MS);
  const calls = toolCalls(message);
  const values = { slot, ...sumsOf(message, calls.length), at, latency: latencyOf(message, before) };
  upsert(db, "usage_slots", "transcript").run({ owner: place.transcript, ...values });
  upsert(db, "usage_totals", "agent_id").run({ owner: place.agentId, ...values });
  for (const name of calls) {
    db.query(
      "INSERT INTO usage_tools (transcript, slot, name, calls) VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET calls = calls + 1",
    ).run(place.transcript, slot, name);
  }
}

function upsert(db: Database, table: "usage_slots" | "usage_totals", owner: string) {
  const sums = ADDED.map((name) => `${name} = ${name} + excluded.${name}`).join(", ");
  return db.query<null, [Record<string, string | number>]>(
    `INSERT INTO ${table} (${owner}, slot, provider, model, ${ADDED.join(", ")}, first_at, last_at, latencies)
     VALUES ($owner, $slot, $provider, $model, ${ADDED.map((name) => `$${name}`).join(", ")}, $at, $at, $latency)
     ON CONFLICT DO UPDATE SET ${sums}, first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),
       latencies = CASE
         WHEN excluded.latencies = '' OR length(latencies) >= ${LIMITS.usageLatencyChars} THEN latencies
         WHEN latencies = '' THEN excluded.latencies ELSE latencies || ',' || excluded.latencies END`,
  );
}

function sumsOf({ role, provider, model, usage, stopReason }: Spoken, toolCalls: number) {
  const isAnswer = role === "assistant";
  const total = whole(usage?.totalTokens);
  return {
    provider: isAnswer ? (provider ?? "") : "",
    model: isAnswer ? (model ?? "") : "",
    users: Number(role === "user"),
    assistants: Number(isAnswer),
    tool_calls: toolCalls,
    tool_results: Number(role === "toolResult"),
    errors: Number(stopReason === "error"),
    metered: Number(total > 0),
    input: whole(usage?.input),
    output: whole(usage?.output),
    cache_read: whole(usage?.cacheRead),
    cache_write: whole(usage?.cacheWrite),
    total,
    cost_input: finite(usage?.cost.input),
    cost_output: finite(usage?.cost.output),
    cost_cache_read: finite(usage?.cost.cacheRead),
    cost_cache_write: finite(usage?.cost.cacheWrite),
    cost: finite(usage?.cost.total),
  };
}

const toolCalls = ({ content }: Spoken): string[] =>
  typeof content === "string" ? [] : content.flatMap((part) => (part.type === "toolCall" ? [part.name] : []));

function latencyOf(message: Spoken, before: Pick<Spoken, "role" | "timestamp"> | undefined): string {
  if (message.role !== "assistant" || before?.role !== "user") return "";
  const latency = message.timestamp - before.timestamp;
  return latency >= 0 ? String(whole(latency)) : "";
}

/** What a provider counts is not always what it should be; a sum must not be spoilt by it. */
const finite = (value: number | undefined): number => (Number.isFinite(value) ? value! : 0);
const whole = (value: number | undefined): number => Math.round(finite(value));
