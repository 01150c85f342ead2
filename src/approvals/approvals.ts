import type { EventName } from "../../generated/events.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import { invalidRequest } from "../platform/errors.ts";
import type { Logger } from "../platform/logger.ts";
import type { ApprovalRepository } from "./approval-repository.ts";
import { alreadyResolved, ambiguousPrefix, requestUnavailable, unknownApproval } from "./errors.ts";
import { Expiry } from "./expiry.ts";
import { mayReview, type Reviewers } from "./reviewers.ts";
import { sessionEvent } from "./snapshot.ts";
import {
  type Approval,
  type ApprovalCaller,
  type ApprovalDecision,
  type ApprovalDraft,
  type ApprovalKind,
  type ApprovalResolver,
  type ApprovalsPort,
  type DeliveryRoute,
  RUN_REQUESTER,
} from "./types.ts";
import { Waiters } from "./waiters.ts";

const DECISIONS: ReadonlySet<string> = new Set<ApprovalDecision>(["allow-once", "allow-always", "deny"]);

/** @throws GatewayError for a decision that is none */
export function checkDecision(decision: string): void {
  if (!DECISIONS.has(decision)) throw invalidRequest("invalid decision");
}

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
  /** Of `allow-always` for an automation: for how long the permission holds; for ever when absent. */
  grantExpiresInDays?: number;
}

/** A decision as a client sends it. */
export interface ClientDecision {
  decision: string;
  caller: ApprovalCaller;
  grantExpiresInDays?: number;
  /** What to say of a decision that the request does not allow. */
  unavailable: (approval: Approval) => Error;
}

/**
 * What waits for somebody's decision, of every kind. Approvals live in the database and outlast a restart; the first
 * end counts, whoever else answers later. When their time is over they are refused.
 */
export class Approvals implements ApprovalsPort {
  private readonly waiters = new Waiters<Approval>();
  private readonly expiry: Expiry;

  constructor(private readonly deps: ApprovalsDeps) {
    this.expiry = new Expiry(deps, () => this.expire());
  }

  /** Ends what expired while the gateway was down, and waits for the rest. To be called before clients come. */
  start(): Promise<void> {
    return this.expiry.run();
  }

  stop(): void {
    this.expiry.stop();
  }

  /** Gives up what runs asked for that ended with the gateway before: nobody would do what is allowed now. */
  async abandonRuns(): Promise<void> {
    const { repository, clock } = this.deps;
    const kinds = await Promise.all((["exec", "plugin"] as const).map((kind) => repository.waiting(kind, clock.now())));
    for (const { id, requester } of kinds.flat()) {
      if (requester.connId.startsWith(RUN_REQUESTER)) await this.cancel(id, "gateway-restart");
    }
  }

  /** Refuses what nobody answered in time. The timer calls it; it may be called at any time. */
  expireDue(): Promise<void> {
    return this.expiry.run();
  }

  /**
   * Opens an approval. Without anybody to ask it ends at once, unless the draft says otherwise.
   * @throws GatewayError when the id is in use or too many wait
   */
  async open(
    draft: ApprovalDraft,
    requester: Approval["requester"],
  ): Promise<{ approval: Approval; route: DeliveryRoute }> {
    const { id, kind, request, presentation, source, requireRoute, silent, automation } = draft;
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
      ...(automation && { automation }),
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
      this.expiry.notLaterThan(expiresAtMs);
      if (asked.length > 0) this.announce(approval, asked);
      this.tellSession(approval);
    }
    return { approval, route: asked.length > 0 ? "approval-client" : "none" };
  }

  /** The approval once it has ended, or as it is when the signal aborts; null for an unknown id. */
  settled(id: string, signal: AbortSignal): Promise<Approval | null> {
    const read = () => this.deps.repository.find(id);
    return this.waiters.wait(id, { read, isOpen: ({ status }) => status === "pending", signal });
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
  async decide(kind: ApprovalKind, reference: string, answer: ClientDecision): Promise<Approval> {
    const { decision, caller, grantExpiresInDays, unavailable } = answer;
    checkDecision(decision);
    const approval = await this.lookUp(kind, reference, caller);
    const word = decision as ApprovalDecision;
    if (approval.status === "pending" && !allowedDecisions(approval).includes(word)) throw unavailable(approval);
    const by = nameOf(caller);
    const resolver: ApprovalResolver = { kind: "runtime", id: by };
    const verdict: Verdict = { decision: word, reason: "user", resolver, grantExpiresInDays };
    const after = await this.end(approval.id, () => verdict, { by });
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
    { by = null }: { by?: string | null } = {},
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

  private async expire(): Promise<number | null> {
    const now = this.deps.clock.now();
    const due = await this.deps.repository.expire(now, (approval) => ended(approval, TIMED_OUT, now));
    for (const approval of due) this.settle(approval, null);
    return this.deps.repository.nextExpiry();
  }

  private taken(taken: Approval, now: number): Error {
    const isRecent = taken.resolvedAtMs === undefined || now - taken.resolvedAtMs < this.deps.limits.approvalGraceMs;
    return isRecent ? invalidRequest("approval id already pending") : requestUnavailable();
  }

  private settle(approval: Approval, by: string | null): void {
    this.waiters.settle(approval.id, approval);
    const { id, request, decision = "deny", resolvedAtMs: ts } = approval;
    const payload = { id, decision, resolvedBy: by, ts, request };
    this.deps.bus.publish(EVENTS[approval.kind].resolved, payload, { connIds: this.deps.reviewers.of(approval) });
    this.tellSession(approval);
  }

  /** For whoever has the session's conversation open and asked for its approvals. */
  private tellSession(approval: Approval): void {
    const { sessionKey } = approval.source;
    if (sessionKey === undefined) return;
    const connIds = this.deps.reviewers.followers(sessionKey);
    if (connIds.length > 0) this.deps.bus.publish("session.approval", sessionEvent(approval), { sessionKey, connIds });
  }

  private announce(approval: Approval, connIds: readonly string[]): void {
    const { id, kind: approvalKind, request, createdAtMs, expiresAtMs } = approval;
    const payload = { approvalKind, id, request, createdAtMs, expiresAtMs };
    this.deps.bus.publish(EVENTS[approval.kind].requested, payload, { connIds });
  }
}

const TIMED_OUT: Verdict = { reason: "timeout", resolver: { kind: "system" } };

/** The approval with its end. Whatever is no permission is a refusal. */
function ended(approval: Approval, verdict: Verdict, now: number): Approval {
  const { decision, reason, resolver, grantExpiresInDays } = verdict;
  const status = decision === undefined ? (reason === "timeout" ? "expired" : "cancelled") : verb(decision);
  return {
    ...approval,
    status,
    resolvedAtMs: now,
    reason,
    resolver,
    ...(decision !== undefined && { decision }),
    ...(grantExpiresInDays !== undefined && { grantExpiresInDays }),
  };
}

const verb = (decision: ApprovalDecision): "allowed" | "denied" => (decision === "deny" ? "denied" : "allowed");

/** Who decided, as events and records name them. */
export const nameOf = ({ client }: ApprovalCaller): string => client.displayName ?? client.id;

export const allowedDecisions = ({ presentation }: Approval): readonly ApprovalDecision[] =>
  presentation.allowedDecisions as readonly ApprovalDecision[];
