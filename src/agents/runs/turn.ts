import { LIMITS } from "../../../generated/limits.ts";
import type { ConfigPort } from "../../config/types.ts";
import type { DefenderPort } from "../../defender/types.ts";
import type { Models } from "../../models/models.ts";
import { ModelError } from "../../models/types.ts";
import type { EventBus } from "../../platform/bus.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { SessionRunUpdate, SessionState, SessionsPort, TranscriptMessage } from "../../sessions/types.ts";
import type { ToolHostPort } from "../../tools/types.ts";
import type { Budgets } from "../../usage/budgets.ts";
import type { AgentCatalogue } from "../catalogue.ts";
import { goalReminder } from "../context/goal-reminder.ts";
import type { TurnContext, TurnContexts } from "../context/turn-context.ts";
import { injectedMessage } from "../injected.ts";
import { noModelText } from "../responder.ts";
import type { SystemEvents, WaitingEvents } from "../system-events.ts";
import { chooseModels, chooseThinking, unusedSession } from "./model-choice.ts";
import {
  agentResult,
  budgetStatus,
  credentialSource,
  promptTokens,
  receiptOf,
  type TurnFacts,
  totalUsage,
} from "./report.ts";
import type { LiveInput, Run } from "./run.ts";
import type { RunRecords } from "./run-records.ts";
import { ToolCalls } from "./tool-calls.ts";
import { endingOf, RunRefused } from "./turn-endings.ts";
import { finishing, tellEnd, tellEnding } from "./turn-frames.ts";
import { assistantMessage, TurnLoop } from "./turn-loop.ts";
import { type RunOutcome, textOf } from "./types.ts";

/** What turns are made of. */
export interface TurnDeps {
  sessions: SessionsPort;
  models: Models;
  budgets: Budgets;
  agents: AgentCatalogue;
  tools: ToolHostPort;
  config: ConfigPort;
  contexts: TurnContexts;
  records: RunRecords;
  systemEvents: SystemEvents;
  defender: DefenderPort;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  /** Lets a model sum up the older part of a session's context; false when that came to nothing (see `Compactor`). */
  compact(sessionKey: string, work: { runId: string; signal: AbortSignal }, most: number): Promise<boolean>;
  /** Most calls to providers in one run. */
  maxModelCalls: number;
  /** These messages are in the transcript now. */
  stored(inputs: readonly LiveInput[]): void;
}

/** The share of the room for a conversation from which on its older part is summed up. */
const CROWDED = 0.9;

const isCrowded = ({ leftOut, budget, messageTokens }: TurnContext): boolean =>
  leftOut > 0 || messageTokens > budget * CROWDED;

const isOverflow = (error: unknown): boolean =>
  error instanceof ModelError && error.facts.reason === "context_overflow";

/**
 * One turn: from an accepted message to its stored answer. What a frame tells is on disk before the frame is sent,
 * except for the text while it streams.
 */
export class Turn {
  /** Notes that the model has been told of; forgotten when it has answered. */
  private notes: WaitingEvents | null = null;
  /** The session has been told of the run, so it must be told of its end. */
  private begun = false;
  private readonly startedAt: number;
  private readonly loop: TurnLoop;

  constructor(
    private readonly run: Run,
    private readonly deps: TurnDeps,
  ) {
    this.startedAt = deps.clock.now();
    this.loop = new TurnLoop(run, deps, this.startedAt);
  }

  /** Runs the turn to its end. Never rejects; what goes wrong is the outcome. */
  async execute(): Promise<RunOutcome> {
    const { run } = this;
    run.state = "working";
    run.startedAt = this.startedAt;
    run.events.status("preparing_workspace");
    try {
      await this.checkThinking();
      const session = await this.begin();
      return await this.work(session);
    } catch (error) {
      return await this.endWithout(error);
    }
  }

  /** A run that cannot have the thinking level it insists on leaves nothing in the session. */
  private async checkThinking(): Promise<void> {
    const { sessions, models, agents } = this.deps;
    const { settings, sessionKey, agentId } = this.run.input;
    if (!settings.strictThinking) return;
    const session = (await sessions.find(sessionKey)) ?? unusedSession(sessionKey, agentId);
    const [model] = (await chooseModels(models, agents, session, settings)).candidates;
    const thinking = model && chooseThinking(models, agents, session, settings, model);
    if (thinking && "problem" in thinking) throw new RunRefused(thinking.problem);
  }

  /** The message enters the transcript, the session is at work. */
  private async begin(): Promise<SessionState> {
    const { sessions, records } = this.deps;
    const { kind, sessionKey: key, actor, sessionId, message } = this.run.input;
    this.begun = true;
    const [session] = await Promise.all([
      sessions.ensure(key, { createdVia: kind === "agent" ? "run" : "operator", actor, sessionId }),
      // Silently before the message, so that whoever hears of the message sees the session at work; told after it.
      sessions.recordRun(key, {
        status: "running",
        startedAt: this.startedAt,
        endedAt: null,
        runtimeMs: null,
        abortedLastRun: false,
        lastRunError: null,
        ...(kind === "agent" ? {} : { systemSent: true }),
      }),
      sessions.append(key, [message]),
      ...this.run.sources.map(({ runId }) => records.started(runId, this.startedAt)),
      sessions.recordRun(key, {}, "agent.run.started"),
    ]);
    this.deps.stored(this.run.sources);
    this.run.events.sessionId = session.sessionId;
    this.run.signal.throwIfAborted();
    return session;
  }

  private async work(session: SessionState): Promise<RunOutcome> {
    const { models, agents, contexts } = this.deps;
    const { events, input } = this.run;
    const { key } = session;
    events.status("preparing_context");
    const { candidates, missing } = await chooseModels(models, agents, session, input.settings);
    const [model] = candidates;
    if (model === undefined) return this.respond(missing);
    const thinking = chooseThinking(models, agents, session, input.settings, model);
    if ("problem" in thinking) throw new RunRefused(thinking.problem);
    const { prompt, settings } = input;
    const told = await this.withNotes(session);
    const workspace = contexts.workspaceOf(session.agentId);
    const calls = new ToolCalls(this.run, this.deps, { session, workspace });
    const tools = await calls.offered(model);
    const wishes = { extra: settings.extraSystemPrompt, light: settings.lightContext, tools };
    const prepare = (more: { prompt?: string | undefined } = {}) =>
      contexts.prepare(session, model, { ...wishes, ...more });
    let context = await prepare({ prompt: told });
    if (isCrowded(context) && this.deps.config.current.agents?.defaults?.compaction?.enabled !== false) {
      if (await this.compact(key, context)) context = await prepare({ prompt: told });
    }
    calls.begin(context.messages, this.notes?.text);
    events.lifecycle({ phase: "start", startedAt: this.startedAt });
    events.status("starting_model");
    const converse = (given: TurnContext) =>
      this.loop.converse({ candidates, context: given, thinking: thinking.level, calls, tools });
    const answered = await converse(context).catch(async (error) => {
      // Every call that was made and its result are in the transcript: the turn goes on from there, nothing runs twice.
      if (!isOverflow(error) || !(await this.compact(key, context))) throw error;
      context = await prepare(this.loop.answers.length === 0 ? { prompt: told } : {});
      return converse(context);
    });
    return this.complete({
      runId: this.run.id,
      sessionId: session.sessionId,
      sessionKey: session.key,
      startedAt: this.startedAt,
      endedAt: this.deps.clock.now(),
      thinking: thinking.level,
      prompt: prompt ?? textOf(input.message.content),
      requested: model,
      answers: this.loop.answers,
      usedTools: calls.successful,
      tools,
      failed: this.loop.failed,
      context,
      credential: credentialSource(models, answered.model),
      lastFailure: calls.lastFailure,
      hasEnded: calls.hasEnded,
    });
  }

  /** Sums up what was said before, so that half of the room is free again. */
  private async compact(key: string, { budget }: TurnContext): Promise<boolean> {
    const { run } = this;
    run.events.compaction({ phase: "start" });
    const completed = await this.deps.compact(key, { runId: run.id, signal: run.signal }, Math.floor(budget / 2));
    run.events.compaction({ phase: "end", completed, willRetry: completed });
    return completed;
  }

  /** What the model is asked, with the notes that wait for this session and the goal it pursues before it. Pictures are left as they are. */
  private async withNotes({ key, goal }: SessionState): Promise<string | undefined> {
    const { prompt, message, kind } = this.run.input;
    const asked = prompt ?? (typeof message.content === "string" ? message.content : undefined);
    if (asked === undefined) return undefined;
    this.notes = await this.deps.systemEvents.waiting(key);
    const parts = [this.notes?.text, kind === "chat" ? goalReminder(goal) : undefined];
    const before = parts.filter((part) => part !== undefined);
    return before.length === 0 ? prompt : [...before, asked].join("\n\n");
  }

  /** The last answer is stored, and with it that the run is over; then the closing frames. */
  private async complete(facts: TurnFacts): Promise<RunOutcome> {
    const { run } = this;
    const last = facts.answers.at(-1)!;
    const { startedAt, endedAt } = facts;
    // What was said beside the call that ended the turn is stored with it.
    const visible = last.text !== "" && !facts.hasEnded;
    const receipt = { ...receiptOf(facts), terminalDisposition: visible ? "visible" : "silent" };
    const outcome: RunOutcome = {
      status: "ok",
      startedAt,
      endedAt,
      stopReason: last.stopReason === "length" ? "length" : "stop",
      reply: visible ? { disposition: "visible", text: last.text } : { disposition: "silent" },
      receipt,
      ...(run.kind === "agent" ? { result: agentResult(facts) } : {}),
    };
    const usage = totalUsage(facts.answers);
    if (this.notes !== null) await this.deps.systemEvents.taken(run.sessionKey, this.notes);
    const failure = visible || facts.lastFailure === undefined ? null : this.failureNotice(facts.lastFailure, endedAt);
    const said = visible ? assistantMessage(last, run.id, this.deps.clock.now()) : failure;
    await this.close(outcome, said ? [said] : [], {
      status: "done",
      inputTokens: usage.input,
      outputTokens: usage.output,
      totalTokens: promptTokens(last.usage),
      estimatedCostUsd: usage.cost.total,
      modelProvider: last.model.provider,
      model: last.model.id,
      contextBudgetStatus: budgetStatus(facts, last.model),
    });
    run.events.lifecycle(finishing(endedAt));
    tellEnd(run, outcome);
    run.events.final(outcome.stopReason!);
    if (failure && run.kind !== "agent") run.events.afterword(failure);
    return outcome;
  }

  /** What a reader is told who would otherwise hear nothing of a tool that failed (docs: concepts/agent-loop). */
  private failureNotice(failure: string, endedAt: number): TranscriptMessage {
    const { id } = this.run;
    const extra = { openclawDelivery: { replyToId: id } };
    return injectedMessage(`⚠️ ${failure}`, endedAt, { idempotencyKey: id, meta: { runId: id }, extra });
  }

  /** The gateway's own answer, when no model can give one. */
  private async respond(missing: string | undefined): Promise<RunOutcome> {
    const { models, clock } = this.deps;
    const { run } = this;
    run.state = "closing";
    const [setup, refs] = await Promise.all([models.setup(), models.refs()]);
    const text = noModelText({ setup, refs, missing });
    const endedAt = clock.now();
    const message = injectedMessage(text, endedAt, {
      idempotencyKey: run.id,
      meta: { runId: run.id },
      extra: { excludeFromContext: true },
    });
    const outcome: RunOutcome = {
      status: "ok",
      startedAt: this.startedAt,
      endedAt,
      stopReason: "stop",
      reply: { disposition: "visible", text },
      ...(run.kind === "agent" ? { result: { payloads: [{ text, mediaUrl: null }], meta: { aborted: false } } } : {}),
    };
    await this.close(outcome, [message], { status: "done" });
    run.events.lifecycle({ phase: "start", startedAt: this.startedAt });
    tellEnd(run, outcome);
    run.events.notice(message);
    return outcome;
  }

  /** The end of a turn that has no answer: stopped, out of time, or failed. */
  private async endWithout(error: unknown): Promise<RunOutcome> {
    const { run, deps } = this;
    run.state = "closing";
    const ending = endingOf(error, {
      run,
      startedAt: this.startedAt,
      endedAt: deps.clock.now(),
      partial: this.loop.unstored ? run.events.itemText : "",
    });
    deps.stored(run.sources);
    if (ending.unexpected) deps.log.error("a run failed unexpectedly", { runId: run.id, error });
    try {
      if (this.begun) await this.close(ending.outcome, ending.messages, ending.update);
      else await Promise.all(run.sources.map(({ runId }) => deps.records.settled(runId, ending.outcome)));
    } catch (failure) {
      deps.log.error("the end of a run could not be stored", { runId: run.id, error: failure });
    }
    tellEnding(run, ending, this.loop.steps);
    return ending.outcome;
  }

  /** Stores the run's last messages and its end in one commit. */
  private async close(
    outcome: RunOutcome,
    messages: readonly TranscriptMessage[],
    update: SessionRunUpdate,
  ): Promise<void> {
    const { sessions, records } = this.deps;
    const { run, startedAt } = this;
    const { endedAt } = outcome;
    const activity = run.input.kind === "agent" ? { lastActivityAt: endedAt } : {};
    const { attempts } = this.loop;
    const modelAttempts = attempts.length === 0 ? null : attempts.slice(-LIMITS.sessionModelAttempts);
    const ended = { ...update, ...activity, modelAttempts, endedAt, runtimeMs: endedAt - startedAt, lastRunId: run.id };
    await Promise.all([
      messages.length === 0 ? null : sessions.append(run.sessionKey, messages),
      sessions.recordRun(run.sessionKey, ended, "agent.input.settled"),
      ...run.sources.map(({ runId }) => records.ended(runId, outcome)),
    ]);
  }
}
