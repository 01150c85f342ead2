import { invalidRequest } from "../platform/errors.ts";
import type { Approvals } from "./approvals.ts";
import { ApprovalsOfKind } from "./kind.ts";

/** Approvals of changes to the gateway itself that its own assistant wants to make, `openclaw.approval.*`. */
export class SystemApprovals extends ApprovalsOfKind {
  constructor(approvals: Approvals) {
    super(approvals, "system-agent");
  }

  protected unavailable(): Error {
    return invalidRequest("allow-always is unavailable for this change");
  }
}
