import type { ModelMessage, ResolvedModel } from "../../models/types.ts";
import type { TranscriptMessage } from "../../sessions/types.ts";
import type { Tool } from "../../tools/types.ts";
import type { Admission } from "../../usage/budgets.ts";
import { promptTokensOf, toModelMessage } from "../context/conversation.ts";
import type { TurnContext } from "../context/turn-context.ts";
import { type Answer, type AnswerRequest, answer, type FallbackStep } from "./answer.ts";
import { attemptRecord, type ModelAttempt } from "./attempt-record.ts";
import { totalUsage } from "./report.ts";
import type { LiveInput, Run } from "./run.ts";
import { publishConsumed } from "./run-events.ts";
import { ToolCalls } from "./tool-calls.ts";
import type { TurnDeps } from "./turn.ts";
import { RunRefused } from "./turn-endings.ts";
import { fallbackFrame, finishing } from "./turn-frames.ts";
import type { RunOutcome } from "./types.ts";

/** What a conversation with a model needs. */
interface Conversing {
  candidates: readonly ResolvedModel[];
  context: TurnContext;
  thinking: string;
  calls: ToolCalls;
  tools: readonly Tool[];
}

const TOO_MANY_CALLS =
  "This run has called the model as often as one run may. What it did so far is kept; say that it should go on to continue.";

/** Asks the model once more when it has said nothing; not part of the transcript. */
const CONTINUE: ModelMessage = {
  role: "user",
  content: "Your last answer had no text. Continue from where you are and give the answer now.",
};

/** The conversation of one turn with its model: calls, tools, and the messages that come meanwhile. */
export class TurnLoop {
  readonly answers: Answer[] = [];
  readonly failed: { model: ResolvedModel; reason: string }[] = [];
  /** Every attempt that failed, oldest first. */
  readonly attempts: ModelAttempt[] = [];
  /** The models that failed last. */
  steps: FallbackStep[] = [];
  /** The text that is streaming is not in the transcript yet. */
  unstored = false;

  constructor(
    private readonly run: Run,
    private readonly deps: TurnDeps,
    private readonly startedAt: number,
  ) {}

  /** Calls the model until nothing is left to answer or to do. An empty answer is asked for once more. */
  async converse(work: Conversing): Promise<Answer> {
    const { run } = this;
    const { candidates, context, thinking, calls, tools } = work;
    const { system, messages } = context;
    const budget = { left: this.deps.maxModelCalls };
    const request = { system, messages, thinking, tools: ToolCalls.definitions(tools) };
    let askedAgain = false;
    for (;;) {
      if (budget.left <= 0) throw new RunRefused(TOO_MANY_CALLS);
      const answered = await this.call(candidates, request, budget);
      if (answered.calls.length > 0) {
        await this.act(answered, calls, messages);
        const steered = run.takeSteered();
        await this.takeIn([], steered, messages, calls);
        // Somebody who speaks meanwhile gets an answer.
        if (steered.length > 0) calls.hasEnded = false;
        if (!calls.hasEnded) continue;
        run.state = "closing";
        return answered;
      }
      const steered = run.takeSteered();
      if (steered.length > 0) {
        const said = answered.text === "" ? [] : [assistantMessage(answered, run.id, this.deps.clock.now())];
        await this.takeIn(said, steered, messages, calls);
      } else if (answered.text === "" && !askedAgain) {
        askedAgain = true;
        this.beginAgain();
        messages.push(CONTINUE);
      } else {
        run.state = "closing";
        return answered;
      }
    }
  }

  private beginAgain(): void {
    const { events } = this.run;
    events.lifecycle(finishing(this.deps.clock.now()));
    events.status("preparing_context");
    events.lifecycle({ phase: "start", startedAt: this.startedAt });
    events.status("starting_model");
  }

  /** Stores an answer that asks for tools before the first of them runs, and every result before the model is asked again. */
  private async act(answered: Answer, calls: ToolCalls, messages: ModelMessage[]): Promise<void> {
    const { run } = this;
    const { sessions, clock } = this.deps;
    const said = assistantMessage(answered, run.id, clock.now(), (args) => calls.masked(args));
    await sessions.append(run.sessionKey, [said]);
    this.unstored = false;
    const results = await calls.perform(answered.calls, answered.model);
    if (calls.loop !== undefined) throw new RunRefused(calls.loop);
    messages.push(toModelMessage(said), ...results.map((result) => toModelMessage(result)));
  }

  private async call(
    candidates: readonly ResolvedModel[],
    request: Pick<AnswerRequest, "system" | "messages" | "thinking" | "tools">,
    budget: { left: number },
  ): Promise<Answer> {
    const { defender } = this.deps;
    const { events, signal } = this.run;
    events.beginItem();
    this.unstored = true;
    this.steps = [];
    let spending: Admission | undefined;
    const answered = await answer(
      this.deps,
      {
        ...request,
        candidates,
        signal,
        caller: { agentId: this.run.input.agentId, sessionKey: this.run.sessionKey, sessionId: events.sessionId },
        mask: () => defender.stream(),
        onCall: (model) => {
          this.run.model = model;
          events.lifecycle({ phase: "model", provider: model.provider, model: model.id });
        },
        beforeCall: async (model) => {
          spending?.release();
          spending = await this.admit(model, request);
          return spending.maxTokens === undefined ? {} : { maxTokens: spending.maxTokens };
        },
        onText: (piece) => events.delta(piece),
        onFallback: (step) => this.fellBack(step),
        onAttemptFailed: (attempt) => this.attempts.push(attemptRecord(attempt, this.deps.clock.now())),
      },
      budget,
    ).catch((error) => {
      spending?.release();
      throw error;
    });
    void spending?.spent(answered.usage);
    events.endItem();
    this.answers.push(answered);
    events.usage(totalUsage(this.answers).output);
    const { input } = this.run;
    const context = {
      direction: "outbound",
      origin: "model",
      sessionKey: input.sessionKey,
      runId: this.run.id,
    } as const;
    await defender.screen(answered.raw, context);
    return answered;
  }

  /** Leave for a call, unless a budget is used up. */
  private admit(
    model: ResolvedModel,
    request: Pick<AnswerRequest, "system" | "messages" | "tools">,
  ): Promise<Admission> {
    const { input, sessionKey, id: runId, events } = this.run;
    const { agentId, settings } = input;
    return this.deps.budgets.admit({
      agentId,
      sessionKey,
      sessionId: events.sessionId ?? "",
      runId,
      kind: settings.spending ?? "turn",
      promptTokens: () => promptTokensOf(request),
      cost: model.cost,
    });
  }

  private fellBack(step: FallbackStep): void {
    this.failed.push({ model: step.from, reason: step.error.facts.reason });
    if (step.next === null) this.steps = [step];
    else this.run.events.lifecycle(fallbackFrame(step));
  }

  /** Messages that came meanwhile enter the transcript behind what was said so far; the next call sees them. */
  private async takeIn(
    said: TranscriptMessage[],
    steered: LiveInput[],
    messages: ModelMessage[],
    calls: ToolCalls,
  ): Promise<void> {
    if (steered.length === 0) return;
    const { sessions, records, bus, clock } = this.deps;
    const { run } = this;
    const heard = steered.map((input) => steeredMessage(input, run.id));
    const outcome: RunOutcome = { status: "ok", stopReason: "stop", endedAt: clock.now() };
    try {
      await Promise.all([
        sessions.append(run.sessionKey, [...said, ...heard]),
        ...steered.map(({ runId }) => records.settled(runId, outcome)),
      ]);
    } catch (error) {
      for (const input of steered) run.steer(input);
      throw error;
    }
    this.unstored = false;
    calls.hear(steered);
    this.deps.stored(steered);
    for (const input of steered) {
      publishConsumed(bus, input);
      input.settle(outcome);
    }
    messages.push(
      ...said.map((message) => toModelMessage(message)),
      ...heard.map((message) => toModelMessage(message)),
    );
  }
}

/** An answer as the transcript keeps it. `mask` takes credentials out of the arguments of calls. */
export function assistantMessage(
  { model, content, usage, stopReason, responseId, calls }: Answer,
  runId: string,
  timestamp: number,
  mask: (args: Record<string, unknown>) => Record<string, unknown> = (args) => args,
): TranscriptMessage {
  return {
    role: "assistant",
    content: content.map((part) => (part.type === "toolCall" ? { ...part, arguments: mask(part.arguments) } : part)),
    api: model.api,
    provider: model.provider,
    model: model.id,
    usage,
    stopReason: calls.length > 0 ? "toolUse" : stopReason === "length" ? "length" : "stop",
    timestamp,
    ...(responseId ? { responseId } : {}),
    meta: { runId },
  };
}

/** A message taken into another run's turn, with the run it went into. */
const steeredMessage = ({ message }: LiveInput, target: string): TranscriptMessage => ({
  ...message,
  meta: { ...message.meta, steerTargetRunId: target },
});
