import type {
  ExecApprovalGrantsListParams,
  ExecApprovalGrantsListResult,
  ExecApprovalGrantsRevokeResult,
} from "../../generated/types.ts";
import type { Clock } from "../platform/clock.ts";
import { nameOf } from "./approvals.ts";
import type { GrantRepository } from "./grant-repository.ts";
import type { ApprovalCaller, Automation } from "./types.ts";

/** Upstream's bound of one list. */
const LIST_MAX = 500;

/** The ledger of standing permissions, `exec.approval.grants.*`. A revoked one stays in it. */
export class Grants {
  constructor(
    private readonly repository: GrantRepository,
    private readonly clock: Clock,
  ) {}

  async list({ limit = LIST_MAX }: ExecApprovalGrantsListParams): Promise<ExecApprovalGrantsListResult> {
    return { grants: await this.repository.list(limit) };
  }

  /** Whether a permission holds for just this command of a job in this folder; it is written down that it was used. */
  use(automation: Automation, command: string, cwd: string | null): Promise<boolean> {
    return this.repository.use(automation, command, cwd, this.clock.now());
  }

  async revoke(grantId: string, caller: ApprovalCaller): Promise<ExecApprovalGrantsRevokeResult> {
    return { outcome: await this.repository.revoke(grantId, nameOf(caller), this.clock.now()) };
  }
}
