import { setImmediate as nextTurn } from "node:timers/promises";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { uuid } from "../platform/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import { SecretStream } from "../platform/secret-stream.ts";
import { mask, SecretScanner } from "../platform/secrets.ts";
import type { DecisionRecord, DecisionRepository } from "./decision-repository.ts";
import { excerptOf } from "./excerpt.ts";
import { type ActionGuard, BudgetExceeded, type Guard, type GuardInput, TimeBudget } from "./guard.ts";
import { credentialFindings } from "./outbound.ts";
import { pieces } from "./pieces.ts";
import { type Policy, policyOf, ranked, verdictOf } from "./policy.ts";
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
  config: ConfigPort;
  decisions: Pick<DecisionRepository, "add">;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  /** What inbound text is shown to, in this order. */
  guards: readonly Guard[];
  /** What actions are shown to. */
  actionGuards?: readonly ActionGuard[];
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

const ALLOW: Decision = Object.freeze({ verdict: "allow", score: 0, findings: [] });
const PASS_THROUGH: OutboundStream = { push: (piece) => piece, end: () => "" };

/**
 * Judges texts before they take effect. Guards find, the policy decides, and what is not simply allowed is recorded
 * and published as `security.decision` after its commit.
 */
export class Defender implements DefenderPort {
  private readonly counts: Record<Verdict, number> = { allow: 0, review: 0, block: 0 };
  private failures = 0;
  private readonly outgoing: SecretScanner;
  private readonly kept: SecretScanner;
  private readonly now: () => number;

  constructor(private readonly options: DefenderOptions) {
    this.outgoing = new SecretScanner({ values: options.secrets, strict: true });
    this.kept = new SecretScanner({ values: options.secrets });
    this.now = options.now ?? (() => performance.now());
  }

  /** Counters for the process's metrics. */
  defineMetrics(metrics: Metrics): void {
    metrics.total("chela_defender_decisions_total", "Texts judged, by verdict.", () =>
      Object.entries(this.counts).map(([verdict, count]) => [{ verdict }, count]),
    );
    metrics.total("chela_defender_failures_total", "Guards that failed or ran out of time.", () => this.failures);
  }

  async screen(text: string, context: ScreenContext): Promise<Decision> {
    const policy = policyOf(this.options.config.current);
    if (!policy.enabled) return ALLOW;
    const decision =
      context.direction === "inbound"
        ? await this.judgeInbound(text, context, policy)
        : this.judgeOutbound(text, policy);
    this.counts[decision.verdict]++;
    if (decision.verdict === "allow") return decision;
    const id = await this.record(text, context, decision as RecordableDecision, policy);
    const { text: masked, ...judged } = decision;
    return policy.auditOnly ? { ...judged, verdict: "allow", id } : { ...decision, id };
  }

  async judge(action: Action, context: ActionContext): Promise<Decision> {
    const policy = policyOf(this.options.config.current);
    if (!policy.enabled) return ALLOW;
    const budget = new TimeBudget(this.options.limits.defenderBudgetMs, this.now);
    budget.begin();
    const found: Finding[] = [];
    for (const guard of this.options.actionGuards ?? []) {
      try {
        found.push(...(await guard.inspect(action, context, budget.check)));
      } catch (error) {
        found.push(this.failed(guard.name, error, policy));
      }
    }
    const decision = decide(found, policy, this.options.limits.defenderMaxFindings);
    this.counts[decision.verdict]++;
    if (decision.verdict === "allow") return decision;
    const about = { ...context, direction: "action" } as const;
    const id = await this.record(JSON.stringify(action), about, decision as RecordableDecision, policy);
    return policy.auditOnly ? { ...decision, verdict: "allow", id } : { ...decision, id };
  }

  stream(): OutboundStream {
    const { enabled, auditOnly } = policyOf(this.options.config.current);
    if (!enabled || auditOnly) return PASS_THROUGH;
    return new SecretStream(this.outgoing, this.options.limits.secretHoldChars);
  }

  private async judgeInbound(text: string, { origin }: ScreenContext, policy: Policy): Promise<Decision> {
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
    return decide([...best.values()], policy, limits.defenderMaxFindings);
  }

  private judgeOutbound(text: string, policy: Policy): Decision {
    try {
      const matches = this.outgoing.find(text);
      if (matches.length === 0) return ALLOW;
      const decision = decide(credentialFindings(matches), policy, this.options.limits.defenderMaxFindings);
      // The credential is taken out and the rest may go: worth a record in any case, and never a refusal.
      return { ...decision, verdict: "review", text: mask(text, matches) };
    } catch (error) {
      const finding = this.failed("credentials", error, policy);
      return { verdict: "review", score: finding.score, findings: [finding], text: WITHHELD };
    }
  }

  /** The findings of one guard. One that fails is itself a finding, at the score from which a person is asked. */
  private inspect(guard: Guard, input: GuardInput, policy: Policy): Finding[] {
    try {
      return guard.inspect(input);
    } catch (error) {
      return [this.failed(guard.name, error, policy)];
    }
  }

  private failed(guard: string, error: unknown, { reviewScore }: Policy): Finding {
    this.failures++;
    if (error instanceof BudgetExceeded) {
      this.options.log.warn("a guard ran out of time", { guard });
      return { id: OUT_OF_TIME, score: reviewScore, reason: "The text took longer to judge than allowed." };
    }
    this.options.log.error("a guard failed", { guard, error });
    return { id: "guard.failed", score: reviewScore, reason: `The ${guard} guard failed on this text.` };
  }

  private async record(
    text: string,
    context: Omit<ScreenContext, "direction"> & { direction: DecisionRecord["direction"] },
    { verdict, score, findings }: RecordableDecision,
    { auditOnly }: Policy,
  ): Promise<string> {
    const { clock, decisions, bus, log, limits } = this.options;
    const { direction, origin, actor, sessionKey, runId } = context;
    const id = uuid();
    const facts = {
      id,
      at: clock.now(),
      enforced: !auditOnly,
      score,
      findings,
      direction,
      origin,
      actor,
      sessionKey,
      runId,
    };
    try {
      const excerpt = excerptOf(text, findings[0]?.span, limits.defenderExcerptChars, this.kept);
      const record: DecisionRecord = { ...facts, verdict, excerpt };
      await decisions.add(record);
    } catch (error) {
      // The verdict stands: that it could not be written down must not let the text pass.
      log.error("a decision could not be stored", { id, verdict, error });
      return id;
    }
    bus.publish("security.decision", { ...facts, decision: verdict });
    return id;
  }
}

type RecordableDecision = Decision & { verdict: "review" | "block" };

const WITHHELD = "[This answer could not be checked for credentials and is withheld.]";
const OUT_OF_TIME = "guard.out-of-time";

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
