import { LIMITS } from "../../../generated/limits.ts";
import type { DefenderPort } from "../../defender/types.ts";
import {
  type ModelAccount,
  type ModelCaller,
  ModelError,
  type ModelErrorReason,
  type ModelEvent,
  type ModelMessage,
  type ModelRequest,
  type ModelsPort,
  type ResolvedModel,
} from "../../models/types.ts";
import type { Logger } from "../../platform/logger.ts";
import type { ContentPart, Usage } from "../../sessions/types.ts";
import { isTransient } from "./failure-text.ts";

/** One answer of a model. */
export interface Answer {
  model: ResolvedModel;
  /** Without credentials, as it was streamed. */
  text: string;
  /** As the model wrote it; for the defender's record alone. */
  raw: string;
  /** Thoughts and text as they are stored, in order. */
  content: ContentPart[];
  /** The tool calls of `content`, in order. One with `invalid` must be answered with that error and not run. */
  calls: ToolCall[];
  usage: Usage;
  stopReason: "stop" | "length" | "toolUse" | "error";
  responseId?: string;
}

/** A tool call of a model. */
export type ToolCall = Pick<Extract<ModelEvent, { type: "toolCall" }>, "id" | "name" | "arguments" | "invalid">;

/** A call that failed and what was tried next; `next` is null when nothing was left. */
export interface FallbackStep {
  from: ResolvedModel;
  next: ResolvedModel | null;
  error: ModelError;
  /** Counted from 1. */
  position: number;
}

/** One attempt that failed, whether another account, another model or nothing was tried after it. */
export interface FailedAttempt {
  model: ResolvedModel;
  profileId?: string;
  error: ModelError;
}

export interface AnswerRequest {
  /** The models to try, in order of preference; never empty. */
  candidates: readonly ResolvedModel[];
  system: string;
  messages: ModelMessage[];
  tools?: ModelRequest["tools"];
  thinking?: string;
  signal: AbortSignal;
  /** For whom; decides which accounts are used. */
  caller?: ModelCaller;
  /** Begins to mask the text of one call. */
  mask: DefenderPort["stream"];
  /** A model is about to be called; also before each retry with another model. */
  onCall(model: ResolvedModel): void;
  onText(piece: string): void;
  onFallback(step: FallbackStep): void;
  /** Also of accounts that were passed over because they cool down. */
  onAttemptFailed?(attempt: FailedAttempt): void;
  /** Asked before each call to a provider. @throws what ends the run when it must not be made */
  beforeCall?(model: ResolvedModel): Promise<{ maxTokens?: number }>;
}

export interface AnswerDeps {
  models: ModelsPort;
  log: Logger;
  /** Milliseconds before the next attempt; tests do not wait. */
  pause?(attempt: number, retryAfterMs?: number): number;
}

/** What is left of a run's attempts at the provider; shared by all its calls, so that no loop multiplies the cost. */
export interface AttemptBudget {
  left: number;
}

/**
 * Asks the models in order until one answers, each by its accounts in order. A transient failure is tried again on the
 * same model after a pause; one that would repeat itself is not. Once text has come, nothing is tried again: a reader
 * has seen it.
 * @throws ModelError of the last attempt, or the signal's reason
 */
export async function answer(deps: AnswerDeps, request: AnswerRequest, budget: AttemptBudget): Promise<Answer> {
  for (const [index, model] of request.candidates.entries()) {
    request.onCall(model);
    const next = request.candidates[index + 1] ?? null;
    try {
      return await byAccounts(deps, model, request, budget, next === null);
    } catch (error) {
      request.signal.throwIfAborted();
      if (!(error instanceof ModelError) || error instanceof PartialAnswer) throw error;
      request.onFallback({ from: model, next, error, position: index + 1 });
      if (next === null || budget.left <= 0) throw error;
    }
  }
  throw new RangeError("no model to ask");
}

/**
 * Asks one model by one account after another. Accounts that cool down are passed over, unless nothing else is left to
 * try: then the one that is free soonest is asked all the same, if waiting can have helped it.
 */
async function byAccounts(
  deps: AnswerDeps,
  model: ResolvedModel,
  request: AnswerRequest,
  budget: AttemptBudget,
  isLast: boolean,
): Promise<Answer> {
  const accounts = (request.caller && (await deps.models.accountsFor?.(model, request.caller))) ?? [];
  if (accounts.length === 0) return attempts(deps, model, request, budget, undefined);
  let last: ModelError | undefined;
  let rotations = 0;
  let probed = false;
  for (const account of accounts) {
    const closed = await account.availability();
    if (closed !== null && (probed || last !== undefined || !isLast || closed.isDisabled)) {
      last ??= cooling(model, account, closed);
      request.onAttemptFailed?.({ model, profileId: account.profileId, error: cooling(model, account, closed) });
      continue;
    }
    probed = closed !== null;
    try {
      const answered = await attempts(deps, model, request, budget, account);
      await account.succeeded();
      return answered;
    } catch (error) {
      request.signal.throwIfAborted();
      if (!(error instanceof ModelError)) throw error;
      await account.failed(error);
      if (error instanceof PartialAnswer) throw error;
      last = error;
      rotations++;
      if (budget.left <= 0 || !mayRotate(error.facts.reason, rotations)) throw error;
    }
  }
  throw last!;
}

/** Load meets every account alike, so that only one other is tried (docs: concepts/model-failover, billing disables). */
const mayRotate = (reason: ModelErrorReason, rotations: number): boolean =>
  reason === "overloaded" || reason === "rate_limit"
    ? rotations <= LIMITS.authLoadRotations
    : reason === "auth" || reason === "auth_permanent" || reason === "billing" || reason === "timeout";

function cooling(
  { provider, id }: ResolvedModel,
  { profileId }: ModelAccount,
  { until, reason }: { until: number; reason: ModelErrorReason },
): ModelError {
  const message = `${provider}: the account ${profileId} is not asked before ${new Date(until).toISOString()} (${reason})`;
  return new ModelError(message, { provider, model: id, reason });
}

/** A model call that broke off after text had come. */
export class PartialAnswer extends ModelError {
  constructor(
    error: ModelError,
    readonly partial: Pick<Answer, "text" | "raw" | "content">,
  ) {
    super(error.message, error.facts);
  }
}

async function attempts(
  { models, log, pause: pauseOf = pauseBefore }: AnswerDeps,
  model: ResolvedModel,
  request: AnswerRequest,
  budget: AttemptBudget,
  account: ModelAccount | undefined,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const bounds = (await request.beforeCall?.(model)) ?? {};
    budget.left--;
    try {
      const credential = await account?.credential();
      return await once(models, model, request, { ...bounds, ...(credential ? { credential } : {}) });
    } catch (error) {
      request.signal.throwIfAborted();
      if (!(error instanceof ModelError)) throw error;
      const { reason, status, retryAfterMs } = error.facts;
      const pause = pauseOf(attempt, retryAfterMs);
      const profileId = account?.profileId;
      log.warn("a model call failed", {
        provider: model.provider,
        model: model.id,
        profileId,
        reason,
        status,
        attempt,
      });
      request.onAttemptFailed?.({ model, ...(profileId ? { profileId } : {}), error });
      if (
        error instanceof PartialAnswer ||
        !isTransient(reason) ||
        attempt > LIMITS.modelRetries ||
        budget.left <= 0 ||
        pause > LIMITS.modelRetryMaxPauseMs
      )
        throw error;
      await sleep(pause, request.signal);
    }
  }
}

/** Milliseconds: doubling from half a second, at least what the provider asks for, with some chance in it. */
function pauseBefore(attempt: number, retryAfterMs = 0): number {
  const own = LIMITS.modelRetryPauseMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
  return Math.max(Math.min(own, LIMITS.modelRetryMaxPauseMs), retryAfterMs);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

async function once(
  models: ModelsPort,
  model: ResolvedModel,
  request: AnswerRequest,
  more: Pick<ModelRequest, "credential" | "maxTokens">,
): Promise<Answer> {
  const { system, messages, tools, thinking, signal } = request;
  const collected = new Collected(request.mask);
  let masked = request.mask();
  const add = (text: string) => {
    if (text === "") return;
    collected.addText(text);
    request.onText(text);
  };
  const stream = models.stream({ model, system, messages, tools, thinking, signal, ...more })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value: event } = await untilAborted(stream.next(), signal);
      if (done) throw new ModelError("the answer ended early", { ...named(model), reason: "unavailable" });
      if (event.type === "text") {
        collected.raw += event.delta;
        add(masked.push(event.delta));
        if (collected.raw.length > LIMITS.answerMaxChars) {
          add(masked.end());
          return { model, ...collected.result(), usage: structuredClone(NO_USAGE), stopReason: "length" };
        }
      } else if (event.type === "thinking") collected.addThought(event.delta, event.signature);
      else if (event.type === "toolCall") {
        // What was held back for masking belongs before the call.
        add(masked.end());
        masked = request.mask();
        collected.addCall(event);
      } else if (event.type === "finish") {
        add(masked.end());
        const { stopReason, usage, responseId } = event;
        return { model, ...collected.result(), usage, stopReason, ...(responseId ? { responseId } : {}) };
      }
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof ModelError && collected.raw !== "") throw new PartialAnswer(error, collected.result());
    throw error;
  } finally {
    // Not waited for: a provider that hangs must not hold the run.
    void Promise.resolve(stream.return?.()).catch(() => {});
  }
}

const named = ({ provider, id }: ResolvedModel) => ({ provider, model: id });

/** The promise, or the signal's reason as soon as it is aborted. What the promise does afterwards is nobody's concern. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    const settle =
      <V>(how: (value: V) => void) =>
      (value: V) => {
        signal.removeEventListener("abort", stop);
        how(value);
      };
    promise.then(settle(resolve), settle(reject));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

const NO_USAGE: Usage = {
  input: 0,
  output: 0,
  totalTokens: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
};

/** Text and thoughts of an answer as they come. */
class Collected {
  constructor(private readonly mask: AnswerRequest["mask"]) {}

  raw = "";
  private text = "";
  private readonly parts: ContentPart[] = [];
  private readonly calls: ToolCall[] = [];

  addText(delta: string): void {
    this.text += delta;
    const last = this.parts.at(-1);
    if (last?.type === "text") last.text += delta;
    else this.parts.push({ type: "text", text: delta });
  }

  addCall({ id, name, arguments: args, invalid, thoughtSignature }: Extract<ModelEvent, { type: "toolCall" }>): void {
    this.calls.push({ id, name, arguments: args, ...(invalid ? { invalid } : {}) });
    this.parts.push({
      type: "toolCall",
      id,
      name,
      arguments: args,
      ...(thoughtSignature ? { thoughtSignature } : {}),
    });
  }

  addThought(delta: string, signature?: string): void {
    const last = this.parts.at(-1);
    const thought = last?.type === "thinking" && last.thinkingSignature === undefined ? last : undefined;
    const part = thought ?? { type: "thinking" as const, thinking: "" };
    if (thought === undefined) this.parts.push(part);
    part.thinking += delta;
    if (signature !== undefined) part.thinkingSignature = signature;
  }

  /** The answer as it is stored: without white space around its text, without empty parts. */
  result(): Pick<Answer, "text" | "raw" | "content" | "calls"> {
    const content = this.parts
      .filter((part) => part.type !== "text" || part.text.trim() !== "")
      .map((part) => (part.type === "thinking" ? this.withoutCredentials(part) : part));
    const texts = content.flatMap((part) => (part.type === "text" ? [part] : []));
    const [first, last] = [texts[0], texts.at(-1)];
    if (first) first.text = first.text.trimStart();
    if (last) last.text = last.text.trimEnd();
    return { text: this.text.trim(), raw: this.raw, content, calls: this.calls };
  }

  /** A thought is stored as well and shown to whoever reads the history. A signature holds for its words alone. */
  private withoutCredentials(part: Thought): Thought {
    const masked = this.mask();
    const thinking = masked.push(part.thinking) + masked.end();
    return thinking === part.thinking ? part : { type: "thinking", thinking };
  }
}

type Thought = Extract<ContentPart, { type: "thinking" }>;
