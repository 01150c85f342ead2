import { setImmediate as nextTurn } from "node:timers/promises";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import { SecretStream } from "../platform/secret-stream.ts";
import { mask, SecretScanner } from "../platform/secrets.ts";
import type { DecisionRepository } from "./decision-repository.ts";
import { type ActionGuard, BudgetExceeded, type Guard, type GuardInput, inTime, TimeBudget } from "./guard.ts";
import { credentialFindings } from "./outbound.ts";
import { payloadOf } from "./payload.ts";
import { pieces } from "./pieces.ts";
import { applyCommandRules, floorFinding, toolOf } from "./policy/apply.ts";
import type { PolicyInForce } from "./policy/policy-file.ts";
import { type Policy, policyOf, ranked, scoreFor, verdictOf, weighed } from "./policy.ts";
import type { Quarantine } from "./records/quarantine.ts";
import { type Judged, Recorder } from "./records/recorder.ts";
import { type RiskSource, raised } from "./risk.ts";
import type {
  Action,
  ActionContext,
  Decision,
  DefenderPort,
  Finding,
  OutboundStream,
  ScreenContext,
  Verdict,
} from "./types.ts";

export interface DefenderOptions {
  config: Pick<ConfigPort, "current">;
  /** The document in force; without it the configuration alone counts. */
  policy?: { current(): Promise<PolicyInForce>; readonly last: PolicyInForce };
  decisions: Pick<DecisionRepository, "add" | "pass">;
  quarantine?: Pick<Quarantine, "add" | "isReleased">;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  /** What inbound text is shown to, in this order. */
  guards: readonly Guard[];
  /** What actions are shown to. */
  actionGuards?: readonly ActionGuard[];
  /** What raises the score of every action while it lasts. */
  risks?: readonly RiskSource[];
  /** The gateway's own secrets, by value. */
  secrets: () => readonly string[];
  limits: DefenderLimits;
  /** Milliseconds of a clock that never goes back, for the time budget. */
  now?: () => number;
}

/** Characters, milliseconds and counts; values and reasons in `spec/chela/limits.yaml`. */
export interface DefenderLimits {
  defenderBudgetMs: number;
  defenderPieceChars: number;
  defenderOverlapChars: number;
  defenderMaxFindings: number;
  defenderExcerptChars: number;
  secretHoldChars: number;
}

/** A policy to judge by in place of the one in force. */
export interface Trial {
  policy?: PolicyInForce;
}

const ALLOW: Decision = Object.freeze({ verdict: "allow", score: 0, findings: [] });
const PASS_THROUGH: OutboundStream = { push: (piece) => piece, end: () => "" };

/**
 * Judges texts and actions before they take effect. Guards find, the policy weighs and decides, and every decision is
 * recorded; those that are not simply allowed are published as `security.decision` after their commit. The same input,
 * policy and state give the same decision.
 */
export class Defender implements DefenderPort {
  private readonly counts: Record<Verdict, number> = { allow: 0, review: 0, block: 0 };
  private failures = 0;
  private readonly outgoing: SecretScanner;
  private readonly recorder: Recorder;
  private readonly now: () => number;

  constructor(private readonly options: DefenderOptions) {
    this.outgoing = new SecretScanner({ values: options.secrets, strict: true });
    this.recorder = new Recorder({ ...options, excerptChars: options.limits.defenderExcerptChars });
    this.now = options.now ?? (() => performance.now());
  }

  /** Decisions by verdict, and guards that failed, since the start. */
  get totals(): { counts: Readonly<Record<Verdict, number>>; failures: number } {
    return { counts: this.counts, failures: this.failures };
  }

  /** Counters for the process's metrics. */
  defineMetrics(metrics: Metrics): void {
    metrics.total("chela_defender_decisions_total", "Texts judged, by verdict.", () =>
      Object.entries(this.counts).map(([verdict, count]) => [{ verdict }, count]),
    );
    metrics.total("chela_defender_failures_total", "Guards that failed or ran out of time.", () => this.failures);
  }

  async screen(text: string, context: ScreenContext): Promise<Decision> {
    const policy = await this.policyFor(context);
    if (!policy.enabled) return ALLOW;
    const decision = await this.screened(text, context, policy);
    const { direction, origin, actor, agentId, sessionKey, runId } = context;
    return this.settled(() => text, decision, policy, { direction, origin, actor, agentId, sessionKey, runId });
  }

  async judge(action: Action, context: ActionContext): Promise<Decision> {
    const policy = await this.policyFor(context);
    if (!policy.enabled) return ALLOW;
    const decision = await this.judged(action, context, policy);
    const { origin, actor, agentId, sessionKey, runId } = context;
    const about = { direction: "action", kind: action.kind, origin, actor, agentId, sessionKey, runId } as const;
    return this.settled(() => payloadOf(action), decision, policy, about);
  }

  /** What would be decided of a text or an action, without a record and whether or not the policy only watches. */
  async consider(
    subject: { text: string; context: ScreenContext } | { action: Action; context: ActionContext },
    trial: Trial = {},
  ): Promise<Decision> {
    const policy = await this.policyFor(subject.context, trial.policy);
    if ("action" in subject) return this.judged(subject.action, subject.context, policy);
    return this.screened(subject.text, subject.context, policy);
  }

  stream(): OutboundStream {
    const { enabled, auditOnly } = policyOf(this.options.config.current, this.options.policy?.last);
    if (!enabled || auditOnly) return PASS_THROUGH;
    return new SecretStream(this.outgoing, this.options.limits.secretHoldChars);
  }

  private async policyFor(subject: ScreenContext | ActionContext, given?: PolicyInForce): Promise<Policy> {
    const { config, policy } = this.options;
    return policyOf(config.current, given ?? (await policy?.current()), subject);
  }

  /** Records a decision and says what holds. */
  private async settled(
    payload: () => string,
    decision: Decision,
    policy: Policy,
    about: Omit<Judged, "policy" | "enforced">,
  ): Promise<Decision> {
    const judged: Judged = { ...about, policy: policy.version, enforced: !policy.auditOnly };
    if (decision.verdict === "block" && !policy.auditOnly && (await this.recorder.isReleased(payload(), judged))) {
      return this.settled(payload, released(decision), policy, about);
    }
    this.counts[decision.verdict]++;
    if (decision.verdict === "allow" && !isNoteworthy(decision)) {
      this.recorder.passed(decision, judged);
      return policy.auditOnly ? { ...decision, watched: "allow" } : decision;
    }
    const id = await this.recorder.keep(payload(), decision, judged);
    if (!policy.auditOnly) return { ...decision, id };
    const { text: masked, ...rest } = decision;
    return { ...rest, verdict: "allow", watched: decision.verdict, id };
  }

  private async screened(text: string, context: ScreenContext, policy: Policy): Promise<Decision> {
    return context.direction === "inbound"
      ? this.judgeInbound(text, context, policy)
      : this.judgeOutbound(text, policy);
  }

  private async judged(action: Action, context: ActionContext, policy: Policy): Promise<Decision> {
    const { limits, actionGuards = [] } = this.options;
    const budget = new TimeBudget(limits.defenderBudgetMs, this.now);
    budget.begin();
    const found: Finding[] = [];
    for (const guard of actionGuards) {
      try {
        found.push(...(await inTime(guard.inspect(action, context, budget.check), limits.defenderBudgetMs)));
      } catch (error) {
        found.push(this.failed(guard.name, error, policy));
      }
    }
    const tool = toolOf(action);
    const ruled = await this.ruled(action, found, policy, budget);
    const findings = raised(weighed(ruled, policy, { tool, channel: context.channel }), await this.risks(policy));
    return decide([...findings, ...floorFinding(action, policy)], policy, limits.defenderMaxFindings);
  }

  /** What is the matter beside the action. A source that fails is a finding as a guard that does. */
  private async risks(policy: Policy): Promise<Finding[]> {
    const { risks = [], limits } = this.options;
    const found: Finding[] = [];
    for (const source of risks) {
      try {
        found.push(...(await inTime(source.risk(), limits.defenderBudgetMs)));
      } catch (error) {
        found.push(this.failed("risk", error, policy));
      }
    }
    return found;
  }

  /** The findings after the policy's rules of commands. */
  private async ruled(action: Action, found: Finding[], policy: Policy, budget: TimeBudget): Promise<Finding[]> {
    try {
      return await applyCommandRules(action, found, policy, budget.check);
    } catch (error) {
      return [...found, this.failed("policy", error, policy)];
    }
  }

  private async judgeInbound(text: string, { origin, channel }: ScreenContext, policy: Policy): Promise<Decision> {
    const { limits, guards } = this.options;
    const budget = new TimeBudget(limits.defenderBudgetMs, this.now);
    const best = new Map<string, Finding>();
    for (const piece of pieces(text, limits.defenderPieceChars, limits.defenderOverlapChars)) {
      if (piece.offset > 0) await nextTurn();
      budget.begin();
      const input = { text: piece.text, origin, checkTime: budget.check };
      for (const guard of guards) {
        for (const finding of this.inspect(guard, input, policy)) keepBest(best, finding, piece.offset);
      }
      budget.end();
      if (best.has(OUT_OF_TIME)) break;
    }
    return decide(weighed([...best.values()], policy, { channel }), policy, limits.defenderMaxFindings);
  }

  private judgeOutbound(text: string, policy: Policy): Decision {
    try {
      const matches = this.outgoing.find(text);
      if (matches.length === 0) return ALLOW;
      const findings = ranked(credentialFindings(matches)).slice(0, this.options.limits.defenderMaxFindings);
      const { score } = findings[0]!;
      if (policy.credentials === "block") return { verdict: "block", score, findings };
      // The credential is taken out and the rest may go: worth a record in any case, and never a refusal.
      return { verdict: "review", score, findings, text: mask(text, matches) };
    } catch (error) {
      const finding = this.failed("credentials", error, policy);
      return { verdict: "review", score: finding.score, findings: [finding], text: WITHHELD };
    }
  }

  /** The findings of one guard. One that fails is itself a finding, which leads to what the policy says of it. */
  private inspect(guard: Guard, input: GuardInput, policy: Policy): Finding[] {
    try {
      return guard.inspect(input);
    } catch (error) {
      return [this.failed(guard.name, error, policy)];
    }
  }

  private failed(guard: string, error: unknown, policy: Policy): Finding {
    this.failures++;
    if (error instanceof BudgetExceeded) {
      this.options.log.warn("a guard ran out of time", { guard });
      const score = scoreFor(policy.onTimeout, policy);
      return { id: OUT_OF_TIME, score, reason: "It took longer to judge than allowed." };
    }
    this.options.log.error("a guard failed", { guard, error });
    return {
      id: "guard.failed",
      score: scoreFor(policy.onFailure, policy),
      reason: `The ${guard} guard failed on this.`,
    };
  }
}

const WITHHELD = "[This answer could not be checked for credentials and is withheld.]";
const OUT_OF_TIME = "guard.out-of-time";
const RELEASED = "policy.released";

/** A person has looked at the very same payload and let it go. */
function released({ score, findings }: Decision): Decision {
  const finding: Finding = { id: RELEASED, score, reason: "A person has released this from quarantine." };
  return { verdict: "allow", score, findings: [finding, ...findings] };
}

/** Whether a decision to allow is more than that nothing was found. */
const isNoteworthy = ({ findings }: Decision): boolean =>
  findings.some(({ id }) => id.startsWith("guard.") || id === RELEASED);

/** Keeps the highest-scoring finding of each rule, with its place in the whole text. */
function keepBest(best: Map<string, Finding>, finding: Finding, offset: number): void {
  const known = best.get(finding.id);
  if (known !== undefined && known.score >= finding.score) return;
  const span = finding.span && ([finding.span[0] + offset, finding.span[1] + offset] as [number, number]);
  best.set(finding.id, span ? { ...finding, span } : finding);
}

function decide(found: readonly Finding[], policy: Policy, maxFindings: number): Decision {
  if (found.length === 0) return ALLOW;
  const findings = ranked(found).slice(0, maxFindings);
  const score = findings[0]!.score;
  return { verdict: verdictOf(score, policy), score, findings };
}
