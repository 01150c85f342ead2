import { LIMITS } from "../../generated/limits.ts";
import type {
  ChatSendParams,
  SessionsGoalAnswer,
  SessionsGoalClearParams,
  SessionsGoalUpdateParams,
} from "../../generated/types.ts";
import type { DefenderPort } from "../defender/types.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import { operationConflict } from "../sessions/goals/goal.ts";
import { type GoalDone, goalWithRun, mutateGoal } from "../sessions/goals/goals.ts";
import type { GoalOperation } from "../sessions/goals/receipts.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Runs } from "./runs/runs.ts";
import type { RunInput } from "./runs/types.ts";
import { screenInbound } from "./screening.ts";
import type { Sender } from "./sender.ts";
import { requestHash, transportMeta, userMessage } from "./user-message.ts";

export interface GoalRunsOptions {
  sessions: Sessions;
  runs: Runs;
  defender: DefenderPort;
  clock: Clock;
}

/** Where a goal's run takes place. */
export interface GoalPlace {
  sessionKey: string;
  agentId: string;
}

/** A goal operation that a run has begun with. */
export type GoalStarted = SessionsGoalAnswer & { runId: string; status: "started" };

/** What the model is asked when a goal is taken up again. */
export const GO_ON = "Go on with the goal of this session.";

/** Goals of sessions whose pursuit is a run: it begins with the goal, in one commit, or neither does (docs: tools/goal). */
export class GoalRuns {
  constructor(private readonly options: GoalRunsOptions) {}

  /**
   * `chat.send` with the intent to start a goal: the message is its objective, word by word.
   * @throws GatewayError for options that a goal does not go with, a busy session, or one that has a goal
   */
  async start(params: ChatSendParams, place: GoalPlace, sender: Sender): Promise<GoalStarted> {
    const { message: objective, idempotencyKey: operationId, intent } = params;
    const operation = { operationId, issuedAtMs: intent!.issuedAtMs, requestHash: requestHash("goal.start", params) };
    const goalId = uuid();
    const now = this.options.clock.now();
    const { kind, version } = intent!;
    const meta = { ...transportMeta(sender), intent: { kind, version, goalId, operationId } };
    const message = userMessage({ runId: operationId, text: objective, images: [] }, now, meta);
    const wish = { ...operation, action: "start", goalId, objective, runId: operationId } as const;
    // A plain message of this key and text is the same message.
    const runHash = requestHash("chat.send", place.sessionKey, objective, []);
    return this.begin(place, wish, { message, runHash }, sender).catch((error) => {
      throw asChatError(error);
    });
  }

  /**
   * `sessions.goal.update`: changes a goal; `resume` begins a run whose question is nobody's message.
   * @throws GatewayError as {@link mutateGoal} does, or for a busy session
   */
  async update(params: SessionsGoalUpdateParams, sender: Sender): Promise<SessionsGoalAnswer> {
    const hash = requestHash("goal.update", params);
    if (params.action !== "resume") return mutateGoal(this.options.sessions, params, hash);
    const { sessions, clock } = this.options;
    const { operationId, issuedAtMs, goalId, sessionId } = params;
    const sessionKey = sessions.canonicalKey(params.sessionKey, params.agentId);
    const note = "note" in params ? params.note : undefined;
    const operation = { operationId, issuedAtMs, requestHash: hash };
    const wish = { ...operation, action: "resume", goalId, sessionId, note, runId: operationId } as const;
    const meta = { ...transportMeta(sender), internal: true };
    const message = userMessage({ runId: operationId, text: GO_ON, images: [] }, clock.now(), meta);
    return this.begin({ sessionKey, agentId: sessions.agentOf(sessionKey) }, wish, { message, runHash: hash }, sender);
  }

  /** `sessions.goal.clear`. @throws GatewayError as {@link mutateGoal} does */
  clear(params: SessionsGoalClearParams): Promise<SessionsGoalAnswer> {
    return mutateGoal(this.options.sessions, params, requestHash("goal.clear", params));
  }

  private async begin(
    { sessionKey, agentId }: GoalPlace,
    wish: Parameters<typeof goalWithRun>[2],
    { message, runHash }: { message: RunInput["message"]; runHash: string },
    sender: Sender,
  ): Promise<GoalStarted> {
    const { sessions, runs, clock, defender } = this.options;
    const { operationId: runId } = wish;
    const earlier = await this.answeredBefore(sessionKey, wish);
    if (earlier) return earlier as GoalStarted;
    this.demandIdle(sessionKey);
    const last = (await sessions.recent(sessionKey, 1)).at(-1);
    if (wish.objective !== undefined) {
      await screenInbound(defender, wish.objective, { sessionKey, runId, sender });
    }
    const input: RunInput = {
      runId,
      kind: "chat",
      sessionKey,
      agentId,
      id: uuid(),
      acceptedAt: clock.now(),
      message,
      settings: {},
      actor: sender.client.id,
      owner: sender.owner,
      connId: sender.connId,
    };
    let done: GoalDone | null = null;
    const store = (db: Parameters<typeof goalWithRun>[3]) => {
      this.demandIdle(sessionKey);
      done = goalWithRun(sessions, sessionKey, wish, db);
    };
    const { known } = await runs.accept(input, runHash, "followup", store);
    if (known) {
      // The same operation came twice at once, or a message of this key came before it.
      const first = await this.answeredBefore(sessionKey, wish);
      if (first) return first as GoalStarted;
      throw operationConflict();
    }
    const { result, session } = done!;
    sessions.changed(await sessions.repository.family(session), "goal");
    return { ...result, messageSeq: (last?.seq ?? 0) + 1 } as GoalStarted;
  }

  private async answeredBefore(sessionKey: string, operation: GoalOperation): Promise<SessionsGoalAnswer | null> {
    const { sessions, clock } = this.options;
    const session = await sessions.find(sessionKey);
    return session && sessions.goalReceipts.find(session.sessionId, operation, clock.now());
  }

  /** A goal is not queued behind other work, and steers none. */
  private demandIdle(sessionKey: string): void {
    const { runs } = this.options;
    const waits = runs.pendingInputs(sessionKey).some(({ state }) => state === "queued");
    if (!waits && runs.activeRunIds(sessionKey).length === 0) return;
    const message = "This session still has active or queued work. Wait for it to finish, then retry the Goal.";
    throw new GatewayError("UNAVAILABLE", message, { retryable: true, details: { reason: "goal-session-busy" } });
  }
}

/** Fields that would change how or where the run takes place. */
const OVERRIDES = [
  "thinking",
  "fastMode",
  "fastAutoOnSeconds",
  "deliver",
  "timeoutMs",
  "originatingChannel",
  "originatingTo",
  "originatingAccountId",
  "originatingThreadId",
] as const satisfies readonly (keyof ChatSendParams)[];

/** What the params of a goal's start must not say. @throws GatewayError */
export function checkGoalStart(params: ChatSendParams): void {
  const { message, queueMode, systemInputProvenance, systemProvenanceReceipt, suppressCommandInterpretation } = params;
  const others = queueMode ?? systemInputProvenance ?? systemProvenanceReceipt ?? suppressCommandInterpretation;
  if (message.trim() === "" || message.length > LIMITS.goalObjectiveChars || others !== undefined) {
    throw invalidRequest(
      "Goal start requires a nonempty objective of at most 16000 characters, without queue or system-input options.",
    );
  }
  if (OVERRIDES.some((name) => params[name] !== undefined)) {
    throw invalidRequest(
      "Goal start uses the session settings and local delivery; per-request runtime or routing overrides are not supported.",
    );
  }
  if ((params.attachments?.length ?? 0) > 0) {
    throw invalidRequest("Goal start takes no attachments on this gateway; send them in a message of their own.");
  }
}

/** `chat.send` names the reasons of refused operations in its own way, but for a goal that cannot be (measured on 2026.9.6). */
function asChatError(error: unknown): unknown {
  if (!(error instanceof GatewayError)) return error;
  const { code, reason } = (error.details ?? {}) as { code?: string; reason?: string };
  if (code !== "GOAL_OPERATION_REJECTED" || error.message === "goal already exists") return error;
  return invalidRequest(error.message, { reason: `goal-${reason}` });
}
