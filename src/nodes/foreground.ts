import { LIMITS } from "../../generated/limits.ts";
import { NODE_COMMANDS } from "../../generated/node-commands.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Store } from "../store/store.ts";
import { type CommandConfig, effectiveCommands, platformKind } from "./command-policy.ts";
import type { Outcome } from "./invoke-answers.ts";
import type { NodeSession } from "./types.ts";

/** A command that waits for its app to come to the foreground. */
export interface ForegroundAction {
  id: string;
  command: string;
  paramsJSON: string | null;
  enqueuedAtMs: number;
}

interface ActionRow {
  id: string;
  command: string;
  params: string | null;
  enqueued_at: number;
}

const QUEUED: ReadonlySet<string> = new Set(NODE_COMMANDS.talk);
const FOREGROUND: ReadonlySet<string> = new Set(NODE_COMMANDS.foreground);

/** What an iOS app refused because it was in the background, kept until it asks for it (`node.pending.pull`). */
export class ForegroundActions {
  constructor(private readonly deps: { store: Store; clock: Clock }) {}

  /**
   * Passes an outcome on, unless the app was in the background: then the command is queued, or refused so that a caller
   * can tell it from a fault. @throws GatewayError `QUEUED_UNTIL_FOREGROUND`, `NODE_BACKGROUND_UNAVAILABLE`
   */
  async settle(
    { nodeId, facts }: NodeSession,
    request: { command: string; paramsJSON: string | null; idempotencyKey: string | undefined },
    outcome: Outcome,
  ): Promise<Outcome> {
    const { command } = request;
    const isBackground = outcome.error?.code === "NODE_BACKGROUND_UNAVAILABLE";
    if (!isBackground || platformKind(facts.platform) !== "ios") return outcome;
    const { code, message = "node invoke failed" } = outcome.error!;
    if (QUEUED.has(command))
      throw queued({ nodeId, command, queuedActionId: await this.add(nodeId, request) }, outcome);
    if (!FOREGROUND.has(command)) return outcome;
    throw new GatewayError("INVALID_REQUEST", message, {
      details: { nodeError: outcome.error, nodeCommandDispatched: true, code },
    });
  }

  /** What waits, oldest first. */
  async list(nodeId: string): Promise<ForegroundAction[]> {
    const since = this.deps.clock.now() - LIMITS.nodeActionTtlMs;
    const rows = await this.deps.store.read(
      (db) =>
        db
          .query("SELECT * FROM node_actions WHERE device_id = ? AND enqueued_at > ? ORDER BY enqueued_at, id")
          .all(nodeId, since) as ActionRow[],
    );
    return rows.map(({ id, command, params, enqueued_at }) => ({
      id,
      command,
      paramsJSON: params,
      enqueuedAtMs: enqueued_at,
    }));
  }

  /** What the app may do now of what waits for it: the policy may have changed since. @throws GatewayError */
  async pull(session: NodeSession, config: CommandConfig): Promise<ForegroundAction[]> {
    const allowed = effectiveCommands(session, session.surface, config);
    return (await this.list(session.nodeId)).filter(({ command }) => allowed.includes(command));
  }

  /** Forgets what the app has done. Returns how much still waits. */
  async acknowledge(nodeId: string, ids: readonly string[]): Promise<number> {
    await this.deps.store.write((db) => {
      const remove = db.query("DELETE FROM node_actions WHERE device_id = ? AND id = ?");
      for (const id of ids) remove.run(nodeId, id);
    });
    return (await this.list(nodeId)).length;
  }

  private add(
    nodeId: string,
    {
      command,
      paramsJSON,
      idempotencyKey = uuid(),
    }: { command: string; paramsJSON: string | null; idempotencyKey: string | undefined },
  ): Promise<string> {
    const now = this.deps.clock.now();
    return this.deps.store.write((db) => {
      db.query("DELETE FROM node_actions WHERE enqueued_at <= ?").run(now - LIMITS.nodeActionTtlMs);
      const same = db
        .query("SELECT id FROM node_actions WHERE device_id = ? AND command = ? AND idempotency_key = ?")
        .get(nodeId, command, idempotencyKey) as { id: string } | null;
      if (same !== null) return same.id;
      const id = uuid();
      db.query(
        "INSERT INTO node_actions (device_id, id, idempotency_key, command, params, enqueued_at) VALUES (?, ?, ?, ?, ?, ?)",
      ).run(nodeId, id, idempotencyKey, command, paramsJSON, now);
      db.query(
        `DELETE FROM node_actions WHERE device_id = ?1 AND id IN (
           SELECT id FROM node_actions WHERE device_id = ?1 ORDER BY enqueued_at DESC, id LIMIT -1 OFFSET ?2)`,
      ).run(nodeId, LIMITS.nodeActionsPerNode);
      return id;
    });
  }
}

function queued(action: { nodeId: string; command: string; queuedActionId: string }, { error }: Outcome): GatewayError {
  return new GatewayError("UNAVAILABLE", "node command queued until iOS returns to foreground", {
    retryable: true,
    details: {
      code: "QUEUED_UNTIL_FOREGROUND",
      ...action,
      // No push service is connected that could wake the app.
      wake: { path: "no-registration", available: false, throttled: false },
      nodeError: error,
    },
  });
}
