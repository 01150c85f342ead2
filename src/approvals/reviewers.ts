import { ADMIN_SCOPE } from "../../generated/scopes.ts";
import { hasScope } from "../platform/scopes.ts";
import type { Approval, ApprovalKind, Reviewer } from "./types.ts";

/** What a client must have said it can show, one of them, to be asked about this kind. */
const CAPABILITIES: Readonly<Record<ApprovalKind, readonly string[]>> = {
  exec: ["approvals", "exec-approvals"],
  plugin: ["approvals", "plugin-approvals"],
  "system-agent": ["approvals"],
};

const SCOPE = "operator.approvals";

/** Who asks about an approval, or would be asked. */
type Viewer = Pick<Reviewer, "connId" | "deviceId" | "scopes">;

/**
 * True for administrators and for whoever made the request, known by device or else by connection. The methods of one
 * kind show an approval to nobody else (BEHAVIOUR section 9).
 */
export function mayReview({ requester }: Approval, viewer: Viewer): boolean {
  if (viewer.scopes.has(ADMIN_SCOPE) || viewer.connId === requester.connId) return true;
  return requester.deviceId !== undefined && viewer.deviceId === requester.deviceId;
}

/** The operators that are connected now. Whoever accepts connections tells it; nothing here knows sockets. */
export class Reviewers {
  private readonly connected = new Map<string, Reviewer>();

  /** Notes a connected operator. Returns the function that takes it back. */
  attach(reviewer: Reviewer): () => void {
    this.connected.set(reviewer.connId, reviewer);
    return () => this.connected.delete(reviewer.connId);
  }

  /** Connections whose clients can show this approval and may decide it. */
  of(approval: Approval): string[] {
    const wanted = CAPABILITIES[approval.kind];
    return [...this.connected.values()]
      .filter((each) => hasScope(each, SCOPE) && wanted.some((name) => each.caps.has(name)))
      .filter((each) => mayReview(approval, each))
      .map((each) => each.connId);
  }
}
