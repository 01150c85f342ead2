import type {
  QuestionGetResult,
  QuestionListResult,
  QuestionRecord,
  QuestionRequestParams,
  QuestionRequestResult,
  QuestionResolveParams,
  QuestionResolveResult,
  QuestionWaitAnswerParams,
  QuestionWaitAnswerResult,
} from "../../generated/types.ts";
import type { Roster } from "../agents/roster.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { GatewayError, invalidRequest } from "../platform/errors.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import { canonicalKey } from "../sessions/keys.ts";
import { Expiry, MAX_TIMER_MS } from "./expiry.ts";
import { checkedAnswers, checkQuestions } from "./question-answers.ts";
import type { QuestionRepository } from "./question-repository.ts";
import { Waiters } from "./waiters.ts";

export interface QuestionsDeps {
  repository: QuestionRepository;
  /** The agents, which say what a session key means. */
  agents: { readonly roster: Roster };
  bus: EventBus;
  clock: Clock;
  log: Logger;
  limits: { questionTimeoutMs: number; questionBytes: number; approvalTimeoutMaxMs: number };
}

/**
 * What agents ask people: one to three questions with options or free text (docs: tools/ask-user). Whoever holds
 * `operator.questions` sees and answers them. They outlast a restart; the first answer counts.
 */
export class Questions {
  private readonly waiters = new Waiters<QuestionRecord>();
  private readonly expiry: Expiry;

  constructor(private readonly deps: QuestionsDeps) {
    this.expiry = new Expiry(deps, () => this.expire());
  }

  /** Ends what expired while the gateway was down, and waits for the rest. */
  start(): Promise<void> {
    return this.expiry.run();
  }

  stop(): void {
    this.expiry.stop();
  }

  /** Ends what nobody answered in time. The timer calls it; it may be called at any time. */
  expireDue(): Promise<void> {
    return this.expiry.run();
  }

  /** @throws GatewayError for questions that nobody could answer, an id in use, or when too many wait */
  async request(params: QuestionRequestParams): Promise<QuestionRequestResult> {
    const { clock, repository, limits, bus } = this.deps;
    const { id = uuid(), questions, agentId, sessionKey, runId, timeoutMs = limits.questionTimeoutMs } = params;
    checkQuestions(questions);
    const createdAtMs = clock.now();
    const expiresAtMs = createdAtMs + Math.min(timeoutMs, limits.approvalTimeoutMaxMs);
    const record: QuestionRecord = {
      id,
      questions,
      ...(agentId && { agentId }),
      ...(sessionKey && { sessionKey: canonicalKey(sessionKey, this.deps.agents.roster, agentId) }),
      ...(runId && { runId }),
      createdAtMs,
      expiresAtMs,
      status: "pending",
    };
    if (Buffer.byteLength(JSON.stringify(record)) > limits.questionBytes) throw invalidRequest("question is too large");
    const outcome = await repository.create(record);
    if (outcome === "taken") throw invalidRequest(`question '${id}' already exists`, { reason: "QUESTION_ID_IN_USE" });
    if (outcome === "full")
      throw new GatewayError("UNAVAILABLE", "too many questions are waiting", { retryable: true });
    this.expiry.notLaterThan(expiresAtMs);
    bus.publish("question.requested", record);
    return { id, expiresAtMs };
  }

  /** Those that wait for an answer, oldest first. */
  async list(): Promise<QuestionListResult> {
    return { questions: await this.deps.repository.waiting(this.deps.clock.now()) };
  }

  /** @throws GatewayError for an unknown id */
  async get(id: string): Promise<QuestionGetResult> {
    return { question: await this.found(id) };
  }

  /** Waits for the end, or `timeoutMs` at most and then answers `pending`. @throws GatewayError for an unknown id */
  async wait({ id, timeoutMs }: QuestionWaitAnswerParams, signal: AbortSignal): Promise<QuestionWaitAnswerResult> {
    await this.found(id);
    const wait = timeoutMs === undefined ? undefined : AbortSignal.timeout(Math.min(timeoutMs, MAX_TIMER_MS));
    const until = wait === undefined ? signal : AbortSignal.any([signal, wait]);
    const read = () => this.deps.repository.find(id);
    const question = await this.waiters.wait(id, { read, isOpen: isPending, signal: until });
    if (question === null) throw unknownQuestion(id);
    return outcome(question);
  }

  /** Answers or cancels. @throws GatewayError when it has ended, or for answers that do not fit */
  async resolve(params: QuestionResolveParams): Promise<QuestionResolveResult> {
    const { id, resolvedBy } = params;
    await this.found(id);
    const now = this.deps.clock.now();
    const question = await this.deps.repository.change(id, now, (before) => {
      if (before.status !== "pending") throw ended(before);
      const by = resolvedBy === undefined ? {} : { resolvedBy };
      if ("cancel" in params) return { ...before, status: "cancelled", ...by };
      const answers = { answers: checkedAnswers(before.questions, params.answers.answers) };
      return { ...before, status: "answered", answers, ...by };
    });
    if (question === null) throw unknownQuestion(id);
    this.settle(question);
    return outcome(question) as QuestionResolveResult;
  }

  /** The question, ended if its time is over. */
  private async found(id: string): Promise<QuestionRecord> {
    const { repository, clock } = this.deps;
    const question = await repository.find(id);
    if (question === null) throw unknownQuestion(id);
    if (question.status !== "pending" || question.expiresAtMs > clock.now()) return question;
    await this.expireDue();
    return (await repository.find(id)) ?? question;
  }

  private async expire(): Promise<number | null> {
    const { repository, clock } = this.deps;
    for (const question of await repository.expire(clock.now())) this.settle(question);
    return repository.nextExpiry();
  }

  private settle(question: QuestionRecord): void {
    this.waiters.settle(question.id, question);
    this.deps.bus.publish("question.resolved", { id: question.id, ...outcome(question) });
  }
}

const isPending = ({ status }: QuestionRecord): boolean => status === "pending";

const outcome = ({ status, answers }: QuestionRecord): QuestionWaitAnswerResult =>
  (status === "answered" ? { status, answers } : { status }) as QuestionWaitAnswerResult;

const unknownQuestion = (id: string): Error =>
  invalidRequest(`question '${id}' was not found`, { reason: "QUESTION_NOT_FOUND" });

const ended = ({ id, status }: QuestionRecord): Error =>
  invalidRequest(`question '${id}' is already ${status}`, { reason: "QUESTION_ALREADY_TERMINAL" });
