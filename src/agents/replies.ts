import type { Database } from "bun:sqlite";
import { GatewayError } from "../platform/errors.ts";
import type { Logger } from "../platform/logger.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Store } from "../store/store.ts";
import type { Runs } from "./runs/runs.ts";
import type { RunOutcome } from "./runs/types.ts";
import { requestHash } from "./user-message.ts";

/** A place in a channel that an answer goes to. */
export interface ReplyPlace {
  channel: string;
  to: string;
  accountId?: string;
  threadId?: string;
}

/** What is wished for; what is open is found in the session. */
export interface ReplyWish {
  channel?: string;
  to?: string;
  accountId?: string;
  threadId?: string;
}

/** What became of an answer (docs: cli/agent, JSON delivery status). */
export interface DeliveryStatus {
  requested: true;
  attempted: boolean;
  status: "sent" | "suppressed" | "failed";
  succeeded: boolean;
  resultCount?: number;
  reason?: string;
  error?: true;
  errorMessage?: string;
}

/** The outbox of channels, as far as answers need it. */
export interface ReplyOutbound {
  send(
    params: ReplyPlace & { message: string; idempotencyKey: string },
    sender: { client: { id: string } },
  ): Promise<unknown>;
  /** The id by which a channel is known here; null for one that cannot be reached at all. */
  known(channel: string): string | null;
  configuredIds(): string[];
}

/**
 * Answers of runs on their way to channels. Where one is to go is on disk with the message that asks for it, and stays there
 * until the outbox has it: an answer goes out once, whenever the gateway ends. A run that does not succeed sends nothing.
 */
export class Replies {
  private outbound: ReplyOutbound | undefined;

  constructor(private readonly deps: { store: Store; sessions: Sessions; runs: Pick<Runs, "find">; log: Logger }) {}

  useOutbound(outbound: ReplyOutbound): void {
    this.outbound = outbound;
  }

  /** Whether messages can be given to a channel at all. */
  reaches(channel: string): boolean {
    return (this.outbound?.known(channel) ?? null) !== null;
  }

  /**
   * Where an answer goes: what is wished for, completed by the place that the session's last message came from.
   * Null when there is no such place.
   */
  async placeOf(sessionKey: string, { channel, to, accountId, threadId }: ReplyWish = {}): Promise<ReplyPlace | null> {
    const { outbound } = this;
    const last = await this.deps.sessions.lastRoute(sessionKey);
    const named = channel === undefined || channel === "last" ? undefined : outbound?.known(channel);
    if (outbound === undefined || named === null) return null;
    const [only, second] = outbound.configuredIds();
    const id = named ?? last?.channel ?? (second === undefined ? only : undefined);
    if (id === undefined || outbound.known(id) === null) return null;
    const base = last?.channel === id && (to === undefined || to === last.to) ? last : undefined;
    const target = to?.trim() || base?.to;
    if (target === undefined) return null;
    const account = accountId ?? base?.accountId;
    const thread = threadId ?? base?.threadId;
    return {
      channel: id,
      to: target,
      ...(account === undefined ? {} : { accountId: account }),
      ...(thread === undefined ? {} : { threadId: thread }),
    };
  }

  /** Writes down where a run's answer goes, in the transaction that accepts its message. */
  remember(runId: string, sessionKey: string, place: ReplyPlace): (db: Database) => void {
    return (db) => {
      db.query("INSERT INTO reply_routes (run_id, session_key, place) VALUES (?, ?, ?)").run(
        runId,
        sessionKey,
        JSON.stringify(place),
      );
    };
  }

  /** Sends the answer of a run that has ended. Never rejects. */
  async deliver(runId: string, outcome: RunOutcome): Promise<DeliveryStatus> {
    const { store, log } = this.deps;
    try {
      const row = await store.read(
        (db) =>
          db
            .query("SELECT session_key AS sessionKey, place FROM reply_routes WHERE run_id = ?")
            .get(runId) as Row | null,
      );
      if (row === null) return failed("no_delivery_target");
      const status = await this.send(runId, outcome, row);
      await this.forget(runId);
      return status;
    } catch (error) {
      log.error("an answer could not be given to its channel", { runId, error });
      return failed("delivery_error");
    }
  }

  /** Delivers what the last stop or crash left. */
  async start(): Promise<void> {
    const { store, runs } = this.deps;
    const ids = await store.read(
      (db) => db.query("SELECT run_id AS runId FROM reply_routes").all() as { runId: string }[],
    );
    for (const { runId } of ids) {
      const outcome = (await runs.find(runId))?.outcome;
      if (outcome) void this.deliver(runId, outcome);
      else await this.forget(runId);
    }
  }

  private async send(runId: string, outcome: RunOutcome, { sessionKey, place }: Row): Promise<DeliveryStatus> {
    const { outbound } = this;
    const { status, reply, receipt } = outcome;
    const said = status === "ok" && reply?.disposition === "visible" ? reply.text?.trim() : undefined;
    if (said === undefined || said === "") {
      return { requested: true, attempted: false, status: "suppressed", succeeded: false, reason: "no_visible_result" };
    }
    if (outbound === undefined) return failed("no_delivery_target");
    // Messages that a run took in while it was at work share its answer, which goes out once.
    const idempotencyKey = `reply:${requestHash(receipt?.runId ?? runId, sessionKey)}`;
    const message = [...(await this.tools(sessionKey, outcome)), said].join("\n\n");
    try {
      await outbound.send({ ...(JSON.parse(place) as ReplyPlace), message, idempotencyKey }, SENDER);
      return { requested: true, attempted: true, status: "sent", succeeded: true, resultCount: 1 };
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const isQueued = (error.details as { code?: string } | undefined)?.code === "OUTBOUND_DELIVERY_QUEUED";
      return { ...failed(isQueued ? "delivery_queued" : "delivery_failed", true), errorMessage: error.message };
    }
  }

  /** Which tools were used, for a session that wants to know (`/verbose`). */
  private async tools(sessionKey: string, { receipt }: RunOutcome): Promise<string[]> {
    const names = receipt?.successfulToolNames ?? [];
    const level = (await this.deps.sessions.repository.find(sessionKey))?.entry.verboseLevel ?? "off";
    return level === "off" || names.length === 0 ? [] : [`🛠️ ${names.join(", ")}`];
  }

  private forget(runId: string): Promise<void> {
    return this.deps.store.write((db) => void db.query("DELETE FROM reply_routes WHERE run_id = ?").run(runId));
  }
}

interface Row {
  sessionKey: string;
  place: string;
}

const SENDER = { client: { id: "gateway" } };

const failed = (reason: string, attempted = false): DeliveryStatus => ({
  requested: true,
  attempted,
  status: "failed",
  succeeded: false,
  reason,
  error: true,
});
