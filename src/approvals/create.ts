import { LIMITS } from "../../generated/limits.ts";
import type { ConfigPort } from "../config/types.ts";
import type { EventBus } from "../platform/bus.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Store } from "../store/store.ts";
import { ApprovalRecords } from "./approval-records.ts";
import { ApprovalRepository } from "./approval-repository.ts";
import { Approvals } from "./approvals.ts";
import { ExecApprovals } from "./exec-approvals.ts";
import { ExecPolicy } from "./exec-policy.ts";
import { GrantRepository } from "./grant-repository.ts";
import { Grants } from "./grants.ts";
import { PluginApprovals } from "./plugin-approvals.ts";
import { QuestionRepository } from "./question-repository.ts";
import { Questions, type QuestionsDeps } from "./questions.ts";
import { Reviewers } from "./reviewers.ts";
import { RunPermissions } from "./run-permissions.ts";
import { SystemApprovals } from "./system-approvals.ts";
import { ToolGrants } from "./tool-grants.ts";

export interface ApprovalServices {
  readonly approvals: Approvals;
  readonly approvalRecords: ApprovalRecords;
  readonly approvalGrants: Grants;
  readonly execApprovals: ExecApprovals;
  readonly pluginApprovals: PluginApprovals;
  readonly systemApprovals: SystemApprovals;
  readonly execPolicy: ExecPolicy;
  readonly questions: Questions;
  readonly reviewers: Reviewers;
  readonly runPermissions: RunPermissions;
  readonly toolGrants: ToolGrants;
}

export interface ApprovalRoomDeps {
  store: Store;
  config: ConfigPort;
  bus: EventBus;
  clock: Clock;
  log: Logger;
  agents: QuestionsDeps["agents"];
}

/** The room's services over one store. */
export function createApprovals(deps: ApprovalRoomDeps): ApprovalServices {
  const { store, config, bus, clock, agents } = deps;
  const limits = LIMITS;
  const log = deps.log.child("approvals");
  const reviewers = new Reviewers(limits);
  const repository = new ApprovalRepository(store, limits);
  const approvals = new Approvals({ repository, reviewers, bus, clock, log, limits });
  const questionRepository = new QuestionRepository(store, limits);
  return {
    approvals,
    approvalRecords: new ApprovalRecords({ approvals, repository, clock, limits }),
    approvalGrants: new Grants(new GrantRepository(store, limits), clock),
    execApprovals: new ExecApprovals(approvals, limits),
    pluginApprovals: new PluginApprovals(approvals, limits),
    systemApprovals: new SystemApprovals(approvals),
    execPolicy: new ExecPolicy({ store, clock, stateDir: config.stateDir, databasePath: store.db.filename, limits }),
    questions: new Questions({ repository: questionRepository, agents, bus, clock, log, limits }),
    reviewers,
    runPermissions: new RunPermissions(repository, clock),
    toolGrants: new ToolGrants(store, clock, limits),
  };
}
