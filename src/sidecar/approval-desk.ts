import { GatewayRequestError } from "../client/errors.ts";
import { field } from "../client/frames.ts";
import type { Clock } from "../platform/clock.ts";
import { redact } from "../platform/secrets.ts";
import type { Adviser } from "./adviser.ts";
import { type AnswerRepository, type Judged, keyOf, type Outcome } from "./answer-repository.ts";
import { type Asked, type AskedKind, commandOf, mayAnswer, pluginWords } from "./asked.ts";
import type { Tell } from "./notice.ts";
import { Recent } from "./recent.ts";
import type { SessionQueues } from "./session-queues.ts";

/** The gateway, as far as answers go there. */
export interface Line {
  request(method: string, params: unknown): Promise<unknown>;
  /** Another number after each connection: an answer must not go to another one than the question came from. */
  readonly connection: number;
}

export interface DeskOptions {
  line: Line;
  adviser: Adviser;
  answers: AnswerRepository;
  queues: SessionQueues;
  auditOnly: boolean;
  tell: Tell;
  clock: Clock;
  limits: { sidecarAnswerAttempts: number; sidecarApprovalsKept: number };
  /** Waits; replaced in tests. */
  sleep?: (ms: number) => Promise<unknown>;
}

/** One that waits or is at work. */
interface AtHand {
  /** Somebody has decided it. */
  isOver: boolean;
  connection: number;
}

const RETRY_MS = 500;
const MAX_RETRY_MS = 2000;
const ABOUT_CHARS = 200;

/**
 * Takes approvals in, has them judged in the order of their session, and answers. One that comes twice, by an event and
 * in a list, counts once. What cannot be answered stays with the gateway and its people.
 */
export class ApprovalDesk {
  /** Approvals by what became of them. */
  readonly totals: Partial<Record<Outcome, number>> = {};
  private readonly atHand = new Map<string, AtHand>();
  private readonly settled: Recent;
  private missed = false;

  constructor(private readonly options: DeskOptions) {
    this.settled = new Recent(options.limits.sidecarApprovalsKept);
  }

  /** True, once, when approvals were refused for want of room and there is room again. */
  takeMissed(): boolean {
    const isDue = this.missed && this.options.queues.length === 0;
    if (isDue) this.missed = false;
    return isDue;
  }

  take(asked: Asked): void {
    const { queues, line, tell } = this.options;
    const key = keyOf(asked);
    const name = nameOf(asked);
    if (this.atHand.has(name) || this.settled.has(key)) return;
    const entry: AtHand = { isOver: false, connection: line.connection };
    this.atHand.set(name, entry);
    const done = (): void => {
      if (this.atHand.get(name) === entry) this.atHand.delete(name);
    };
    if (queues.push(asked.sessionKey ?? "", () => this.handle(key, asked, entry).finally(done))) return;
    done();
    if (!this.missed) tell({ event: "trouble", message: "Too many approvals wait; some are looked at later." });
    this.missed = true;
  }

  /** Somebody decided: what has not been judged yet need not be. */
  over(kind: AskedKind, payload: unknown): void {
    const entry = this.atHand.get(nameOf({ kind, id: String(field(payload, "id")) }));
    if (entry) entry.isOver = true;
  }

  /** The connection is gone: what waited is asked for anew on the next one. */
  forget(): void {
    this.atHand.clear();
  }

  private async handle(key: string, asked: Asked, entry: AtHand): Promise<void> {
    const { answers, line } = this.options;
    const isStale = (): boolean => entry.isOver || entry.connection !== line.connection;
    if (isStale()) return;
    const known = await answers.find(key);
    if (known?.outcome !== undefined) {
      this.settled.add(key);
      return;
    }
    const judged = known ?? (await this.judge(key, asked));
    if (entry.connection !== line.connection) return;
    const outcome = entry.isOver ? "elsewhere" : await this.answer(asked, judged, isStale);
    if (outcome === null) return;
    await answers.settle(key, outcome);
    this.settled.add(key);
    this.totals[outcome] = (this.totals[outcome] ?? 0) + 1;
    this.report(asked, judged, outcome);
  }

  private async judge(key: string, asked: Asked): Promise<Judged> {
    const { adviser, answers, clock } = this.options;
    const { kind, id, expiresAtMs, sessionKey } = asked;
    const advice = await adviser.advise(asked);
    const judged: Judged = { ...advice, kind, id, expiresAtMs, at: clock.now(), ...(sessionKey && { sessionKey }) };
    await answers.add(key, judged);
    return judged;
  }

  /** Null when no answer came back: then nobody knows whether it arrived. */
  private async answer(asked: Asked, judged: Judged, isStale: () => boolean): Promise<Outcome | null> {
    const { auditOnly, limits, sleep = Bun.sleep } = this.options;
    if (auditOnly || !judged.enforced) return "watched";
    if (judged.verdict === "review") return "left";
    const decision = judged.verdict === "allow" ? "allow-once" : "deny";
    if (!mayAnswer(asked, decision)) return "left";
    for (let attempt = 1; ; attempt++) {
      const answer = await this.send(asked, decision);
      if (typeof answer === "string" || answer === null) return answer;
      if (attempt === limits.sidecarAnswerAttempts) return "failed";
      await sleep(Math.min(answer.retryAfterMs ?? RETRY_MS * 2 ** (attempt - 1), MAX_RETRY_MS));
      if (isStale()) return null;
    }
  }

  /** What became of one attempt; the error when another one may succeed. */
  private async send(
    { kind, id }: Asked,
    decision: "allow-once" | "deny",
  ): Promise<Outcome | null | GatewayRequestError> {
    try {
      await this.options.line.request(`${kind}.approval.resolve`, { id, decision });
      return decision === "deny" ? "denied" : "allowed";
    } catch (error) {
      if (!(error instanceof GatewayRequestError)) return null;
      if (error.details?.reason === "APPROVAL_ALREADY_RESOLVED") return "elsewhere";
      if (error.details?.reason === "APPROVAL_NOT_FOUND" || /^unknown\b.* approval id/.test(error.message))
        return "gone";
      if (error.retryable) return error;
      this.options.tell({ event: "trouble", message: `The gateway refuses the answer: ${error.message}` });
      return "failed";
    }
  }

  private report(asked: Asked, judged: Judged, outcome: Outcome): void {
    const { kind, id, sessionKey } = asked;
    const { verdict, score, findings, decisionId } = judged;
    this.options.tell({
      event: "approval",
      kind,
      id,
      ...(sessionKey && { sessionKey }),
      about: aboutOf(asked),
      verdict,
      outcome,
      score,
      findings,
      ...(decisionId && { decisionId }),
    });
  }
}

const nameOf = ({ kind, id }: Pick<Asked, "kind" | "id">): string => `${kind}:${id}`;

function aboutOf(asked: Asked): string {
  const text = asked.kind === "exec" ? (commandOf(asked)?.action.command ?? "") : pluginWords(asked);
  const line = redact(text).replace(/\s+/g, " ").trim();
  return line.length > ABOUT_CHARS ? `${line.slice(0, ABOUT_CHARS)} …` : line;
}
