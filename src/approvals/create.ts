import { LIMITS } from "../../generated/limits.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Store } from "../store/store.ts";
import { ApprovalRepository } from "./approval-repository.ts";
import { Approvals } from "./approvals.ts";
import { ExecApprovals } from "./exec-approvals.ts";
import { Reviewers } from "./reviewers.ts";

export interface ApprovalServices {
  readonly approvals: Approvals;
  readonly execApprovals: ExecApprovals;
  readonly reviewers: Reviewers;
}

/** The room's services over one store. */
export function createApprovals(deps: { store: Store; bus: EventBus; clock: Clock; log: Logger }): ApprovalServices {
  const { store, bus, clock } = deps;
  const reviewers = new Reviewers();
  const repository = new ApprovalRepository(store, LIMITS);
  const log = deps.log.child("approvals");
  const approvals = new Approvals({ repository, reviewers, bus, clock, log, limits: LIMITS });
  return { approvals, execApprovals: new ExecApprovals(approvals, LIMITS), reviewers };
}
