import type { EventName } from "../../generated/events.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Logger } from "../platform/logger.ts";
import type { ApprovalRepository } from "./approval-repository.ts";
import { alreadyResolved, ambiguousPrefix, requestUnavailable, unknownApproval } from "./errors.ts";
import { mayReview, type Reviewers } from "./reviewers.ts";
import type {
  Approval,
  ApprovalCaller,
  ApprovalDecision,
  ApprovalDraft,
  ApprovalKind,
  ApprovalResolver,
  ApprovalsPort,
  DeliveryRoute,
} from "./types.ts";

/** Longest wait of a timer; a later expiry is waited for in steps. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const DECISIONS: ReadonlySet<string> = new Set<ApprovalDecision>(["allow-once", "allow-always", "deny"]);

const EVENTS: Readonly<Record<ApprovalKind, { requested: EventName; resolved: EventName }>> = {
  exec: { requested: "exec.approval.requested", resolved: "exec.approval.resolved" },
  plugin: { requested: "plugin.approval.requested", resolved: "plugin.approval.resolved" },
  "system-agent": { requested: "openclaw.approval.requested", resolved: "openclaw.approval.resolved" },
};

export interface ApprovalLimits {
  approvalTimeoutMaxMs: number;
  approvalGraceMs: number;
  approvalPrefixChars: number;
}

export interface ApprovalsDeps {
  repository: ApprovalRepository;
  reviewers: Reviewers;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  limits: ApprovalLimits;
}

/** How an approval ends. */
export interface Verdict {
  decision?: ApprovalDecision;
  reason: NonNullable<Approval["reason"]>;
  resolver: ApprovalResolver;
}

/**
 * What waits for somebody's decision, of every kind. Approvals live in the database and outlast a restart; the first
 * end counts, whoever else answers later. When their time is over they are refused.
 */
export class Approvals implements ApprovalsPort {
  /** Who waits for the end of an approval, by id. As many as there are requests at work. */
  private readonly waiters = new Map<string, Set<(approval: Approval) => void>>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private timerAtMs = Number.POSITIVE_INFINITY;
  private stopped = false;

  constructor(private readonly deps: ApprovalsDeps) {}

  /** Ends what expired while the gateway was down, and waits for the rest. To be called before clients come. */
  async start(): Promise<void> {
    await this.expireDue();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /**
   * Opens an approval. Without anybody to ask it ends at once, unless the draft says otherwise.
   * @throws GatewayError when the id is in use or too many wait
   */
  async open(
    draft: ApprovalDraft,
    requester: Approval["requester"],
  ): Promise<{ approval: Approval; route: DeliveryRoute }> {
    const { id, kind, request, presentation, source, requireRoute, silent } = draft;
    const { repository, reviewers, clock, limits } = this.deps;
    const createdAtMs = clock.now();
    const expiresAtMs = createdAtMs + Math.min(draft.timeoutMs, limits.approvalTimeoutMaxMs);
    const fresh: Approval = {
      id,
      kind,
      status: "pending",
      createdAtMs,
      expiresAtMs,
      request,
      presentation,
      source,
      requester,
    };
    const asked = silent ? [] : reviewers.of(fresh).filter((connId) => connId !== requester.connId);
    const noRoute: Verdict = {
      decision: "deny",
      reason: "no-route",
      resolver: { kind: "system", id: "no-approval-route" },
    };
    const approval = asked.length === 0 && requireRoute ? ended(fresh, noRoute, createdAtMs) : fresh;
    const outcome = await repository.create(approval);
    if (outcome === "full") throw requestUnavailable(true);
    if (outcome !== "created") throw this.taken(outcome.taken, createdAtMs);
    if (approval.status === "pending") {
      this.waitUntil(expiresAtMs);
      if (asked.length > 0) this.announce(approval, asked);
    }
    return { approval, route: asked.length > 0 ? "approval-client" : "none" };
  }

  /** The approval once it has ended, or as it is when the signal aborts; null for an unknown id. */
  async settled(id: string, signal: AbortSignal): Promise<Approval | null> {
    let resolve: (approval: Approval | null) => void = () => {};
    const end = new Promise<Approval | null>((done) => {
      resolve = done;
    });
    const waiting = this.waiters.get(id) ?? new Set();
    this.waiters.set(id, waiting.add(resolve));
    const giveUp = (): void => resolve(null);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      // Whoever waits is noted before the row is read, so that no end falls between the two.
      const now = await this.deps.repository.find(id);
      if (now === null || now.status !== "pending" || signal.aborted) return now;
      return (await end) ?? now;
    } finally {
      signal.removeEventListener("abort", giveUp);
      waiting.delete(resolve);
      if (waiting.size === 0 && this.waiters.get(id) === waiting) this.waiters.delete(id);
    }
  }

  async cancel(id: string, reason: "run-aborted" | "gateway-restart"): Promise<void> {
    await this.end(id, () => ({ reason, resolver: { kind: "system" } }));
  }

  /** Those of a kind that wait and that the caller may see, oldest first. */
  async list(kind: ApprovalKind, caller: ApprovalCaller): Promise<Approval[]> {
    const waiting = await this.deps.repository.waiting(kind, this.deps.clock.now());
    return waiting.filter((approval) => mayReview(approval, caller));
  }

  /**
   * The approval that an id, or the beginning of one, means among those the caller may see. Beginnings are only looked
   * for among those that wait or have just ended, and short ones are refused: they are guessed too easily.
   * @throws GatewayError when there is none, or more than one
   */
  async lookUp(kind: ApprovalKind, reference: string, caller: ApprovalCaller): Promise<Approval> {
    const id = reference.trim();
    const { repository, clock, limits } = this.deps;
    const exact = await repository.find(id);
    if (exact !== null && exact.kind === kind && mayReview(exact, caller)) return exact;
    if (id.length < limits.approvalPrefixChars) throw unknownApproval();
    const alike = await repository.withPrefix(id, kind, clock.now() - limits.approvalGraceMs);
    const [found, second] = alike.filter((approval) => mayReview(approval, caller));
    if (found === undefined) throw unknownApproval();
    if (second !== undefined) throw ambiguousPrefix();
    return found;
  }

  /** Waits for the end of an approval that the caller may see. @throws GatewayError when there is none */
  async wait(kind: ApprovalKind, reference: string, caller: ApprovalCaller, signal: AbortSignal): Promise<Approval> {
    const approval = await this.deps.repository.find(reference.trim());
    if (approval === null || approval.kind !== kind || !mayReview(approval, caller)) {
      throw invalidRequest("approval expired or not found");
    }
    return (await this.settled(approval.id, signal)) ?? approval;
  }

  /**
   * Decides. The same decision again changes nothing, another one is refused.
   * @throws GatewayError also for a decision that is none or not allowed here
   */
  async decide(
    kind: ApprovalKind,
    reference: string,
    decision: string,
    caller: ApprovalCaller,
    unavailable: (approval: Approval) => Error,
  ): Promise<Approval> {
    if (!DECISIONS.has(decision)) throw invalidRequest("invalid decision");
    const approval = await this.lookUp(kind, reference, caller);
    const word = decision as ApprovalDecision;
    if (approval.status === "pending" && !allowedDecisions(approval).includes(word)) throw unavailable(approval);
    const resolver: ApprovalResolver = { kind: "runtime", id: nameOf(caller) };
    const after = await this.end(approval.id, () => ({ decision: word, reason: "user", resolver }), nameOf(caller));
    if (after === null) throw unknownApproval();
    if (after.approval.reason !== "user" || after.approval.decision !== word) throw alreadyResolved();
    return after.approval;
  }

  /**
   * Ends an approval that waits; one that has ended stays as it is. `by` is what the event names. Null for an unknown
   * id.
   */
  async end(
    id: string,
    verdict: (approval: Approval) => Verdict,
    by: string | null = null,
  ): Promise<{ applied: boolean; approval: Approval } | null> {
    const now = this.deps.clock.now();
    let change: "none" | "applied" | "late" = "none";
    const approval = await this.deps.repository.change(id, (before) => {
      if (before.status !== "pending") return before;
      change = before.expiresAtMs > now ? "applied" : "late";
      return ended(before, change === "applied" ? verdict(before) : TIMED_OUT, now);
    });
    if (approval === null) return null;
    const applied = (change as string) === "applied";
    if ((change as string) !== "none") this.settle(approval, applied ? by : null);
    return { applied, approval };
  }

  /** Refuses what nobody answered in time. The timer calls it; it may be called at any time. */
  async expireDue(): Promise<void> {
    const now = this.deps.clock.now();
    const due = await this.deps.repository.expire(now, (approval) => ended(approval, TIMED_OUT, now));
    for (const approval of due) this.settle(approval, null);
    this.timerAtMs = Number.POSITIVE_INFINITY;
    clearTimeout(this.timer);
    const next = await this.deps.repository.nextExpiry();
    if (next !== null) this.waitUntil(next);
  }

  private waitUntil(atMs: number): void {
    if (this.stopped || atMs >= this.timerAtMs) return;
    clearTimeout(this.timer);
    this.timerAtMs = atMs;
    const wait = Math.min(Math.max(atMs - this.deps.clock.now(), 1), MAX_TIMER_MS);
    this.timer = setTimeout(() => {
      this.expireDue().catch((error) => this.deps.log.error("approvals could not be expired", { error }));
    }, wait);
    this.timer.unref();
  }

  private taken(taken: Approval, now: number): Error {
    const isRecent = taken.resolvedAtMs === undefined || now - taken.resolvedAtMs < this.deps.limits.approvalGraceMs;
    return isRecent ? invalidRequest("approval id already pending") : requestUnavailable();
  }

  private settle(approval: Approval, by: string | null): void {
    for (const resolve of this.waiters.get(approval.id) ?? []) resolve(approval);
    this.waiters.delete(approval.id);
    const { id, request, decision = "deny", resolvedAtMs: ts } = approval;
    const payload = { id, decision, resolvedBy: by, ts, request };
    this.deps.bus.publish(EVENTS[approval.kind].resolved, payload, { connIds: this.deps.reviewers.of(approval) });
  }

  private announce(approval: Approval, connIds: readonly string[]): void {
    const { id, kind: approvalKind, request, createdAtMs, expiresAtMs } = approval;
    const payload = { approvalKind, id, request, createdAtMs, expiresAtMs };
    this.deps.bus.publish(EVENTS[approval.kind].requested, payload, { connIds });
  }
}

const TIMED_OUT: Verdict = { reason: "timeout", resolver: { kind: "system" } };

/** The approval with its end. Whatever is no permission is a refusal. */
function ended(approval: Approval, { decision, reason, resolver }: Verdict, now: number): Approval {
  const status = decision === undefined ? (reason === "timeout" ? "expired" : "cancelled") : verb(decision);
  return { ...approval, status, resolvedAtMs: now, reason, resolver, ...(decision !== undefined && { decision }) };
}

const verb = (decision: ApprovalDecision): "allowed" | "denied" => (decision === "deny" ? "denied" : "allowed");

/** Who decided, as events and records name them. */
export const nameOf = ({ client }: ApprovalCaller): string => client.displayName ?? client.id;

export const allowedDecisions = ({ presentation }: Approval): readonly ApprovalDecision[] =>
  presentation.allowedDecisions as readonly ApprovalDecision[];
